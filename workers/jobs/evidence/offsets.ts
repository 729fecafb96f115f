import type { Kafka } from 'kafkajs'
import type { KafkaPatience } from '../../lib/kafka/client.ts'
import type { EvidenceConfig } from './config.ts'

/** Where a consumer group stands. */
export interface Offsets {
  readonly group: { readonly id: string; readonly state: string; readonly members: readonly object[] }
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      /** -1: nothing was committed. */
      readonly committed: string
      readonly start: string
      readonly end: string
      readonly lag: string
    }[]
  }[]
}

/** Of one who must not wait: what Kafka does not say at once is missing. */
export const hurried: KafkaPatience = { connectionTimeout: 3_000, requestTimeout: 5_000, retry: { retries: 1 } }

/** Asks Kafka for state, members, committed offsets and lag of the worker's group. `deadline` in ms, for all of it. */
export const readOffsets = async (
  kafka: Kafka,
  { groupId, topics }: Pick<NonNullable<EvidenceConfig['kafka']>, 'groupId' | 'topics'>,
  deadline: number,
): Promise<Offsets> => {
  const admin = kafka.admin()
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(() => expired.reject(new Error(`Kafka did not answer within ${deadline} ms`)), deadline)
  const work = async (): Promise<Offsets> => {
    await admin.connect()
    const { groups } = await admin.describeGroups([groupId])
    const [group] = groups
    const committed = await admin.fetchOffsets({ groupId, topics: [...topics] })
    return {
      group: {
        id: groupId,
        state: group?.state ?? 'unknown',
        members: (group?.members ?? []).map(({ memberId, clientId, clientHost }) => ({
          memberId,
          clientId,
          clientHost,
        })),
      },
      topics: await Promise.all(
        topics.map(async (topic) => {
          const ends = await admin.fetchTopicOffsets(topic)
          const own = committed.find((entry) => entry.topic === topic)?.partitions ?? []
          return {
            topic,
            partitions: ends
              .toSorted((a, b) => a.partition - b.partition)
              .map(({ partition, low, high }) => {
                const at = own.find((entry) => entry.partition === partition)?.offset ?? '-1'
                const from = BigInt(at) < 0n ? BigInt(low) : BigInt(at)
                return { partition, committed: at, start: low, end: high, lag: String(BigInt(high) - from) }
              }),
          }
        }),
      ),
    }
  }
  try {
    return await Promise.race([work(), expired.promise])
  } finally {
    clearTimeout(timer)
    await admin.disconnect().catch(() => undefined)
  }
}
