import { z } from 'zod'

/** A duration in whole milliseconds between two bounds; the operator converts "5s" of the resource to this. */
export const milliseconds = (min: number, max: number): z.ZodInt => z.int().min(min).max(max)

/** Levels a worker logs at; the one field that takes effect without a restart. */
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
  logLevel: logLevelSchema.default('info'),
  http: z.object({ port: portSchema }),
  dapr: z.object({
    httpPort: portSchema.default(3500),
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

/** Parsed config.json without the worker's own settings. */
export type SharedConfig = Omit<z.output<ReturnType<typeof workerConfigSchema<z.ZodUnknown>>>, 'settings'>

/** Parsed config.json of a worker whose settings parse to `Settings`. */
export type WorkerConfig<Settings> = SharedConfig & { settings: Settings }
