import { column, conditionPath, type Definition } from './crd.ts'
import { maxNameLength } from './names.ts'
import { statusSchema } from './schema/status.ts'
import { kind, plural, specSchema } from './todochatbot.ts'

/**
 * Rules over the whole object. `metadata.name` is only visible here. The prefix of the topics may change while no topic of this system
 * exists (that is how a system that lost a claim gets out of it), and not afterwards: events and consumer offsets would stay behind.
 */
const rules = [
  {
    rule: `size(self.metadata.name) <= ${String(maxNameLength)}`,
    message: `metadata.name may be at most ${String(maxNameLength)} characters long, because the names of pods and Services are made from it`,
  },
  {
    rule: "self.metadata.name.matches(r'^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message:
      'metadata.name must start with a letter and hold lower-case letters, digits and "-" only, because Services are named after it',
  },
  {
    rule: "self.spec.kafka.topicPrefix == oldSelf.spec.kafka.topicPrefix || !has(self.status) || !has(self.status.topics) || !self.status.topics.exists(t, t.state in ['Ready', 'ShrinkRefused'])",
    message:
      'kafka.topicPrefix cannot be changed once the topics exist: events and consumer offsets would stay behind; create another TodoChatbot instead',
  },
]

const workerPath = (worker: string): string => `.status.services[?(@.name=="${worker}")].ready`

const columns = [
  column('Profile', 'string', '.spec.profile', 'Development, Staging or Production.'),
  column('Version', 'string', '.status.version', 'Version that is rolled out.'),
  column('Ready', 'string', conditionPath('Ready'), 'Whether everything asked for runs.'),
  column('Status', 'string', '.status.summary', 'Ready, or what it waits for.'),
  column('Lag', 'string', '.status.lag', 'Events that wait for the workers.'),
  column('Last-Backup', 'date', '.status.backup.last.at', 'Time since the moment the newest usable backup shows.'),
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation.'),
  column('Database', 'string', conditionPath('DatabaseReady'), 'PostgreSQL.', 1),
  column('Kafka', 'string', conditionPath('KafkaReady'), 'Brokers.', 1),
  column('Topics', 'string', conditionPath('TopicsReady'), 'Topics as the spec wants them.', 1),
  column('Dapr', 'string', conditionPath('DaprReady'), 'Sidecars injected, components loaded.', 1),
  column('Checks', 'string', '.status.lastCheck.summary', 'Routine checks; status.checks has each.', 1),
  column('Audit-Intact', 'string', conditionPath('AuditIntact'), 'Whether the hash chain of the audit trail holds.', 1),
  column('Backup', 'string', conditionPath('BackupCurrent'), 'Whether there is a proven, recent backup.', 1),
  column('Chat-API', 'integer', workerPath('chat-api'), 'Ready pods of chat-api.', 1),
  column('Recurring-Task', 'integer', workerPath('recurring-task'), 'Ready pods of recurring-task.', 1),
  column('Notification', 'integer', workerPath('notification'), 'Ready pods of notification.', 1),
  column('Audit', 'integer', workerPath('audit'), 'Ready pods of audit.', 1),
]

/** What the CustomResourceDefinition of TodoChatbot is made from. */
export const todoChatbotDefinition: Definition = {
  kind,
  plural,
  shortNames: ['tcb'],
  categories: ['all'],
  description: 'One whole Todo Chatbot system in a namespace: dependencies, topics, Dapr objects and four workers.',
  rules,
  columns,
  spec: specSchema.prefault({}),
  status: statusSchema,
  atomicStatus: true,
}
