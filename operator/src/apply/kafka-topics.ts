/**
 * Topics as the brokers hold them. Those that are there are asked about by name, in two requests whatever else the brokers hold; kafkajs' admin
 * client reads the metadata of every topic there is, twice. A topic that is not there refuses the request for all of them: then, which is before a
 * system's first start, the admin client has to do.
 * Proof: operator/test/topics.integration.test.ts, against a real broker.
 */
import kafkajs, { type Admin, type ConfigEntries } from 'kafkajs'
import type { Broker, KafkaCluster } from './kafka-cluster.ts'
import { isRefused } from './kafka-refusal.ts'
import type { ActualTopic } from './topic-plan.ts'

/** Both are connected, to the same brokers. */
export interface TopicsSession {
  readonly admin: Admin
  readonly cluster: KafkaCluster
}

/** Those of `names` that exist; none is created by asking. */
export async function describeTopics(
  { admin, cluster }: TopicsSession,
  names: readonly string[],
): Promise<ReadonlyMap<string, ActualTopic>> {
  if (names.length === 0) return new Map()
  if (await isRefused(() => cluster.addMultipleTargetTopics(names))) {
    const wanted = new Set(names)
    const { topics } = await admin.fetchTopicMetadata()
    return withConfigs(
      admin,
      topics.filter(({ name }) => wanted.has(name)),
    )
  }
  const layouts = names.map((name) => ({ name, partitions: cluster.findTopicPartitionMetadata(name) }))
  return withConfigs(await cluster.findControllerBroker(), layouts)
}

interface Layout {
  readonly name: string
  readonly partitions: readonly { readonly replicas: readonly number[] }[]
}

async function withConfigs(
  broker: Pick<Broker, 'describeConfigs'>,
  found: readonly Layout[],
): Promise<ReadonlyMap<string, ActualTopic>> {
  if (found.length === 0) return new Map()
  const { resources } = await broker.describeConfigs({
    includeSynonyms: false,
    resources: found.map(({ name }) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  })
  const configs = new Map(resources.map(({ resourceName, configEntries }) => [resourceName, setOnTopic(configEntries)]))
  return new Map(
    found.map(({ name, partitions }) => [
      name,
      {
        name,
        partitions: partitions.length,
        replicationFactor: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
        config: configs.get(name) ?? {},
      },
    ]),
  )
}

/** Keeps what is set on the topic itself (config source DYNAMIC_TOPIC_CONFIG); the rest is inherited and must not be pinned by writing it. */
const setOnTopic = (config: readonly ConfigEntries[]): Record<string, string> =>
  Object.fromEntries(
    config
      .filter(({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG)
      .map(({ configName, configValue }) => [configName, configValue]),
  )
