/**
 * What a look at Kafka means for one system: lag, consumers that stand still, dead letters that grow. Pure: a report follows from the one
 * before and the figures of the new look. Times are ms since the epoch, and as old as the operator's memory: after its restart a consumer that
 * stands still is seen doing so from the first look on.
 * Proof: kafka-report.test.ts.
 */
import type { WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { GroupFigures, GroupMember, KafkaFigures, TopicFigures } from '../../apply/kafka-figures.ts'
import { showFigure, type ShownFigure } from './shown-figure.ts'

/** What to look at for one system. */
export interface KafkaDeclaration {
  readonly consumers: readonly {
    readonly worker: WorkerField
    readonly group: string
    readonly topics: readonly string[]
  }[]
  /** Every topic of the system, dead-letter topics included. */
  readonly topics: readonly string[]
  readonly deadLetterTopics: readonly string[]
}

/** A consumer's place in one partition. */
export interface ConsumedPartition {
  readonly partition: number
  /** Next offset it takes: what it committed, or the oldest event there is. */
  readonly position: number
  readonly lag: number
  /** Time of the first look that saw it at this place with events to take: it stands still only if that was not the newest look. Absent: it has none. */
  readonly stillSince?: number
}

/** A consumer's place in one topic. */
export interface ConsumedTopic extends ShownFigure {
  readonly topic: string
  /** Sums over the partitions. */
  readonly committed: number
  readonly end: number
  /** Exact; `shown` is what a status says. */
  readonly lag: number
  /** The lag of the look before; absent after the first. */
  readonly lagBefore?: number
  readonly maxPartitionLag: number
  /** The earliest `stillSince` of its partitions. */
  readonly stillSince?: number
  readonly partitions: readonly ConsumedPartition[]
}

/** One worker as a consumer. */
export interface ConsumerReport {
  readonly group: string
  /** See {@link GroupFigures}. */
  readonly state: string
  readonly members: readonly GroupMember[]
  /** Topics that exist and whose offsets are known. */
  readonly topics: readonly ConsumedTopic[]
  readonly problem?: string
}

/** One dead-letter topic. */
export interface DeadLetters extends ShownFigure {
  readonly topic: string
  /** Events that lie there. */
  readonly count: number
  readonly end: number
  /** They grow: since when, when the newest came, and how many came in this time. Ends {@link quietAfter} after the newest. */
  readonly growth?: { readonly since: number; readonly latest: number; readonly added: number }
}

/** What is known of the Kafka side of one system. */
export interface KafkaReport {
  /** Time of the newest look that was answered; absent: there was none yet. */
  readonly at?: number
  /** Why the newest look failed. The rest is of the look at `at`. */
  readonly unreachable?: string
  readonly consumers: Readonly<Partial<Record<WorkerField, ConsumerReport>>>
  readonly deadLetters: readonly DeadLetters[]
  readonly topics: ReadonlyMap<string, TopicFigures>
}

/** A dead-letter topic that got nothing for so long (ms) does not grow any more. */
export const quietAfter = 5 * 60_000

/** Before the first look. */
export const emptyReport: KafkaReport = { consumers: {}, deadLetters: [], topics: new Map() }

/** The report after a look at `now`. */
export function reportAfter(
  before: KafkaReport,
  declaration: KafkaDeclaration,
  figures: KafkaFigures,
  now: number,
): KafkaReport {
  const consumers = declaration.consumers.map(({ worker, group, topics }) => {
    const found = figures.groups.get(group)
    return [worker, consumerReport(before.consumers[worker], { group, topics, found }, figures, now)] as const
  })
  return {
    at: now,
    consumers: Object.fromEntries(consumers),
    deadLetters: declaration.deadLetterTopics.flatMap((name) => {
      const topic = figures.topics.get(name)
      return topic === undefined
        ? []
        : deadLetters(
            before.deadLetters.find((entry) => entry.topic === name),
            topic,
            now,
          )
    }),
    topics: new Map(
      declaration.topics.flatMap((name) => {
        const topic = figures.topics.get(name)
        return topic === undefined ? [] : [[name, topic] as const]
      }),
    ),
  }
}

/** Lag of one worker over its topics; undefined while it is not known. */
export function lagOf(report: KafkaReport | undefined, worker: WorkerField): number | undefined {
  const consumer = report?.consumers[worker]
  return report?.unreachable !== undefined || consumer === undefined || consumer.topics.length === 0
    ? undefined
    : sum(consumer.topics.map(({ lag }) => lag))
}

/**
 * What a reconcile could act on, as a text: equal texts mean that nobody has to look. Figures are those that are shown; a standing consumer counts
 * from the second look that sees it, and then, like growing dead letters, by the minute, up to ten, so that thresholds are noticed when they are
 * passed.
 */
export function digestOf(report: KafkaReport, now: number): string {
  const minutes = (since: number | undefined): number =>
    since === undefined ? 0 : Math.min(10, Math.floor((now - since) / 60_000))
  return JSON.stringify([
    report.at !== undefined,
    report.unreachable,
    Object.entries(report.consumers).map(([worker, { state, members, topics, problem }]) => [
      worker,
      settled(state),
      members.length,
      problem,
      topics.map(({ topic, shown, stillSince }) => [
        topic,
        shown,
        minutes(stillSince),
        stillSince !== undefined && report.at !== undefined && stillSince < report.at,
      ]),
    ]),
    report.deadLetters.map(({ topic, shown, growth }) => [topic, shown, growth !== undefined, minutes(growth?.since)]),
    [...report.topics.values()].map(({ name, partitions, config, problem }) => [
      name,
      partitions.map(({ leader, replicas, inSync }) => [leader, replicas, inSync]),
      config,
      problem,
    ]),
  ])
}

/** A rebalance lasts a second or two and happens with every restart of a pod. */
const settled = (state: string): string => (state.endsWith('Rebalance') ? 'Rebalance' : state)

interface Consumption {
  readonly group: string
  readonly topics: readonly string[]
  readonly found: GroupFigures | undefined
}

function consumerReport(
  before: ConsumerReport | undefined,
  { group, topics, found }: Consumption,
  figures: KafkaFigures,
  now: number,
): ConsumerReport {
  const { state = 'Unknown', members = [], committed = new Map<string, ReadonlyMap<number, number>>() } = found ?? {}
  const known = found?.problem === undefined
  return {
    group,
    state,
    members,
    topics: !known
      ? []
      : topics.flatMap((name) => {
          const topic = figures.topics.get(name)
          const earlier = before?.topics.find((entry) => entry.topic === name)
          return topic === undefined || topic.problem !== undefined
            ? []
            : consumedTopic(earlier, topic, committed.get(name) ?? new Map<number, number>(), now)
        }),
    ...(known ? {} : { problem: found.problem }),
  }
}

function consumedTopic(
  before: ConsumedTopic | undefined,
  topic: TopicFigures,
  committed: ReadonlyMap<number, number>,
  now: number,
): ConsumedTopic {
  const partitions = topic.partitions.map(({ partition, beginning = 0, end = 0 }): ConsumedPartition => {
    // What retention removed cannot be taken any more.
    const position = Math.max(committed.get(partition) ?? beginning, beginning)
    const lag = Math.max(0, end - position)
    if (lag === 0) return { partition, position, lag }
    const earlier = before?.partitions.find((entry) => entry.partition === partition)
    const still = earlier?.position === position && earlier.stillSince !== undefined
    return { partition, position, lag, stillSince: still ? earlier.stillSince : now }
  })
  const lag = sum(partitions.map((partition) => partition.lag))
  const since = partitions.flatMap(({ stillSince }) => (stillSince === undefined ? [] : [stillSince]))
  return {
    topic: topic.name,
    committed: sum(partitions.map(({ position }) => position)),
    end: sum(topic.partitions.map(({ end = 0 }) => end)),
    lag,
    ...(before === undefined ? {} : { lagBefore: before.lag }),
    maxPartitionLag: Math.max(0, ...partitions.map((partition) => partition.lag)),
    ...(since.length === 0 ? {} : { stillSince: Math.min(...since) }),
    partitions,
    ...showFigure(lag, before),
  }
}

function deadLetters(before: DeadLetters | undefined, topic: TopicFigures, now: number): DeadLetters[] {
  if (topic.problem !== undefined) return []
  const end = sum(topic.partitions.map((partition) => partition.end ?? 0))
  const count = sum(topic.partitions.map((partition) => (partition.end ?? 0) - (partition.beginning ?? 0)))
  // A smaller end means the topic was made anew.
  const added = before === undefined || end < before.end ? 0 : end - before.end
  const growing = before?.growth !== undefined && now - before.growth.latest < quietAfter ? before.growth : undefined
  const growth =
    added > 0 ? { since: growing?.since ?? now, latest: now, added: (growing?.added ?? 0) + added } : growing
  return [{ topic: topic.name, count, end, ...(growth === undefined ? {} : { growth }), ...showFigure(count, before) }]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
