import { z } from 'zod'
import { destinationConfigSchema } from '../../lib/backup/destination-config.ts'
import { logLevelSchema, topicNameSchema } from '../../lib/config-schema.ts'
import { kafkaConnectionSchema } from '../../lib/kafka/config.ts'

const offset = z.int().min(0)

/** What is taken of what is read. Fields that are absent take everything; all that are there must hold. */
export const selectionSchema = z.object({
  partitions: z.array(z.int().min(0)).optional(),
  /** First offset, and the one after the last. */
  offsets: z.object({ from: offset.optional(), to: offset.optional() }).optional(),
  /** Of the record, ms since the epoch; `to` is not included. */
  time: z.object({ from: z.int().optional(), to: z.int().optional() }).optional(),
  keys: z.array(z.string()).optional(),
  types: z.array(z.string()).optional(),
  eventIds: z.array(z.string()).optional(),
})

/** See {@link selectionSchema}. */
export type Selection = z.output<typeof selectionSchema>

/** config.json of the replay Job. */
export const replayConfigSchema = z.object({
  service: z.string().min(1).max(63),
  system: z.string().min(1).max(30),
  namespace: z.string().min(1).max(63),
  version: z.string().min(1).max(63),
  logLevel: logLevelSchema.default('info'),
  replay: z.object({ name: z.string().min(1).max(253), id: z.uuid() }),
  worker: z.enum(['audit', 'notification', 'recurring-task']),
  /** Where the worker listens, such as http://todo-audit.default.svc:3003. */
  url: z.url({ protocol: /^http$/ }),
  /** Group of the worker. Read, never written: what it has not consumed yet is no gap. */
  workerGroup: z.string().min(1),
  /** What the name of the Job's own group begins with: it reads under it and commits nothing. */
  group: z.string().min(1),
  source: z.enum(['Topic', 'DeadLetters', 'AuditGaps']),
  topics: z
    .array(
      z.object({ alias: z.string().min(1).max(64), topic: topicNameSchema, path: z.string().startsWith('/replay/') }),
    )
    .min(1),
  select: selectionSchema.prefault({}),
  dryRun: z.boolean(),
  force: z.boolean(),
  muted: z.boolean(),
  /** Deliveries per second. */
  rate: z.int().min(1).max(10_000),
  kafka: kafkaConnectionSchema,
  /** Files below the secrets directory. */
  secrets: z.object({ databaseUri: z.string(), appToken: z.string() }),
  /** Where records are looked for that Kafka does not keep any more. */
  backups: z
    .object({
      destination: destinationConfigSchema,
      /** Files below the secrets directory. */
      publicKey: z.string(),
      identities: z.string().optional(),
    })
    .optional(),
})

/** See {@link replayConfigSchema}. */
export type ReplayConfig = z.output<typeof replayConfigSchema>

/** What became of the events. Everything that matched is delivered, duplicate, ignored, failed, or, in a dry run, none of them yet. */
export const countsSchema = z.object({
  /** Records looked at. */
  read: z.int(),
  matched: z.int(),
  /** Took effect through this replay. */
  delivered: z.int(),
  /** The worker had them before. */
  duplicates: z.int(),
  /** The worker takes no events of this kind. */
  ignored: z.int(),
  failed: z.int(),
  /** Of the matched ones, how many an earlier replay delivered to this worker. */
  redelivered: z.int(),
})

/** See {@link countsSchema}. */
export type Counts = z.output<typeof countsSchema>

/** Answer of /progress. */
export const replayProgressSchema = z.object({
  /** 0 to 100. */
  percent: z.int().min(0).max(100),
  counts: countsSchema,
})

/** See {@link replayProgressSchema}. */
export type ReplayProgress = z.output<typeof replayProgressSchema>

/** What the Job says at its end, as JSON in its termination message: at most 4 KiB. */
export const replayReportSchema = z.object({
  counts: countsSchema,
  types: z.array(z.object({ type: z.string().max(255), matched: z.int() })).max(16),
  failures: z
    .array(
      z.object({ where: z.string().max(400), eventId: z.string().max(255).optional(), reason: z.string().max(1024) }),
    )
    .max(10),
  /** What could not be looked at, such as records that neither Kafka nor a backup holds. */
  missing: z.array(z.object({ what: z.string().max(256), why: z.string().max(1024) })).max(16),
  /** Numbers that the audit trail lacks. */
  gaps: z
    .object({
      numbers: z.int(),
      ranges: z.array(z.object({ from: z.int(), to: z.int() })).max(16),
      /** Numbers for which no event was found, now or by an earlier replay. */
      unexplained: z.int(),
    })
    .optional(),
})

/** See {@link replayReportSchema}. */
export type ReplayReport = z.output<typeof replayReportSchema>
