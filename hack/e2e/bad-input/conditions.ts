import { ConfigResourceTypes } from 'kafkajs'
import type { TestCluster } from '../support/cluster.ts'
import { kafkaOf, withKafkaAdmin } from '../support/kafka.ts'
import type { System } from '../support/system.ts'

/** What a case may use: a system that runs, and one to be made for the case. */
export interface ConditionContext {
  readonly cluster: TestCluster
  readonly namespace: string
  /** A running system with everything Embedded. */
  readonly running: System
  system(name: string): System
}

/** A resource that is stored, and what its status then says. */
export interface RefutedResource {
  /** What is wrong, for people. */
  readonly wrong: string
  /** Makes it so, and answers the system whose status speaks about it. */
  readonly make: (context: ConditionContext) => Promise<System>
  readonly condition: string
  readonly reason: string
  /** What the message must contain. */
  readonly answer: RegExp
  /** What must not have happened. @throws an assertion error. */
  readonly untouched?: (context: ConditionContext) => Promise<boolean>
  /** Puts it right again, for cases on the running system. */
  readonly undo?: (context: ConditionContext) => Promise<void>
}

const applied = async (
  context: ConditionContext,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): Promise<System> => {
  const system = context.system(name)
  await system.apply(spec)
  return system
}

const brokersOf = ({ running, namespace }: ConditionContext): string[] => [
  `${running.name}-kafka.${namespace}.svc:9092`,
]

const serves = async ({ running }: ConditionContext): Promise<boolean> =>
  (await (await running.worker('chat-api')).call('/readyz')).status === 200

/** Specs that only the world can refute. */
export const refutedResources: readonly RefutedResource[] = [
  {
    wrong: 'a broker that does not exist',
    make: (context) => applied(context, 'nobroker', { kafka: { mode: 'External', bootstrapServers: ['127.0.0.1:1'] } }),
    condition: 'KafkaReady',
    reason: 'BrokerUnreachable',
    answer: /127\.0\.0\.1:1.*bootstrapServers/s,
  },
  {
    wrong: 'a broker whose name does not resolve',
    make: (context) =>
      applied(context, 'noname', {
        kafka: { mode: 'External', bootstrapServers: ['kafka.no-such-host.invalid:9092'] },
      }),
    condition: 'KafkaReady',
    reason: 'BrokerUnreachable',
    answer: /no-such-host\.invalid/,
  },
  {
    wrong: 'a Secret that does not exist',
    make: (context) => applied(context, 'nosecret', { database: { mode: 'External', secretRef: { name: 'missing' } } }),
    condition: 'DatabaseReady',
    reason: 'SecretMissing',
    answer: /missing.*Create the Secret/s,
  },
  {
    wrong: 'a Secret without the key that is named',
    async make(context: ConditionContext): Promise<System> {
      const { cluster, namespace } = context
      await cluster.kubectl(['create', 'secret', 'generic', 'halfsecret', '-n', namespace, '--from-literal=other=x'])
      return applied(context, 'nokey', { database: { mode: 'External', secretRef: { name: 'halfsecret' } } })
    },
    condition: 'DatabaseReady',
    reason: 'SecretKeyMissing',
    answer: /halfsecret.*uri/s,
  },
  {
    wrong: 'fewer partitions than a topic has',
    async make({ running }: ConditionContext): Promise<System> {
      await running.edit({ kafka: { topics: { taskEvents: { partitions: 1 } } } })
      return running
    },
    condition: 'TopicsReady',
    reason: 'TopicShrinkRefused',
    answer: /task-events.*3.*at least/s,
    async untouched(context: ConditionContext): Promise<boolean> {
      const kafka = await kafkaOf(context.cluster, context.namespace, context.running.name)
      const { topics } = await withKafkaAdmin(kafka, (admin) => admin.fetchTopicMetadata({ topics: ['task-events'] }))
      return topics[0]?.partitions.length === 3 && serves(context)
    },
    async undo({ running }: ConditionContext): Promise<void> {
      await running.edit({ kafka: { topics: { taskEvents: { partitions: 3 } } } })
    },
  },
  {
    wrong: 'a topic setting that Kafka does not know',
    async make({ running }: ConditionContext): Promise<System> {
      await running.edit({ kafka: { topics: { taskEvents: { config: { 'no.such.key': '1' } } } } })
      return running
    },
    condition: 'TopicsReady',
    reason: 'TopicFailed',
    answer: /no\.such\.key/,
    async untouched(context: ConditionContext): Promise<boolean> {
      const kafka = await kafkaOf(context.cluster, context.namespace, context.running.name)
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'task-events', configNames: ['retention.ms'] }]
      const answer = await withKafkaAdmin(kafka, (admin) =>
        admin.describeConfigs({ resources, includeSynonyms: false }),
      )
      return answer.resources[0]?.configEntries[0]?.configValue === String(168 * 3_600_000) && serves(context)
    },
    async undo({ running }: ConditionContext): Promise<void> {
      await running.edit({ kafka: { topics: { taskEvents: { config: null } } } })
    },
  },
  {
    wrong: 'two systems that claim one topic: the younger',
    async make(context: ConditionContext): Promise<System> {
      const shared = { kafka: { mode: 'External', bootstrapServers: brokersOf(context), topicPrefix: 'shared.' } }
      await applied(context, 'elder', shared)
      // Ages are told apart by whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      return applied(context, 'younger', shared)
    },
    condition: 'TopicsReady',
    reason: 'TopicConflict',
    answer: /elder.*topicPrefix/s,
  },
  {
    wrong: 'a setting of a worker that does not exist',
    async make({ running }: ConditionContext): Promise<System> {
      await running.edit({ services: { chatApi: { config: { colour: 'red' } } } })
      return running
    },
    condition: 'ConfigValid',
    reason: 'ConfigInvalid',
    answer: /chatApi.*colour/s,
    untouched: serves,
    async undo({ running }: ConditionContext): Promise<void> {
      await running.edit({ services: { chatApi: { config: null } } })
    },
  },
  {
    wrong: 'a setting of a worker out of range',
    async make({ running }: ConditionContext): Promise<System> {
      await running.edit({ services: { chatApi: { config: { bodyLimit: 5 } } } })
      return running
    },
    condition: 'ConfigValid',
    reason: 'ConfigInvalid',
    answer: /bodyLimit.*1024/s,
    untouched: serves,
    async undo({ running }: ConditionContext): Promise<void> {
      await running.edit({ services: { chatApi: { config: null } } })
    },
  },
  {
    wrong: 'a name that somebody else’s object has taken',
    async make(context: ConditionContext): Promise<System> {
      const { cluster, namespace } = context
      await cluster.kubectl(['create', 'configmap', 'taken-audit-config', '-n', namespace, '--from-literal=mine=yes'])
      return applied(context, 'taken', {})
    },
    condition: 'UpToDate',
    reason: 'OwnedByOther',
    answer: /ConfigMap\/taken-audit-config/,
    async untouched({ cluster, namespace }: ConditionContext): Promise<boolean> {
      const text = await cluster.kubectl(['get', 'configmap', 'taken-audit-config', '-n', namespace, '-o', 'json'])
      return (JSON.parse(text) as { data: Record<string, string> }).data['mine'] === 'yes'
    },
  },
]
