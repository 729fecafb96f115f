/**
 * manifest.json of a backup: what it holds, where the cut is and the checksum of every part. It is written last and signed, so whoever trusts
 * its signature can trust every part whose checksum holds. Fields may be added without a new formatVersion, because readers pass over what
 * they do not know; anything that an old reader would misread gets a new number.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { BackupError, wordsOf } from './errors.ts'
import { pathSchema, topicAliasSchema } from './names.ts'

/** The version that is written, and the newest that is read. */
export const formatVersion = 1

const name = z.string().min(1).max(253)
const offset = z.int().min(0)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const partSchema = z.object({
  /** In the folder of the backup. */
  path: pathSchema,
  kind: z.enum(['Database', 'Records', 'State', 'Resource', 'Secrets']),
  alias: topicAliasSchema.optional(),
  partition: z.int().min(0).optional(),
  /** Of the stored file. */
  bytes: z.int().min(0),
  /** Of the stored file. */
  sha256,
  /** Before compression and encryption. */
  plainBytes: z.int().min(0),
  records: z.int().min(0).optional(),
})

/** manifest.json. */
export const manifestSchema = z.object({
  format: z.literal('todochatbot-backup'),
  formatVersion: z.int().min(1),
  backup: z.object({ name, uid: name, namespace: name, system: name }),
  createdAt: z.iso.datetime(),
  versions: z.object({
    operand: z.string(),
    /** Number of the last migration. */
    migration: z.int().min(0),
    postgresql: z.string(),
    pgDump: z.string(),
  }),
  cut: z.object({
    at: z.iso.datetime(),
    /** How long new changes were held while snapshot and ends were taken, ms. */
    skewMs: z.number().min(0),
    audit: z.array(z.object({ stream: z.string(), seq: z.int().min(0), hash: sha256 })),
    topics: z.array(
      z.object({
        alias: topicAliasSchema,
        topic: name,
        /** The records of this backup are those of [start, end). */
        partitions: z.array(z.object({ partition: z.int().min(0), start: offset, end: offset })),
      }),
    ),
    groups: z.array(
      z.object({
        group: name,
        service: name,
        /** Next record to consume. Partitions without a committed offset are not listed. */
        offsets: z.array(z.object({ alias: topicAliasSchema, partition: z.int().min(0), offset })),
      }),
    ),
  }),
  counts: z.object({
    tables: z.record(z.string(), z.int().min(0)),
    records: z.int().min(0),
    stateKeys: z.int().min(0),
  }),
  compression: z.literal('zstd'),
  encryption: z.object({ scheme: z.literal('age'), recipients: z.array(z.string()) }).optional(),
  /** Incremental: the records before the starts are in this backup (and, if it has a base itself, in that one). */
  base: z.object({ path: pathSchema, manifestSha256: sha256 }).optional(),
  parts: z.array(partSchema),
  missing: z.array(z.object({ what: z.string(), why: z.string() })).default([]),
})

/** See {@link manifestSchema}. */
export type Manifest = z.output<typeof manifestSchema>
/** One file of a backup. */
export type Part = Manifest['parts'][number]

const headSchema = z.object({ format: z.literal('todochatbot-backup'), formatVersion: z.int().min(1) })

/** The bytes as they are stored and signed. */
export const encodeManifest = (manifest: Manifest): Buffer => Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)

/**
 * Reads stored bytes.
 * @throws BackupError FormatTooNew, ManifestInvalid
 */
export const decodeManifest = (bytes: Uint8Array): Manifest => {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    throw new BackupError('ManifestInvalid', `manifest.json is not JSON: ${wordsOf(error)}`, { cause: error })
  }
  const head = headSchema.safeParse(value)
  if (!head.success) throw new BackupError('ManifestInvalid', `manifest.json: ${z.prettifyError(head.error)}`)
  if (head.data.formatVersion > formatVersion)
    throw new BackupError(
      'FormatTooNew',
      `the backup has format version ${head.data.formatVersion}, and this program reads up to ${formatVersion}`,
    )
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw new BackupError('ManifestInvalid', `manifest.json: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** SHA-256 of stored bytes, hex: what `base.manifestSha256` and the reports mean. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
