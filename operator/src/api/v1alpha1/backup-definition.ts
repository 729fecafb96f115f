import { backupKind, backupPlural, backupSpecSchema, backupStatusSchema, maxBackupName } from './backup.ts'
import { column, conditionPath, type Definition } from './crd.ts'
import { jobNameRules } from './one-shot.ts'

/** What the CustomResourceDefinition of Backup is made from. */
export const backupDefinition: Definition = {
  kind: backupKind,
  plural: backupPlural,
  shortNames: ['tcbackup'],
  categories: [],
  description:
    'One backup of a system: database, events, offsets and state store at one cut. Made by spec.backup.schedule; apply one by hand at any time.',
  rules: jobNameRules(maxBackupName),
  columns: [
    column('System', 'string', '.spec.system', 'The TodoChatbot.'),
    column('Trigger', 'string', '.spec.trigger', 'What asked for it.'),
    column('Phase', 'string', '.status.phase', 'Where it is.'),
    column('Progress', 'integer', '.status.progress.percent', 'Per cent, while it runs.'),
    column('Status', 'string', '.status.summary', 'What came of it, or what it waits for.'),
    column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation.'),
    column('Ready', 'string', conditionPath('Ready'), 'Whether it can be restored.', 1),
    column('Verified', 'date', '.status.verifiedAt', 'Time since a restore proved it.', 1),
    column('Bytes', 'integer', '.status.bytes', 'Size in bytes.', 1),
    column('Path', 'string', '.status.path', 'Folder below the destination.', 1),
  ],
  spec: backupSpecSchema,
  status: backupStatusSchema,
}
