import { z } from 'zod'
import { maxNameLength } from './names.ts'
import { statusSchema } from './schema/status.ts'
import { toStructural } from './structural.ts'
import type { JsonSchema } from './structural.ts'
import { group, kind, plural, specSchema, version } from './todochatbot.ts'

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

const column = (name: string, type: string, jsonPath: string, description: string, priority = 0): JsonSchema => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
})

const conditionPath = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`

const workerPath = (worker: string): string => `.status.services[?(@.name=="${worker}")].ready`

const columns = [
  column('Profile', 'string', '.spec.profile', 'Development, Staging or Production.'),
  column('Version', 'string', '.status.version', 'Version that is rolled out.'),
  column('Ready', 'string', conditionPath('Ready'), 'Whether everything asked for runs.'),
  column('Status', 'string', '.status.summary', 'Ready, or what it waits for.'),
  column('Lag', 'string', '.status.lag', 'Events that wait for the workers.'),
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation.'),
  column('Database', 'string', conditionPath('DatabaseReady'), 'PostgreSQL.', 1),
  column('Kafka', 'string', conditionPath('KafkaReady'), 'Brokers.', 1),
  column('Topics', 'string', conditionPath('TopicsReady'), 'Topics as the spec wants them.', 1),
  column('Dapr', 'string', conditionPath('DaprReady'), 'Sidecars injected, components loaded.', 1),
  column('Chat-API', 'integer', workerPath('chat-api'), 'Ready pods of chat-api.', 1),
  column('Recurring-Task', 'integer', workerPath('recurring-task'), 'Ready pods of recurring-task.', 1),
  column('Notification', 'integer', workerPath('notification'), 'Ready pods of notification.', 1),
  column('Audit', 'integer', workerPath('audit'), 'Ready pods of audit.', 1),
]

const structural = (schema: z.ZodType): JsonSchema =>
  toStructural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }))

/** Schema of the whole object, as `kubectl explain` and the API server read it. */
export const openApiSchema = (): JsonSchema => ({
  description: 'One whole Todo Chatbot system in a namespace: dependencies, topics, Dapr objects and four workers.',
  type: 'object',
  'x-kubernetes-validations': rules,
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: structural(specSchema.prefault({})),
    // The default makes a fresh object look unobserved to kstatus until the operator has seen it.
    status: { ...structural(statusSchema), default: { observedGeneration: -1 } },
  },
})

/** The CustomResourceDefinition of TodoChatbot. */
export const customResourceDefinition = (): JsonSchema => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    names: {
      kind,
      listKind: `${kind}List`,
      plural,
      singular: kind.toLowerCase(),
      shortNames: ['tcb'],
      categories: ['all'],
    },
    scope: 'Namespaced',
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: columns,
        schema: { openAPIV3Schema: openApiSchema() },
      },
    ],
  },
})
