import { z } from 'zod'
import { logLevelSchema, milliseconds } from '../../lib/config-schema.ts'
import { kafkaConnectionSchema } from '../../lib/kafka/config.ts'

const name = z.string().min(1).max(253)

/** config.json of the evidence Job: about whom, from where, how much, and where it goes. */
export const evidenceConfigSchema = z.object({
  service: z.string().min(1).max(63),
  system: z.string().min(1).max(30),
  version: z.string().min(1).max(63),
  logLevel: logLevelSchema.default('info'),
  incident: z.object({
    name,
    uid: name,
    trigger: z.string().max(63),
    reason: z.string().max(256),
    by: z.string().max(128).optional(),
  }),
  namespace: name,
  worker: z.string().min(1).max(63),
  /** Deployment of the worker, which is its Dapr app id, too. */
  deployment: name,
  /** Label selector of the worker's pods and ReplicaSets. */
  podSelector: z.string().min(1).max(512),
  /** Label selector of the Dapr objects of the system. */
  daprSelector: z.string().min(1).max(512),
  kafka: kafkaConnectionSchema.extend({ groupId: z.string().min(1), topics: z.array(z.string()).max(32) }).optional(),
  limits: z.object({
    /** Bytes of one file; of a longer log the newest part is kept. */
    fileBytes: z.int().min(1_024),
    /** Bytes of all files together, before compression. */
    totalBytes: z.int().min(1_024),
    /** After this time the archive is closed with what there is. */
    timeout: milliseconds(100, 3_600_000),
  }),
  archive: z.object({
    /** Where the volume is mounted. */
    directory: z.string().min(1),
    /** Name of the archive in it. */
    file: z.string().min(1).max(253),
  }),
})

/** See {@link evidenceConfigSchema}. */
export type EvidenceConfig = z.output<typeof evidenceConfigSchema>

/** What the Job says at its end, as JSON in its termination message: at most 4 KiB, so `missing` may be cut (`more` says by how many). */
export const evidenceReportSchema = z.object({
  file: z.string().max(253),
  bytes: z.int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  collected: z
    .array(z.object({ what: z.string().max(128), files: z.int(), bytes: z.int(), truncated: z.int().optional() }))
    .max(32),
  missing: z.array(z.object({ what: z.string().max(256), why: z.string().max(1024) })).max(64),
  more: z.int().optional(),
})

/** See {@link evidenceReportSchema}. */
export type EvidenceReport = z.output<typeof evidenceReportSchema>
