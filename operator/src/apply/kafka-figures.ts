/**
 * Reads offsets, groups and replicas in an open admin session. What Kafka refuses for one topic or group (an ACL, a partition without a leader)
 * is noted on it and does not hide the others; only a lost connection ends the look.
 * Proof: operator/test/kafka-watch.integration.test.ts, against a real broker.
 */
import kafkajs, { type Admin } from 'kafkajs'

/** What to look at. Topics that do not exist are left out of the answer, and are not created by asking. */
export interface FiguresQuery {
  readonly topics: readonly string[]
  readonly groups: readonly { readonly group: string; readonly topics: readonly string[] }[]
}

/** One partition. Offsets are undefined when Kafka did not tell them; the topic's problem then says why. */
export interface PartitionFigures {
  readonly partition: number
  /** Broker that leads it; -1: none. */
  readonly leader: number
  readonly replicas: number
  readonly inSync: number
  /** Offset of the oldest event that is still there. */
  readonly beginning?: number
  /** Offset the next event gets. */
  readonly end?: number
}

/** One existing topic. */
export interface TopicFigures {
  readonly name: string
  readonly partitions: readonly PartitionFigures[]
  /** Effective values of {@link observedSettings}, inherited ones included. */
  readonly config: Readonly<Record<string, string>>
  /** What Kafka refused to tell. */
  readonly problem?: string
}

/** A member of a consumer group. */
export interface GroupMember {
  readonly clientId: string
  readonly host: string
  /** Partitions it holds, over all topics. */
  readonly partitions: number
}

/** One consumer group. A group nobody ever joined is Dead and has committed nothing. */
export interface GroupFigures {
  readonly group: string
  /** As Kafka names them: Stable, Empty, Dead, PreparingRebalance, CompletingRebalance; Unknown when it was not told. */
  readonly state: string
  readonly members: readonly GroupMember[]
  /** Committed offsets by topic and partition; a partition without one is absent. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<number, number>>
  readonly problem?: string
}

/** Answer to a {@link FiguresQuery}. */
export interface KafkaFigures {
  readonly topics: ReadonlyMap<string, TopicFigures>
  readonly groups: ReadonlyMap<string, GroupFigures>
}

/** Topic settings that are looked at. */
export const observedSettings = ['retention.ms', 'retention.bytes', 'cleanup.policy', 'min.insync.replicas'] as const

/** Requests in flight at once in a session. */
const parallel = 8

/** Looks. Committed offsets are read before the ends, so that a lag is never negative. */
export async function readFigures(admin: Admin, query: FiguresQuery): Promise<KafkaFigures> {
  const layouts = await readLayouts(admin, query.topics)
  const existing = [...layouts.keys()]
  const settings = await readSettings(admin, existing)
  const groups = await inChunks(query.groups, async ({ group, topics }) =>
    readGroup(
      admin,
      group,
      topics.filter((topic) => layouts.has(topic)),
    ),
  )
  const topics = await inChunks([...layouts.values()], async (layout) => {
    const offsets = layout.problem === undefined ? await readOffsets(admin, layout) : layout
    return { ...offsets, config: settings.get(layout.name) ?? {} }
  })
  return {
    topics: new Map(topics.map((topic) => [topic.name, topic])),
    groups: new Map(groups.map((group) => [group.group, group])),
  }
}

type Layout = Omit<TopicFigures, 'config'>

async function readLayouts(admin: Admin, names: readonly string[]): Promise<Map<string, Layout>> {
  const wanted = new Set(names)
  // Without names: a request for a missing topic fails as a whole.
  const answer = await refusable(() => admin.fetchTopicMetadata())
  if (!(answer instanceof Refused)) {
    return new Map(answer.topics.filter(({ name }) => wanted.has(name)).map((topic) => [topic.name, layoutOf(topic)]))
  }
  // kafkajs refuses the whole answer when one partition of any topic has no leader, so each is asked about by itself.
  const single = await inChunks(names, async (name): Promise<Layout | undefined> => {
    const one = await refusable(() => admin.fetchTopicMetadata({ topics: [name] }))
    if (!(one instanceof Refused)) return one.topics.map(layoutOf)[0]
    return one.type === 'UNKNOWN_TOPIC_OR_PARTITION' ? undefined : { name, partitions: [], problem: one.message }
  })
  return new Map(single.flatMap((layout) => (layout === undefined ? [] : [[layout.name, layout]])))
}

type Metadata = Awaited<ReturnType<Admin['fetchTopicMetadata']>>['topics'][number]

const layoutOf = ({ name, partitions }: Metadata): Layout => ({
  name,
  partitions: partitions
    .map(({ partitionId, leader, replicas, isr }) => ({
      partition: partitionId,
      leader,
      replicas: replicas.length,
      inSync: isr.length,
    }))
    .sort((a, b) => a.partition - b.partition),
})

async function readSettings(admin: Admin, names: readonly string[]): Promise<Map<string, Record<string, string>>> {
  if (names.length === 0) return new Map()
  const answer = await refusable(() =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
        configNames: [...observedSettings],
      })),
    }),
  )
  if (answer instanceof Refused) return new Map()
  return new Map(
    answer.resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

async function readOffsets(admin: Admin, layout: Layout): Promise<Layout> {
  const answer = await refusable(() => admin.fetchTopicOffsets(layout.name))
  if (answer instanceof Refused) return { ...layout, problem: answer.message }
  const offsets = new Map(answer.map((offset) => [offset.partition, offset]))
  return {
    ...layout,
    partitions: layout.partitions.map((partition) => {
      const offset = offsets.get(partition.partition)
      if (offset === undefined) return partition
      return { ...partition, beginning: Number(offset.low), end: Number(offset.high) }
    }),
  }
}

async function readGroup(admin: Admin, group: string, topics: readonly string[]): Promise<GroupFigures> {
  const described = await refusable(() => admin.describeGroups([group]))
  if (described instanceof Refused)
    return { group, state: 'Unknown', members: [], committed: new Map(), problem: described.message }
  const { state = 'Unknown', members = [] } = described.groups[0] ?? {}
  const common = { group, state, members: members.map(memberOf) }
  if (topics.length === 0) return { ...common, committed: new Map() }
  const offsets = await refusable(() => admin.fetchOffsets({ groupId: group, topics: [...topics] }))
  if (offsets instanceof Refused) return { ...common, committed: new Map(), problem: offsets.message }
  return {
    ...common,
    committed: new Map(
      offsets.map(({ topic, partitions }) => [
        topic,
        new Map(
          partitions.flatMap(({ partition, offset }) => (Number(offset) < 0 ? [] : [[partition, Number(offset)]])),
        ),
      ]),
    ),
  }
}

type Member = Awaited<ReturnType<Admin['describeGroups']>>['groups'][number]['members'][number]

function memberOf({ clientId, clientHost, memberAssignment }: Member): GroupMember {
  const assignment =
    memberAssignment.length === 0 ? null : kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)
  const partitions = Object.values(assignment?.assignment ?? {}).reduce((sum, list) => sum + list.length, 0)
  return { clientId, host: clientHost.replace(/^\//, ''), partitions }
}

/** Kafka answered and said no. */
class Refused {
  readonly message: string
  readonly type: string
  constructor(error: Error & { readonly type?: string }) {
    this.message = error.message
    this.type = error.type ?? ''
  }
}

/** kafkajs hides a refusal that it repeated in vain behind an error about the number of tries. */
async function refusable<T>(request: () => Promise<T>): Promise<T | Refused> {
  try {
    return await request()
  } catch (error) {
    const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
    if (inner instanceof kafkajs.KafkaJSProtocolError) return new Refused(inner)
    throw error
  }
}

async function inChunks<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += parallel) {
    results.push(...(await Promise.all(items.slice(start, start + parallel).map(work))))
  }
  return results
}
