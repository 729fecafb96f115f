/**
 * Requests about many topics and groups at once. kafkajs' admin client asks for the offsets of one topic at a time and reads the metadata of
 * all topics it was asked about before again for each: some 660 requests for twenty systems, where 130 do. What it is built on can batch
 * them, but is not part of its declared interface; it is reached here, and nowhere else, by the name of the factory in the client
 * (kafkajs 2.2.4, the last release).
 * Proof: operator/test/kafka-watch.integration.test.ts, against a real broker; hack/bench/run footprint.
 */
import type { Admin, GroupDescriptions, Kafka, PartitionMetadata } from 'kafkajs'

/** Offsets as Kafka counts them, as decimal strings; -1: none. */
export interface PartitionOffset {
  readonly partition: number
  readonly offset: string
}

/** The connection to one broker. */
export interface Broker {
  readonly nodeId: number
  describeConfigs: Admin['describeConfigs']
  describeGroups: (request: { readonly groupIds: readonly string[] }) => Promise<GroupDescriptions>
  offsetFetch: (request: {
    readonly groupId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
    }[]
  }) => Promise<{
    readonly responses: readonly { readonly topic: string; readonly partitions: readonly PartitionOffset[] }[]
  }>
}

/** The parts of kafkajs' cluster that are used. A refusal for one topic or group rejects the whole request, as KafkaJSProtocolError. */
export interface KafkaCluster {
  connect: () => Promise<void>
  disconnect: () => Promise<void>
  /** Reads where their partitions are; needed before anything else. */
  addMultipleTargetTopics: (topics: readonly string[]) => Promise<void>
  /** Partitions of a topic among those. */
  findTopicPartitionMetadata: (topic: string) => PartitionMetadata[]
  /** Some broker, where no controller talks to clients. */
  findControllerBroker: () => Promise<Broker>
  fetchTopicsOffset: (
    topics: readonly {
      readonly topic: string
      readonly fromBeginning: boolean
      readonly partitions: readonly { readonly partition: number }[]
    }[],
  ) => Promise<readonly { readonly topic: string; readonly partitions: readonly PartitionOffset[] }[]>
  findGroupCoordinator: (request: { readonly groupId: string }) => Promise<Broker>
}

const factory = 'private:Kafka:createCluster'

/** The cluster of a client; topics are not made by asking about them. @throws Error when this kafkajs is built differently */
export function clusterOf(kafka: Kafka): KafkaCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === factory)
  const create: unknown = symbol === undefined ? undefined : Reflect.get(kafka, symbol)
  if (typeof create !== 'function') throw new Error(`kafkajs has no ${factory}`)
  return Reflect.apply(create, kafka, [{ allowAutoTopicCreation: false }]) as KafkaCluster
}
