import { column, conditionPath, type Definition } from './crd.ts'
import { jobNameRules } from './one-shot.ts'
import { maxReplayName, replayKind, replayPlural, replaySpecSchema, replayStatusSchema } from './replay.ts'

/** What the CustomResourceDefinition of Replay is made from. */
export const replayDefinition: Definition = {
  kind: replayKind,
  plural: replayPlural,
  shortNames: ['tcreplay'],
  categories: [],
  description:
    'Events handed to one worker again: from a topic, a dead-letter queue, or those that the audit trail lacks. Each takes effect once.',
  rules: jobNameRules(maxReplayName),
  columns: [
    column('System', 'string', '.spec.system', 'The TodoChatbot.'),
    column('Worker', 'string', '.spec.worker', 'The worker.'),
    column('Source', 'string', '.spec.source', 'Topic, DeadLetters or AuditGaps.'),
    column('Phase', 'string', '.status.phase', 'Where it is.'),
    column('Progress', 'integer', '.status.progress.percent', 'Per cent, while it runs.'),
    column('Status', 'string', '.status.summary', 'What came of it, or what it waits for.'),
    column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation.'),
    column('Ready', 'string', conditionPath('Ready'), 'Whether it came to its end.', 1),
    column('Dry', 'string', '.spec.dryRun', 'Whether it only counts.', 1),
    column('Matched', 'integer', '.status.counts.matched', 'Events that were asked for.', 1),
    column('Delivered', 'integer', '.status.counts.delivered', 'Events that took effect.', 1),
    column('Failed', 'integer', '.status.counts.failed', 'Events the worker did not take.', 1),
  ],
  spec: replaySpecSchema,
  status: replayStatusSchema,
}
