import { z } from 'zod'
import { destinationConfigSchema } from '../../lib/backup/destination-config.ts'
import { pathSchema } from '../../lib/backup/names.ts'
import { logLevelSchema, milliseconds } from '../../lib/config-schema.ts'
import { kafkaConnectionSchema } from '../../lib/kafka/config.ts'
import { stateStoreSchema } from '../../lib/redis/config.ts'

const name = z.string().min(1).max(253)
/** A path below the secrets directory. */
const secretFile = z.string().min(1).max(512)

/** What a pod of the Job does; the operator names it as the one argument. */
export const restoreJobSteps = [
  'check',
  'database',
  'reapply',
  'topics',
  'switch',
  'undo',
  'validate',
  'cleanup',
] as const
/** One of {@link restoreJobSteps}. */
export type RestoreJobStep = (typeof restoreJobSteps)[number]

/** Up to where events after the cut take effect again; of the two exactly one. */
const untilSchema = z.union([
  /** RFC 3339: what the log in Kafka holds up to this moment. */
  z.strictObject({ time: z.iso.datetime({ offset: true }) }),
  /** Up to and with this entry of the audit trail in the database as it is. */
  z.strictObject({ auditSequence: z.int().min(1) }),
])

/** See {@link untilSchema}. */
export type RestoreUntil = z.output<typeof untilSchema>

/** config.json of the Jobs of one Restore; all of its steps read the same. */
export const restoreConfigSchema = z.object({
  service: z.string().min(1).max(63),
  system: z.string().min(1).max(30),
  namespace: name,
  version: z.string().min(1).max(63),
  logLevel: logLevelSchema.default('info'),
  restore: z.object({
    name,
    uid: z.string().min(8).max(64),
    mode: z.enum(['InPlace', 'NewSystem', 'Drill']),
    until: untilSchema.optional(),
    /** When other restores replaced the data of the system, as far as the cluster remembers; the database in use may be lost, and its memory with it. */
    replacedAt: z.array(z.iso.datetime()).default([]),
  }),
  source: z.object({ destination: destinationConfigSchema, path: pathSchema }),
  /** Public key (PEM) the signature of the manifest is verified with; absent: it is ignored, for a reason the Restore gives. */
  publicKeyFile: secretFile.optional(),
  /** age identities, one per line. */
  identityFile: secretFile.optional(),
  /** Most bytes per second read from the destination. */
  throttle: z.int().min(1).optional(),
  database: z.object({
    ownerUriFile: secretFile,
    /** Connection string of the workers: names their role. */
    uriFile: secretFile,
    /** How long to wait for a server that does not answer, and for sessions to end. */
    waitTimeout: milliseconds(1_000, 3_600_000).default(60_000),
  }),
  kafka: kafkaConnectionSchema.extend({
    /** Topics of the system as it is now, by alias. */
    topics: z.array(z.object({ alias: z.string().min(1), topic: name })).min(1),
    /** Groups of the system as it is now; `service` is the kebab-case name of the worker. */
    groups: z.array(z.object({ group: name, service: name, aliases: z.array(z.string()) })),
    /** How long to wait for topics that are being made and for groups to become empty. */
    waitTimeout: milliseconds(1_000, 3_600_000).default(60_000),
  }),
  /** The Dapr state store; absent: the system has none. */
  stateStore: stateStoreSchema.optional(),
})

/** See {@link restoreConfigSchema}. */
export type RestoreConfig = z.output<typeof restoreConfigSchema>

/** What `GET /progress` answers while a step works. */
export const restoreProgressSchema = z.object({
  /** Of what the step reads from the backup; steps that read nothing of it stay at 0. */
  percent: z.int().min(0).max(100),
  /** Read so far. */
  bytes: z.int().min(0),
  /** What is being read or done. */
  part: z.string().max(253),
})

/** See {@link restoreProgressSchema}. */
export type RestoreProgress = z.output<typeof restoreProgressSchema>

/** What a pod says at its end, as JSON in its termination message (4 KiB at most). */
export const restoreReportSchema = z.object({
  step: z.enum(restoreJobSteps),
  /** One sentence for people. */
  message: z.string().max(1_500),
  /** check */
  backup: z
    .object({
      path: z.string().max(512),
      manifestSha256: z.string().regex(/^[0-9a-f]{64}$/),
      cutAt: z.iso.datetime(),
      auditSequence: z.int().min(0),
    })
    .optional(),
  /** reapply: entries of the audit trail after the cut, the number of the last one, and up to which moment they go. */
  reapplied: z.object({ entries: z.int().min(0), auditSequence: z.int().min(0), until: z.iso.datetime() }).optional(),
  /** switch: name of the database that holds the state before. */
  databaseBefore: z.string().max(63).optional(),
  /** reapply: what could not be taken over; validate: what does not agree. */
  violations: z.array(z.string().max(300)).max(8).optional(),
})

/** See {@link restoreReportSchema}. */
export type RestoreReport = z.output<typeof restoreReportSchema>

/** Exit code of a pod whose failure no retry would change; the Job is then not tried again. */
export const refusedExitCode = 3
