import { z } from 'zod'
import { described } from './field.ts'

const time = (description: string) => described(z.string().max(64), description).meta({ format: 'date-time' })
const backupName = (description: string) => described(z.string().max(253), description)
const seconds = (description: string) => described(z.int(), description)

/** `status.backup` of a TodoChatbot: the backups of a system as a whole. */
export const systemBackupSchema = described(
  z.object({
    destination: described(z.string().max(1024), 'Where backups go, in words.').optional(),
    next: time('When the schedule makes the next one.').optional(),
    scheduledAt: time(
      'The last time of the schedule that was answered, by a backup or because it was missed for too long.',
    ).optional(),
    last: described(
      z.object({
        name: backupName('Name of the Backup.'),
        at: time('Moment it shows.'),
        phase: described(z.enum(['Succeeded', 'PartiallySucceeded']), 'What came of it.'),
        bytes: described(z.int(), 'Size in bytes.').optional(),
      }),
      'The newest backup that can be restored.',
    ).optional(),
    lastFailed: described(
      z.object({
        name: backupName('Name of the Backup.'),
        at: time('When it ended.'),
        message: described(z.string().max(1024), 'Why.'),
      }),
      'The newest backup that failed, while no newer one succeeded.',
    ).optional(),
    running: backupName('Name of the Backup that runs or waits to run.').optional(),
    lastVerifiedRestore: described(
      z.object({
        backup: backupName(
          'Name of the Backup that was restored; empty for one that was restored from a path.',
        ).optional(),
        path: described(z.string().max(512), 'Folder of the backup below the destination.'),
        at: time('When the restore was verified.'),
        restore: backupName('Name of the Restore that proved it.').optional(),
      }),
      'The newest proof that a backup of this system can be restored.',
    ).optional(),
    measuredRPO: seconds(
      'Seconds of changes that would have been lost at the worst moment known: the time between the last two cuts, or the age of the newest backup when a restore of it began, whichever is longer.',
    ).optional(),
    measuredRTO: seconds('Seconds the last verified restore took.').optional(),
    drill: described(
      z.object({
        next: time('When the schedule makes the next one.').optional(),
        scheduledAt: time('The last time of the schedule that was answered.').optional(),
        running: described(z.string().max(253), 'Name of the Restore that is under way as a drill.').optional(),
        lastFailed: described(
          z.object({
            restore: described(z.string().max(253), 'Name of the Restore.'),
            backup: backupName('Name of the Backup that it could not prove.'),
            at: time('When it ended.'),
            message: described(z.string().max(1024), 'Why.'),
          }),
          'The newest drill that did not prove its backup, while no newer restore was verified.',
        ).optional(),
      }),
      'Drills of the system.',
    ).optional(),
    check: described(
      z.object({
        at: time('When the destination was last checked.'),
        of: described(z.string().max(64), 'Hash of the destination that was checked.'),
        ok: described(z.boolean(), 'Whether it could be written, read and listed.'),
        message: described(z.string().max(1024), 'What was found.').optional(),
      }),
      'The last check of the destination.',
    ).optional(),
    retention: described(
      z.object({
        at: time('When it was last looked at.'),
        round: described(z.string().max(64), 'Hash of what decides: policy, newest backup and day.'),
        removed: described(z.int(), 'Backups that were removed.').optional(),
        would: described(
          z.array(z.string().max(512)).max(64),
          'Paths that would go, were retention.dryRun not set.',
        ).optional(),
        message: described(z.string().max(1024), 'What was in the way.').optional(),
      }),
      'The last look for backups that have to go.',
    ).optional(),
  }),
  'Backups of the system.',
)

/** See {@link systemBackupSchema}. */
export type SystemBackup = z.output<typeof systemBackupSchema>
