/**
 * Reads offsets, groups and replicas in an open session: all at once, and one by one only what was refused. What Kafka refuses for one topic or group (an ACL, a partition without a leader)
 * is noted on it and does not hide the others; only a lost connection ends the look.
 * Proof: operator/test/kafka-watch.integration.test.ts, against a real broker.
 */
import kafkajs, { type Admin, type GroupDescription } from 'kafkajs'
import type { Broker, KafkaCluster, PartitionOffset } from './kafka-cluster.ts'
import { refusable, Refused } from './kafka-refusal.ts'
import { locate, metadataOf, type TopicMetadata } from './kafka-topics.ts'

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

/** What a look needs; both are connected, to the same brokers. */
export interface FiguresSession {
  readonly admin: Admin
  readonly cluster: KafkaCluster
}

/** Looks. Committed offsets are read before the ends, so that a lag is never negative. */
export async function readFigures(session: FiguresSession, query: FiguresQuery): Promise<KafkaFigures> {
  const { cluster, admin } = session
  const layouts = await readLayouts(session, query.topics)
  const healthy = [...layouts.values()].flatMap(({ name, problem }) => (problem === undefined ? [name] : []))
  const located = await locate(cluster, healthy)
  const settings = await readSettings(located ? await cluster.findControllerBroker() : admin, [...layouts.keys()])
  const groups = await readGroups(session, query.groups, layouts)
  const told = located ? await readOffsets(cluster, [...layouts.values()]) : undefined
  const topics = told ?? (await inChunks([...layouts.values()], (layout) => readTopic(admin, layout)))
  return {
    topics: new Map(topics.map((topic) => [topic.name, { ...topic, config: settings.get(topic.name) ?? {} }])),
    groups: new Map(groups.map((group) => [group.group, group])),
  }
}

type Layout = Omit<TopicFigures, 'config'>

async function readLayouts(
  { admin, cluster }: FiguresSession,
  names: readonly string[],
): Promise<ReadonlyMap<string, Layout>> {
  const byName = (layouts: readonly Layout[]): Map<string, Layout> => new Map(layouts.map((one) => [one.name, one]))
  // Refused: a partition of any topic has no leader, or one of these may not be seen.
  const answer = await refusable(() => metadataOf({ admin, cluster }, names))
  if (!(answer instanceof Refused)) return byName(answer.map(layoutOf))
  const single = await inChunks(names, async (name): Promise<Layout | undefined> => {
    const one = await refusable(() => admin.fetchTopicMetadata({ topics: [name] }))
    if (!(one instanceof Refused)) return one.topics.map(layoutOf)[0]
    return one.type === 'UNKNOWN_TOPIC_OR_PARTITION' ? undefined : { name, partitions: [], problem: one.message }
  })
  return byName(single.flatMap((layout) => layout ?? []))
}

const layoutOf = ({ name, partitions }: TopicMetadata): Layout => ({
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

async function readSettings(
  broker: Pick<Admin, 'describeConfigs'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, Record<string, string>>> {
  if (names.length === 0) return new Map()
  const [type, configNames] = [kafkajs.ConfigResourceTypes.TOPIC, [...observedSettings]]
  const resources = names.map((name) => ({ type, name, configNames }))
  const answer = await refusable(() => broker.describeConfigs({ resources, includeSynonyms: false }))
  if (answer instanceof Refused) return new Map()
  return new Map(
    answer.resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

const partitionsOf = ({ partitions }: Layout): { readonly partition: number }[] =>
  partitions.map(({ partition }) => ({ partition }))

/** Undefined when one topic was refused, and so all were. */
async function readOffsets(cluster: KafkaCluster, layouts: readonly Layout[]): Promise<Layout[] | undefined> {
  const asked = layouts.filter(({ problem }) => problem === undefined)
  const ends = async (fromBeginning: boolean): Promise<Offsets> => {
    const request = asked.map((layout) => ({ topic: layout.name, fromBeginning, partitions: partitionsOf(layout) }))
    return offsetsByTopic(await cluster.fetchTopicsOffset(request))
  }
  const answer = await refusable(() => Promise.all([ends(true), ends(false)]))
  if (answer instanceof Refused) return undefined
  const [beginnings, latest] = answer
  return layouts.map((layout) => withOffsets(layout, beginnings.get(layout.name), latest.get(layout.name)))
}

async function readTopic(admin: Admin, layout: Layout): Promise<Layout> {
  if (layout.problem !== undefined) return layout
  const answer = await refusable(() => admin.fetchTopicOffsets(layout.name))
  if (answer instanceof Refused) return { ...layout, problem: answer.message }
  const of = (end: 'low' | 'high') => new Map(answer.map((offset) => [offset.partition, Number(offset[end])]))
  return withOffsets(layout, of('low'), of('high'))
}

type Offsets = ReadonlyMap<string, ReadonlyMap<number, number>>

const withOffsets = (
  layout: Layout,
  beginnings: ReadonlyMap<number, number> | undefined,
  ends: ReadonlyMap<number, number> | undefined,
): Layout => ({
  ...layout,
  partitions: layout.partitions.map((partition) => {
    const [beginning, end] = [beginnings?.get(partition.partition), ends?.get(partition.partition)]
    return beginning === undefined || end === undefined ? partition : { ...partition, beginning, end }
  }),
})

type AskedGroup = FiguresQuery['groups'][number]

async function readGroups(
  { admin, cluster }: FiguresSession,
  asked: readonly AskedGroup[],
  layouts: ReadonlyMap<string, Layout>,
): Promise<GroupFigures[]> {
  const coordinators = await inChunks(asked, async ({ group }) =>
    refusable(() => cluster.findGroupCoordinator({ groupId: group })),
  )
  const described = await describeAll(
    asked.flatMap(({ group }, index) => {
      const coordinator = coordinators[index]
      return coordinator === undefined || coordinator instanceof Refused ? [] : [{ group, coordinator }]
    }),
  )
  return inChunks(
    asked.map((one, index) => ({ ...one, coordinator: coordinators[index] })),
    async ({ group, topics, coordinator }) => {
      const nothing = { group, state: 'Unknown', members: [], committed: new Map<string, Map<number, number>>() }
      if (coordinator === undefined || coordinator instanceof Refused)
        return { ...nothing, problem: coordinator?.message ?? 'no coordinator' }
      const description = described.get(group) ?? (await describeAlone(admin, group))
      if (description === undefined) return nothing
      if (description instanceof Refused) return { ...nothing, problem: description.message }
      const common = { group, state: description.state, members: description.members.map(memberOf) }
      const existing = topics.flatMap((topic) => layouts.get(topic) ?? [])
      if (existing.length === 0) return { ...common, committed: new Map() }
      const request = existing.map((layout) => ({ topic: layout.name, partitions: partitionsOf(layout) }))
      const offsets = await refusable(() => coordinator.offsetFetch({ groupId: group, topics: request }))
      if (offsets instanceof Refused) return { ...common, committed: new Map(), problem: offsets.message }
      return { ...common, committed: offsetsByTopic(offsets.responses) }
    },
  )
}

/** By group; those whose coordinator refused any of its groups are missing. */
async function describeAll(
  asked: readonly { readonly group: string; readonly coordinator: Broker }[],
): Promise<ReadonlyMap<string, GroupDescription>> {
  const shares = Map.groupBy(asked, ({ coordinator }) => coordinator.nodeId)
  const answers = await Promise.all(
    [...shares.values()].map(async (share) => {
      const groupIds = share.map(({ group }) => group)
      const answer = await refusable(async () => share[0]?.coordinator.describeGroups({ groupIds }))
      return answer instanceof Refused ? [] : (answer?.groups ?? [])
    }),
  )
  return new Map(answers.flat().map((description) => [description.groupId, description]))
}

async function describeAlone(admin: Admin, group: string): Promise<GroupDescription | Refused | undefined> {
  const answer = await refusable(() => admin.describeGroups([group]))
  return answer instanceof Refused ? answer : answer.groups[0]
}

/** Partitions without an offset are left out. */
const offsetsByTopic = (
  topics: readonly { readonly topic: string; readonly partitions: readonly PartitionOffset[] }[],
): Map<string, ReadonlyMap<number, number>> =>
  new Map(
    topics.map(({ topic, partitions }) => [
      topic,
      new Map(partitions.flatMap(({ partition, offset }) => (Number(offset) < 0 ? [] : [[partition, Number(offset)]]))),
    ]),
  )

type Member = GroupDescription['members'][number]

function memberOf({ clientId, clientHost, memberAssignment }: Member): GroupMember {
  const assignment =
    memberAssignment.length === 0 ? null : kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)
  const partitions = Object.values(assignment?.assignment ?? {}).reduce((sum, list) => sum + list.length, 0)
  return { clientId, host: clientHost.replace(/^\//, ''), partitions }
}

async function inChunks<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += parallel) {
    results.push(...(await Promise.all(items.slice(start, start + parallel).map(work))))
  }
  return results
}
