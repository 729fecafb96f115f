import { column, conditionPath, type Definition } from './crd.ts'
import { jobNameRules } from './one-shot.ts'
import { incidentKind, incidentPlural, incidentSpecSchema, incidentStatusSchema, maxIncidentName } from './incident.ts'

/** What the CustomResourceDefinition of Incident is made from. */
export const incidentDefinition: Definition = {
  kind: incidentKind,
  plural: incidentPlural,
  shortNames: ['tcincident'],
  categories: [],
  description:
    'Evidence about one worker, collected once into an archive: logs, events, objects, offsets. Taken before a worker is isolated or healed; apply one by hand at any time.',
  rules: jobNameRules(maxIncidentName),
  columns: [
    column('System', 'string', '.spec.system', 'The TodoChatbot.'),
    column('Worker', 'string', '.spec.worker', 'The worker.'),
    column('Trigger', 'string', '.spec.trigger', 'Isolation, Remediation or Manual.'),
    column('Phase', 'string', '.status.phase', 'Where it is.'),
    column('Status', 'string', '.status.summary', 'What came of it.'),
    column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation.'),
    column('Ready', 'string', conditionPath('Ready'), 'Whether there is an archive.', 1),
    column('Claim', 'string', '.status.archive.claim', 'PersistentVolumeClaim with the archive.', 1),
    column('Path', 'string', '.status.archive.path', 'Path of the archive inside the volume.', 1),
    column('Reason', 'string', '.spec.reason', 'Why it was taken.', 1),
  ],
  spec: incidentSpecSchema,
  status: incidentStatusSchema,
}
