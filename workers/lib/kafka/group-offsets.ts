import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Consumer, GroupDescription, Kafka } from 'kafkajs'
import { offsetOf } from './client.ts'
import { whenSettled } from './settled.ts'

/** Where a consumer group is to stand on one partition. */
export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** How long the broker may keep a fetch that nobody waits for open, ms: ending waits for it. */
const fetchWait = 5
/** How long a group may take to be empty, ms. */
const leavePatience = 3_000

/**
 * Commits offsets for a group without members, by being its only member for a moment. The admin client's `setOffsets` does the same for one
 * topic at a time and waits for an empty fetch, which takes 5 s each time.
 * @throws Error when the group has members (nothing is changed then), or does not stand where it should afterwards
 */
export async function commitGroupOffsets(
  { kafka, admin }: { readonly kafka: Kafka; readonly admin: Admin },
  groupId: string,
  offsets: readonly GroupOffset[],
): Promise<void> {
  const topics = [...new Set(offsets.map(({ topic }) => topic))]
  if (topics.length === 0) return
  await refuseMembers(admin, groupId)
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: fetchWait, allowAutoTopicCreation: false })
  try {
    await consumer.connect()
    await joinWithoutConsuming(consumer, topics)
    await consumer.commitOffsets(offsets.map((one) => ({ ...one, offset: String(one.offset) })))
  } finally {
    await consumer.disconnect()
  }
  await confirm(admin, groupId, topics, offsets)
}

/** A member that has just left, such as ours of the call before, may still be counted for a moment. */
async function refuseMembers(admin: Admin, groupId: string): Promise<void> {
  const busy = await busyGroup(admin, [groupId], { waitTimeout: leavePatience, pause: () => sleep(100) })
  if (busy !== undefined) throw new Error(`group ${groupId} has members, it is ${busy.state}`)
}

/** Waits until no group has members; one that still has some after `waitTimeout` ms. */
export async function busyGroup(
  admin: Admin,
  groupIds: readonly string[],
  { waitTimeout, pause }: { readonly waitTimeout: number; readonly pause: () => Promise<unknown> },
): Promise<GroupDescription | undefined> {
  const deadline = Date.now() + waitTimeout
  for (;;) {
    const { groups } = await admin.describeGroups([...groupIds])
    const busy = groups.find(({ state }) => state !== 'Empty' && state !== 'Dead')
    if (busy === undefined || Date.now() > deadline) return busy
    await pause()
  }
}

/** Committed offsets of a group on one topic, by partition; partitions without one are left out. */
export async function committedOffsets(
  admin: Pick<Admin, 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  const [found] = await whenSettled(() => admin.fetchOffsets({ groupId, topics: [topic] }))
  return new Map(
    (found?.partitions ?? [])
      .map(({ partition, offset }) => [partition, offsetOf(offset)] as const)
      .filter(([, offset]) => offset >= 0),
  )
}

async function joinWithoutConsuming(consumer: Consumer, topics: readonly string[]): Promise<void> {
  await consumer.subscribe({ topics: [...topics] })
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: () => Promise.resolve() })
  consumer.pause(topics.map((topic) => ({ topic })))
}

/** kafkajs commits nothing, and says nothing, when its consumer has just stopped. */
async function confirm(
  admin: Admin,
  groupId: string,
  topics: readonly string[],
  offsets: readonly GroupOffset[],
): Promise<void> {
  const found = await admin.fetchOffsets({ groupId, topics: [...topics] })
  const at = new Map<string, number>(
    found.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => [`${topic}/${partition}`, Number(offset)] as const),
    ),
  )
  const wrong = offsets.find(({ topic, partition, offset }) => at.get(`${topic}/${partition}`) !== offset)
  if (wrong === undefined) return
  const place = `${wrong.topic}/${wrong.partition}`
  throw new Error(`group ${groupId} stands at ${at.get(place) ?? 'nothing'} of ${place} instead of ${wrong.offset}`)
}
