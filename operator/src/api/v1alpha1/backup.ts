import { z } from 'zod'
import { finalPhases, immutable, oneShotParser, oneShotStatus, systemSchema, time, type OneShot } from './one-shot.ts'
import {
  backupDeadlineSchema,
  compressionLevelSchema,
  kafkaBackupSchema,
  parallelismSchema,
  throttleSchema,
} from './schema/backup.ts'
import { destinationSchema } from './schema/destination.ts'
import { described, withRules } from './schema/field.ts'

/** Kind of the resource: one immutable backup. */
export const backupKind = 'Backup'
/** Plural, as in URLs and RBAC rules. */
export const backupPlural = 'backups'

/** Longest name of a Backup: `<name>-backup` names a Job, whose pods carry it as a label. */
export const maxBackupName = 56

/** What asked for a backup. */
export const backupTriggers = ['Manual', 'Schedule', 'Safety', 'Update'] as const
/** One of {@link backupTriggers}. */
export type BackupTrigger = (typeof backupTriggers)[number]

/** The whole spec of a Backup; what is left out comes from spec.backup of the system. */
export const backupSpecSchema = withRules(
  described(
    z.strictObject({
      system: systemSchema,
      trigger: described(
        z.enum(backupTriggers).default('Manual'),
        'What asked for it: Schedule, Safety (before a restore) and Update are set by the operator, Manual is for people.',
      ),
      destination: destinationSchema.optional(),
      kafka: kafkaBackupSchema.optional(),
      throttle: throttleSchema.optional(),
      compressionLevel: described(compressionLevelSchema, 'Level of compression, 1 (fast) to 19 (small).').optional(),
      parallelism: described(parallelismSchema, 'Partitions read at once, 1 to 16.').optional(),
      deadline: backupDeadlineSchema.optional(),
    }),
    'What to back up. Cannot be changed: make another Backup. Whatever is left out comes from spec.backup of the system.',
  ),
  immutable('a Backup'),
)

/** Phases; the last three are final. Pending and Running end at `deadline` at the latest. */
export const backupPhases = ['Pending', 'Running', ...finalPhases] as const
/** One of {@link backupPhases}. */
export type BackupPhase = (typeof backupPhases)[number]

const cutSchema = described(
  z.object({
    at: time('The moment the backup shows: every change committed before is in it, none after.'),
    skewMs: described(
      z.int(),
      'Length of the moment in ms: how long writers were held while snapshot and offsets were taken.',
    ),
    audit: described(
      z
        .array(
          z.object({
            stream: described(z.string().max(128), 'Hash chain.'),
            seq: described(z.int(), 'Number of its last entry.'),
            hash: described(z.string().max(64), 'Hash of that entry, hexadecimal.'),
          }),
        )
        .max(16),
      'Heads of the audit trail.',
    ).optional(),
  }),
  'The one moment that database, events and offsets were taken at.',
)

/** Observed state of a Backup; written by the operator only. */
export const backupStatusSchema = described(
  z.object({
    ...oneShotStatus(
      backupPhases,
      'Succeeded: everything is in the backup. PartiallySucceeded: it can be restored, missing says what is not in it. Failed: there is no backup.',
    ),
    destination: destinationSchema.optional(),
    path: described(z.string().max(512), 'Folder of the backup below the destination.').optional(),
    cut: cutSchema.optional(),
    bytes: described(z.int(), 'Size of the stored files in bytes.').optional(),
    progress: described(
      z.object({
        percent: described(z.int().min(0).max(100), 'Estimate, 0 to 100.'),
        bytes: described(z.int(), 'Bytes stored so far.'),
        part: described(z.string().max(253), 'What is being written.').optional(),
      }),
      'How far it is, while it runs.',
    ).optional(),
    manifestSha256: described(z.string().max(64), 'SHA-256 of manifest.json, hexadecimal.').optional(),
    base: described(z.string().max(512), 'Path of the backup that an incremental one builds on.').optional(),
    encrypted: described(z.boolean(), 'Whether its files are encrypted.').optional(),
    missing: described(
      z
        .array(
          z.object({
            what: described(z.string().max(256), 'What is missing.'),
            why: described(z.string().max(1024), 'Why.'),
          }),
        )
        .max(64),
      'What the backup does not hold, and why.',
    ).optional(),
    verifiedAt: time('When a restore or a drill last proved it.').optional(),
  }),
  'Observed state.',
)

/** Spec of a Backup as the API server stores it. */
export type BackupSpec = z.output<typeof backupSpecSchema>
/** Status of a Backup. */
export type BackupStatus = z.output<typeof backupStatusSchema>
/** One backup. */
export type Backup = OneShot<BackupSpec, BackupStatus>

/** Reads a Backup as the API server returns it. */
export const parseBackup = oneShotParser<typeof backupSpecSchema, BackupStatus>(backupSpecSchema)
