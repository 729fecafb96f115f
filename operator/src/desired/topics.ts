import { deadLetterSuffix, topicBases } from '../api/v1alpha1/names.ts'
import { parseDuration } from '../api/v1alpha1/durations.ts'
import { memoByIdentity } from '../api/v1alpha1/memo.ts'
import { topicAliases } from '../api/v1alpha1/schema/kafka.ts'
import type { TopicAlias } from '../api/v1alpha1/schema/kafka.ts'
import { withDefaults } from '../api/v1alpha1/defaults.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import type { DesiredTopic } from './types.ts'

const deadLetterRetention = parseDuration('30d')

type WithPrefix = { readonly spec: { readonly kafka: { readonly topicPrefix: string } } }

/** Actual name of a topic. */
export const topicName = ({ spec }: WithPrefix, alias: TopicAlias): string => spec.kafka.topicPrefix + topicBases[alias]

/** Actual name of the dead-letter topic of a topic. */
export const deadLetterName = (bot: WithPrefix, alias: TopicAlias): string => topicName(bot, alias) + deadLetterSuffix

/** All topics of a system: each with its dead-letter topic, which keeps what no worker could take for 30 days. */
export const desiredTopics = memoByIdentity((bot: TodoChatbot): readonly DesiredTopic[] => {
  const { kafka } = withDefaults(bot).spec
  return topicAliases.flatMap((alias): DesiredTopic[] => {
    const topic = kafka.topics[alias]
    // An event is safe once two brokers have it; with one or two replicas more would stop writes when one is away.
    const minInSync: Record<string, string> = topic.replicas >= 3 ? { 'min.insync.replicas': '2' } : {}
    const shared = { replicationFactor: topic.replicas, deletionPolicy: kafka.deletionPolicy }
    return [
      {
        ...shared,
        alias,
        name: topicName(bot, alias),
        partitions: topic.partitions,
        config: { ...minInSync, ...topic.config, 'retention.ms': String(parseDuration(topic.retention)) },
      },
      {
        ...shared,
        alias: `${alias}.dlq`,
        name: deadLetterName(bot, alias),
        partitions: 1,
        config: { ...minInSync, 'retention.ms': String(deadLetterRetention) },
      },
    ]
  })
})
