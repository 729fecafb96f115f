import type { CatalogueEntry } from '../errors.ts'

/** Why BackupCurrent does not hold; part of the catalogue in errors.ts. */
export const backupReasons = {
  BackupNotConfigured: {
    code: 'TDC_BACKUP_NOT_CONFIGURED',
    severity: 'Problem',
    conditions: ['BackupCurrent'],
    meaning: 'There is no destination for backups, and there are none.',
    remedy: 'Set spec.backup.destination and spec.backup.schedule (docs/backup.md).',
  },
  NoBackupYet: {
    code: 'TDC_NO_BACKUP_YET',
    severity: 'Progress',
    conditions: ['BackupCurrent'],
    meaning: 'Backups are configured, and none has been made yet.',
    remedy: 'Wait for the schedule, or create a Backup.',
  },
  BackupScheduleInvalid: {
    code: 'TDC_BACKUP_SCHEDULE_INVALID',
    severity: 'Terminal',
    conditions: ['BackupCurrent'],
    meaning: 'The schedule has the form of one, and cannot be followed.',
    remedy: 'Correct the schedule or its time zone. Until then only what is made by hand exists.',
  },
  BackupDestinationUnreachable: {
    code: 'TDC_BACKUP_DESTINATION_UNREACHABLE',
    severity: 'Problem',
    conditions: ['BackupCurrent'],
    meaning: 'The check of the destination could not write, read, list or remove a small object.',
    remedy: 'Correct what the message names; the destination is checked again within five minutes.',
  },
  BackupFailed: {
    code: 'TDC_BACKUP_FAILED',
    severity: 'Problem',
    conditions: ['BackupCurrent'],
    meaning: 'The newest backup failed.',
    remedy: 'Correct the cause and create another Backup, or wait for the schedule.',
  },
  BackupOverdue: {
    code: 'TDC_BACKUP_OVERDUE',
    severity: 'Problem',
    conditions: ['BackupCurrent'],
    meaning: 'No backup has been made since a time of the schedule, for longer than spec.backup.deadline.',
    remedy: 'kubectl get tcbackup shows what the last one waits for.',
  },
  DrillFailed: {
    code: 'TDC_DRILL_FAILED',
    severity: 'Problem',
    conditions: ['BackupCurrent'],
    meaning: 'The newest drill could not prove its backup: perhaps it cannot be restored.',
    remedy:
      'Correct the cause, then create a Restore with mode Drill, or wait for the next one. If the backup itself is damaged, create another Backup now.',
  },
  BackupUnverified: {
    code: 'TDC_BACKUP_UNVERIFIED',
    severity: 'Problem',
    conditions: ['BackupCurrent'],
    meaning: 'There is a backup, and no restore has proved one of this system, or not for too long.',
    remedy: 'Set spec.backup.drill, or create a Restore with mode Drill.',
  },
} as const satisfies Record<string, CatalogueEntry>
