import { Kafka, logLevel } from 'kafkajs'
import { consumersOf } from '../operator/resources.ts'
import type { Dependencies, SystemName } from '../operator/resources.ts'
import { inFlight } from '../statistics.ts'

/** Joins at a time. */
const JOINING = 32
/** The longest that a broker allows by default, ms: members that never fetch cost the broker next to nothing. */
const SESSION = 30 * 60_000

/**
 * Joins the consumer group of every worker, for the sidecars that are not there: a Ready worker whose group has no member is a fault that
 * the operator looks at again every minute. The members take nothing. @returns what ends them
 */
export async function joinGroups(
  systems: readonly SystemName[],
  dependencies: Dependencies,
): Promise<() => Promise<void>> {
  const kafka = new Kafka({
    brokers: [dependencies.kafka],
    logLevel: logLevel.NOTHING,
    requestTimeout: 120_000,
    retry: { retries: 20 },
  })
  const groups = systems.flatMap((system) => consumersOf(system, dependencies))
  const members = groups.map(({ group, topics }) => ({
    topics,
    consumer: kafka.consumer({
      ...{ groupId: group, sessionTimeout: SESSION, heartbeatInterval: SESSION / 6, allowAutoTopicCreation: false },
    }),
  }))
  const leave = async (): Promise<void> => {
    await Promise.all(members.map(({ consumer }) => consumer.disconnect()))
  }
  try {
    await inFlight(members, JOINING, async ({ consumer, topics }) => {
      await consumer.connect()
      await consumer.subscribe({ topics: [...topics] })
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
      await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() })
      consumer.pause(topics.map((topic) => ({ topic })))
      await joined
    })
  } catch (error) {
    await leave()
    throw error
  }
  return leave
}
