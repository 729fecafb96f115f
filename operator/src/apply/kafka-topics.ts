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

/** Where their partitions are, of one topic. */
export type TopicMetadata = Awaited<ReturnType<Admin['fetchTopicMetadata']>>['topics'][number]

/**
 * Whether the cluster knows where these topics are, and its brokers can be asked about them: what the admin client is asked costs the metadata of
 * every topic there is. Costs nothing when they were read a moment ago. False also where there is none.
 */
export const locate = async (cluster: KafkaCluster, names: readonly string[]): Promise<boolean> =>
  names.length > 0 && !(await isRefused(() => cluster.addMultipleTargetTopics(names)))

/** Metadata of those of `names` that exist; none is created by asking. @throws KafkaJSProtocolError when Kafka refuses to tell of any topic */
export async function metadataOf(
  { admin, cluster }: TopicsSession,
  names: readonly string[],
): Promise<readonly TopicMetadata[]> {
  if (names.length === 0) return []
  if (await locate(cluster, names))
    return names.map((name) => ({ name, partitions: cluster.findTopicPartitionMetadata(name) }))
  const wanted = new Set(names)
  const { topics } = await admin.fetchTopicMetadata()
  return topics.filter(({ name }) => wanted.has(name))
}

/** Those of `names` that exist. */
export async function describeTopics(
  session: TopicsSession,
  names: readonly string[],
): Promise<ReadonlyMap<string, ActualTopic>> {
  const found = await metadataOf(session, names)
  const { admin, cluster } = session
  const located = await locate(
    cluster,
    found.map(({ name }) => name),
  )
  return withConfigs(located ? await cluster.findControllerBroker() : admin, found)
}

async function withConfigs(
  broker: Pick<Broker, 'describeConfigs'>,
  found: readonly TopicMetadata[],
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
