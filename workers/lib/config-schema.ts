import { z } from 'zod'

/** A duration in whole milliseconds between two bounds; the operator converts "5s" of the resource to this. */
export const milliseconds = (min: number, max: number): z.ZodInt => z.int().min(min).max(max)

/**
 * Marks a field as hot-reloadable: a running worker takes a change over, so the operator does not restart it for one. The mark is the one
 * source of truth for both, and docs/api.md shows it. Mark only what is read again at each use.
 */
export const hot = <Schema extends z.ZodType>(schema: Schema): Schema => schema.meta({ ...schema.meta(), hot: true })

/** Whether {@link hot} marked a field. */
export const isHot = (schema: z.ZodType): boolean => schema.meta()?.['hot'] === true

/** Names of the hot-reloadable fields of an object schema, wrapped in a default or not. Only whole fields are hot, never parts of one. */
export const hotFieldsOf = (schema: z.ZodType): readonly string[] => {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault)
    return hotFieldsOf(schema.unwrap() as z.ZodType)
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape as Readonly<Record<string, z.ZodType>>)
    .filter(([, field]) => isHot(field))
    .map(([name]) => name)
}

/** Levels a worker logs at; takes effect without a restart. */
export const logLevelSchema = z.enum(['trace', 'debug', 'info', 'warn', 'error'])

/** Log level, from the most to the least talkative. */
export type LogLevel = z.infer<typeof logLevelSchema>

/** A port a process without privileges can listen on. */
export const portSchema = z.int().min(1024).max(65_535)

/** Kafka's rule for topic names (org.apache.kafka.common.internals.Topic). */
export const topicNameSchema = z
  .string()
  .min(1)
  .max(249)
  .regex(/^[a-zA-Z0-9._-]+$/, 'a topic name holds letters, digits, ".", "_" and "-" only')

/** What the code calls a topic; the file says what the broker calls it. */
export type TopicAlias = 'taskEvents' | 'taskReminders' | 'taskUpdates'

/** The topic of each alias as it is named on the broker, prefix included. */
export const topicsSchema = z.object({
  taskEvents: topicNameSchema,
  taskReminders: topicNameSchema,
  taskUpdates: topicNameSchema,
})

const databaseSchema = z.object({
  pool: z
    .object({ min: z.int().min(0).max(100).default(2), max: z.int().min(1).max(200).default(10) })
    .refine(({ min, max }) => min <= max, { message: 'min must not exceed max', path: ['min'] })
    .prefault({}),
  /** Server-side limit of one statement. */
  statementTimeout: milliseconds(100, 600_000).default(5_000),
  /** Statements slower than this are logged as warnings with their text and never their parameters. */
  slowQueryThreshold: milliseconds(1, 600_000).default(200),
})

/** Fields every worker's config.json shares, before its `settings`. */
const sharedFields = {
  /** Dapr app id, e.g. `todo-chat-api`; the CloudEvents source is `/services/<service>`. */
  service: z.string().min(1).max(63),
  /** Name of the TodoChatbot resource. */
  system: z.string().min(1).max(30),
  version: z.string().min(1).max(63),
  logLevel: hot(logLevelSchema.default('info')),
  http: z.object({ port: portSchema }),
  dapr: z.object({
    httpPort: portSchema.default(3500),
    /** Where daprd serves its Prometheus metrics. */
    metricsPort: portSchema.default(9090),
    pubsub: z.string().min(1).max(253),
    stateStore: z.string().min(1).max(253).optional(),
  }),
  topics: topicsSchema,
  database: databaseSchema.prefault({}),
  tracing: z
    .object({
      /** OTLP/HTTP base URL, e.g. `http://collector:4318`; absent: trace context is carried on and nothing is exported. */
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
      /** Share of new traces that are recorded, 0 to 1; a decision made upstream is honoured. */
      samplingRate: z.number().min(0).max(1).default(0.1),
    })
    .prefault({}),
  shutdown: z.object({ gracePeriod: milliseconds(1_000, 600_000).default(25_000) }).prefault({}),
}

/**
 * The whole config.json of one worker. `settings` is the worker's own part, what `spec.services.<worker>.config` fills:
 * pass a `z.strictObject` with a default for every field, so that a misspelt setting is refused by name. The operator
 * writes the rest; keys it adds in a later version are ignored, so that a newer operator can run an older worker.
 */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- zod's inference is the type
export const workerConfigSchema = <Settings extends z.ZodType>(settings: Settings) =>
  z.object({ ...sharedFields, settings })

/**
 * hot.json: what running pods take over. It belongs to no pod template, so a template that is rolled back still gets it; therefore only what
 * the reading version itself marks as hot is taken from `settings`, and everything else is ignored.
 */
export const hotConfigSchema = z.object({
  /** Changes with the content; a worker reports it once it has applied the file. */
  revision: z.string().min(1).max(64),
  logLevel: logLevelSchema.optional(),
  settings: z.record(z.string(), z.unknown()).default({}),
})

/** Parsed hot.json. */
export type HotConfig = z.output<typeof hotConfigSchema>

/** Parsed config.json without the worker's own settings. */
export type SharedConfig = Omit<z.output<ReturnType<typeof workerConfigSchema<z.ZodUnknown>>>, 'settings'>

/** Parsed config.json of a worker whose settings parse to `Settings`. */
export type WorkerConfig<Settings> = SharedConfig & { settings: Settings }
