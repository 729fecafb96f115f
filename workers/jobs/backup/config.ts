import { z } from 'zod'
import { destinationConfigSchema } from '../../lib/backup/destination-config.ts'
import { pathSchema, topicAliasSchema } from '../../lib/backup/names.ts'
import { logLevelSchema, milliseconds, topicNameSchema } from '../../lib/config-schema.ts'
import { kafkaConnectionSchema } from '../../lib/kafka/config.ts'
import { stateStoreSchema } from '../../lib/redis/config.ts'

const name = z.string().min(1).max(253)
/** Below the secrets directory. */
const secretFile = z.string().min(1).max(512)

const shared = {
  service: z.string().min(1).max(63),
  system: z.string().min(1).max(30),
  /** Of the operand. */
  version: z.string().min(1).max(63),
  logLevel: logLevelSchema.default('info'),
  namespace: name,
  destination: destinationConfigSchema,
  /** After this time the Job gives up and says so. */
  deadline: milliseconds(1_000, 7 * 86_400_000),
}

/** Makes one backup. */
const backupModeSchema = z.object({
  mode: z.literal('Backup'),
  ...shared,
  backup: z.object({
    name,
    uid: name,
    /** When the Backup was made: with its name and uid it names the folder, so every try of it has the same one. */
    requestedAt: z.iso.datetime(),
  }),
  /** Where the progress is served, see {@link progressSchema}. */
  progressPort: z.int().min(1024).max(65_535).default(8081),
  /** Present: everything but the manifest is encrypted for the recipients in this file, and only then the Secrets are in the backup. */
  encryption: z.object({ recipients: secretFile }).optional(),
  /** Ed25519, PEM. */
  signing: z.object({ privateKey: secretFile }),
  database: z.object({
    /** URI of the owner of the schema. */
    ownerUri: secretFile,
    /** How long one try waits for the writers that hold the outbox. */
    lockTimeout: milliseconds(100, 60_000).default(2_000),
    /** How many tries, with growing pauses. */
    lockAttempts: z.int().min(1).max(100).default(10),
  }),
  kafka: kafkaConnectionSchema.extend({
    mode: z.enum(['Full', 'Incremental']).default('Full'),
    /** Incremental backups that may follow a full one; then a full one is made. */
    maxIncrements: z.int().min(1).max(365).default(30),
    topics: z.array(z.object({ alias: topicAliasSchema, topic: topicNameSchema })).max(32),
    /** Consumer groups and the topics they read. */
    groups: z.array(z.object({ group: name, service: name, aliases: z.array(topicAliasSchema) })).max(32),
  }),
  /** The Dapr state store; absent: the system has none. */
  stateStore: stateStoreSchema.optional(),
  /** The TodoChatbot without status and managedFields. */
  resource: z.record(z.string(), z.unknown()),
  /** Folders below the secrets directory, one per Secret, whose keys go into secrets.json when the backup is encrypted. */
  secrets: z.array(name).max(64).default([]),
  /** Of zstd, and up to 9 of pg_dump's gzip. */
  compressionLevel: z.int().min(1).max(19).default(1),
  /** Parts written at once. */
  parallelism: z.int().min(1).max(16).default(2),
  /** Bytes per second that go to the destination. */
  throttle: z.int().min(1_024).optional(),
})

/** Finds out whether the destination will take a backup. */
const checkModeSchema = z.object({ mode: z.literal('Check'), ...shared })

/** Removes backups that nobody needs any more, and what tries that broke off have left. */
const pruneModeSchema = z.object({
  mode: z.literal('Prune'),
  ...shared,
  /** Newest backups that stay, however old. */
  keepLast: z.int().min(1).max(1_000),
  /** Beyond keepLast, backups that are older than this go; absent: all of them go. */
  maxAge: milliseconds(60_000, 3_650 * 86_400_000).optional(),
  /** Only says what would go. */
  dryRun: z.boolean().default(false),
  /** Paths that a restore or a drill has proved; the newest of them stays. */
  verified: z.array(pathSchema).max(1_000).default([]),
  /** Paths that are in use and stay. */
  inUse: z.array(pathSchema).max(1_000).default([]),
  /** Folders without a manifest that are younger than this may be of a backup that runs. */
  unfinishedAge: milliseconds(0, 30 * 86_400_000).default(86_400_000),
})

/** config.json of the backup Job, in each of its modes. */
export const backupJobConfigSchema = z.discriminatedUnion('mode', [backupModeSchema, checkModeSchema, pruneModeSchema])

/** See {@link backupJobConfigSchema}. */
export type BackupJobConfig = z.output<typeof backupJobConfigSchema>
/** config.json in the mode Backup. */
export type BackupConfig = z.output<typeof backupModeSchema>
/** config.json in the mode Check. */
export type CheckConfig = z.output<typeof checkModeSchema>
/** config.json in the mode Prune. */
export type PruneConfig = z.output<typeof pruneModeSchema>

/** What `GET /progress` answers while a backup is made. `percent` is an estimate from the size of the database and the number of records. */
export const progressSchema = z.object({
  percent: z.int().min(0).max(100),
  /** Stored so far. */
  bytes: z.int().min(0),
  /** What is being written. */
  part: z.string().max(253),
})
/** See {@link progressSchema}. */
export type BackupProgress = z.output<typeof progressSchema>

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** Of the longest lists only the first entries fit into 4 KiB; `more` says how many there are beyond. */
const more = z.int().optional()

/** What the Job says at its end, as JSON in its termination message. */
export const backupJobReportSchema = z.discriminatedUnion('result', [
  z.object({
    result: z.literal('Backup'),
    phase: z.enum(['Succeeded', 'PartiallySucceeded']),
    path: pathSchema,
    /** Of all stored files. */
    bytes: z.int(),
    manifestSha256: sha256,
    encrypted: z.boolean(),
    startedAt: z.string(),
    finishedAt: z.string(),
    cut: z.object({
      at: z.string(),
      skewMs: z.number(),
      audit: z.array(z.object({ stream: z.string(), seq: z.int(), hash: sha256 })).max(16),
    }),
    counts: z.object({ rows: z.int(), records: z.int(), stateKeys: z.int() }),
    base: pathSchema.optional(),
    missing: z.array(z.object({ what: z.string().max(256), why: z.string().max(1024) })).max(64),
    more,
  }),
  z.object({
    result: z.literal('Check'),
    /** How long a small file took to be written and read back, ms. */
    writeMs: z.number(),
    readMs: z.number(),
    /** Absent where it cannot be known. */
    freeBytes: z.number().optional(),
    destination: z.string(),
  }),
  z.object({
    result: z.literal('Prune'),
    dryRun: z.boolean(),
    /** With dryRun: what would go. */
    removed: z.array(z.object({ path: pathSchema, bytes: z.int() })).max(64),
    removedBytes: z.int(),
    kept: z.int(),
    /** Tries that broke off, removed as well. */
    unfinished: z.int(),
    /** What could not be read or removed, and why. */
    problems: z.array(z.object({ path: z.string(), why: z.string().max(1024) })).max(16),
    more,
  }),
  /** Nothing was done, or a part of it that nobody will look at. `code` is one of BackupError's or `ConfigInvalid`, `Failed`. */
  z.object({
    result: z.literal('Failed'),
    code: z.string().max(63),
    reason: z.string().max(2_048),
    remedy: z.string().max(512),
  }),
])

/** See {@link backupJobReportSchema}. */
export type BackupJobReport = z.output<typeof backupJobReportSchema>
