import { column, conditionPath, type Definition } from './crd.ts'
import { jobNameRules } from './one-shot.ts'
import { maxRestoreName, restoreKind, restorePlural, restoreSpecSchema, restoreStatusSchema } from './restore.ts'

/** What the CustomResourceDefinition of Restore is made from. */
export const restoreDefinition: Definition = {
  kind: restoreKind,
  plural: restorePlural,
  shortNames: ['tcrestore'],
  categories: [],
  description:
    'One restore of a backup: in place, into a new system, or as a drill into a throwaway. Aborted by the annotation todochatbot.dev/abort.',
  rules: jobNameRules(maxRestoreName),
  columns: [
    column('System', 'string', '.spec.system', 'The TodoChatbot.'),
    column('Mode', 'string', '.spec.mode', 'InPlace, NewSystem or Drill.'),
    column('Phase', 'string', '.status.phase', 'Where it is.'),
    column('Status', 'string', '.status.summary', 'What it waits for, or what came of it.'),
    column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation.'),
    column('Ready', 'string', conditionPath('Ready'), 'Whether the restored state is in use.', 1),
    column('Trigger', 'string', '.spec.trigger', 'What asked for it.', 1),
    column('Backup', 'string', '.spec.source.backup', 'The Backup.', 1),
    column('Path', 'string', '.status.path', 'Folder of the backup.', 1),
    column('Cut', 'date', '.status.cutAt', 'The moment that is restored.', 1),
    column('RTO', 'integer', '.status.measured.rto', 'Seconds it took.', 1),
  ],
  spec: restoreSpecSchema,
  status: restoreStatusSchema,
}
