/**
 * Appends to the live topics what their consumers have to meet after the restore, and stages where each group will stand. Workers are stopped,
 * and their groups are not touched yet: until the switch everything here only adds records that the old state drops as known (inbox).
 *
 * Invariants
 * - A record is appended as it was: key, value, timestamp, headers, partition. Order is kept.
 * - Positions are committed under a name of their own ({@link stagedGroup}) once a topic is through, and only after all of them what was appended
 *   is marked as done; so they survive the pod, and all are of the same attempt. A pod that dies before leaves records that nobody will consume:
 *   the next one appends them again behind, and the groups will stand there.
 * Proof: workers/test/restore.integration.test.ts.
 */
import type { Admin, Kafka, Producer } from 'kafkajs'
import type { StoredRecord } from '../../lib/backup/records.ts'
import { committedOffsets } from '../../lib/kafka/group-offsets.ts'
import type { Logger } from '../../lib/logger.ts'
import { appendRecords } from './append.ts'
import type { BackupSource } from './backup-source.ts'
import type { RestoreConfig } from './config.ts'
import { RestoreError } from './errors.ts'
import { commit, doneGroup, stagedGroup, type WorkerGroup } from './groups.ts'
import { boundsOf, recordsAt, type Bounds } from './kafka-log.ts'
import { firstToProduce, positionFinder, type PartitionAtCut } from './positions.ts'

/** What the step works with. */
export interface RestoreTopics {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly producer: Producer
  readonly source: BackupSource
  readonly uid: string
  readonly topics: RestoreConfig['kafka']['topics']
  readonly groups: readonly WorkerGroup[]
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** What was done, for the report. */
export interface RestoredTopics {
  readonly records: number
  /** Topics whose log no longer was the one that was backed up. */
  readonly rebuilt: readonly string[]
}

/** Does all topics of the backup. @throws RestoreError TopicUnknown, TopicTooSmall */
export const restoreTopics = async (options: RestoreTopics): Promise<RestoredTopics> => {
  const { admin, source, uid, groups, logger } = options
  let records = 0
  const rebuilt: string[] = []
  for (const { alias, partitions } of source.manifest.cut.topics) {
    const topic = liveTopic(options.topics, alias)
    const done = await committedOffsets(admin, doneGroup(uid), topic)
    if (partitions.every(({ partition }) => done.has(partition))) continue
    const bounds = await boundsOf(admin, topic)
    if (bounds === undefined) throw new Error(`topic ${topic} does not exist yet`)
    checkPartitions(topic, bounds, partitions.length)
    const parts = await partsOf(options, { alias, topic, partitions }, bounds)
    records += await appendPartitions(options, parts)
    if (parts.some(({ holds, from, at }) => !holds && from < at.end)) rebuilt.push(topic)
    const ends = await boundsOf(admin, topic)
    const endOf = (partition: number): number => ends?.get(partition)?.end ?? 0
    await Promise.all(
      consumersOf(groups, topic).map(({ service, group }) => {
        const positions = parts.map(({ partition, finder }) => {
          const offset = finder.positionOf(committedAtCut(source, service, alias, partition), endOf(partition))
          return { topic, partition, offset }
        })
        return commit(options, stagedGroup(group, uid), positions)
      }),
    )
    const through = parts.map(({ partition }) => ({ topic, partition, offset: endOf(partition) }))
    await commit(options, doneGroup(uid), through)
    logger.info({ topic, rebuilt: rebuilt.includes(topic), records }, 'topic restored')
  }
  return { records, rebuilt }
}

/** Name of a topic of the backup in the system as it is now. @throws RestoreError TopicUnknown */
export const liveTopic = (topics: RestoreConfig['kafka']['topics'], alias: string): string => {
  const found = topics.find((topic) => topic.alias === alias)
  if (found === undefined) throw new RestoreError('TopicUnknown', `the system has no topic ${alias}`)
  return found.topic
}

/** @throws RestoreError TopicTooSmall */
export const checkPartitions = (topic: string, bounds: ReadonlyMap<number, Bounds>, wanted: number): void => {
  if (bounds.size < wanted)
    throw new RestoreError('TopicTooSmall', `topic ${topic} has ${bounds.size} partitions, and the backup ${wanted}`)
}

/** Groups that consume a topic now. */
export const consumersOf = (groups: readonly WorkerGroup[], topic: string): readonly WorkerGroup[] =>
  groups.filter(({ topics }) => topics.includes(topic))

/** Where the group of a worker stood at the cut; undefined: it had committed nothing. */
export const committedAtCut = (
  { manifest }: BackupSource,
  service: string,
  alias: string,
  partition: number,
): number | undefined =>
  manifest.cut.groups
    .find((group) => group.service === service)
    ?.offsets.find((one) => one.alias === alias && one.partition === partition)?.offset

/** One partition, judged. */
interface Part {
  readonly alias: string
  readonly topic: string
  readonly partition: number
  readonly at: PartitionAtCut
  readonly holds: boolean
  readonly from: number
  readonly finder: ReturnType<typeof positionFinder>
}

/** A topic of a backup and what it is called now. */
interface TopicAtCut {
  readonly alias: string
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly end: number }[]
}

/** The partitions whose log still is the one that was backed up: the last record of the backup is at its place. */
export async function partitionsHolding(
  { kafka, source, signal }: Pick<RestoreTopics, 'kafka' | 'source' | 'signal'>,
  { alias, topic, partitions }: TopicAtCut,
  bounds: ReadonlyMap<number, Bounds>,
): Promise<ReadonlySet<number>> {
  const last = new Map<number, StoredRecord>()
  const candidates = partitions.filter(({ partition, end }) => (bounds.get(partition)?.end ?? 0) >= end)
  for (const { partition } of candidates) {
    for await (const record of source.records(alias, partition)) last.set(partition, record)
    signal.throwIfAborted()
  }
  const asked = [...last].filter(([partition, { offset }]) => (bounds.get(partition)?.start ?? 0) <= offset)
  const live = await recordsAt(
    { kafka, topic, signal },
    new Map(asked.map(([partition, { offset }]) => [partition, offset])),
  )
  const holding = candidates.filter(({ partition }) => {
    const before = last.get(partition)
    const there = live.get(partition)
    return before === undefined || (there !== undefined && sameRecord(before, there))
  })
  return new Set(holding.map(({ partition }) => partition))
}

/** Judges each partition of a topic. */
async function partsOf(
  options: RestoreTopics,
  at: TopicAtCut,
  bounds: ReadonlyMap<number, Bounds>,
): Promise<readonly Part[]> {
  const { source, groups } = options
  const { alias, topic, partitions } = at
  const holding = await partitionsHolding(options, at, bounds)
  return partitions.map(({ partition, end }): Part => {
    const holds = holding.has(partition)
    const atCut = {
      start: source.startOf(alias, partition),
      end,
      committed: consumersOf(groups, topic).map(({ service }) => committedAtCut(source, service, alias, partition)),
    }
    const from = firstToProduce(atCut, holds)
    return { alias, topic, partition, at: atCut, holds, from, finder: positionFinder(atCut, from) }
  })
}

const sameRecord = (a: StoredRecord, b: StoredRecord): boolean =>
  a.offset === b.offset && a.timestamp === b.timestamp && sameBytes(a.key, b.key) && sameBytes(a.value, b.value)

const sameBytes = (a: Buffer | null, b: Buffer | null): boolean => (a === null || b === null ? a === b : a.equals(b))

/** Two partitions at a time: while the broker stores records of one, those of the other are unpacked. When one fails, the other stops. */
async function appendPartitions(options: RestoreTopics, parts: readonly Part[]): Promise<number> {
  const failure = new AbortController()
  const signal = AbortSignal.any([options.signal, failure.signal])
  const waiting = parts.values()
  const lane = async (): Promise<number> => {
    let records = 0
    try {
      for (const part of waiting) records += await appendPartition({ ...options, signal }, part)
    } catch (error) {
      failure.abort(error)
    }
    return records
  }
  const lanes = await Promise.all([lane(), lane()])
  signal.throwIfAborted()
  return lanes.reduce((total, records) => total + records, 0)
}

async function appendPartition({ source, producer, signal }: RestoreTopics, part: Part): Promise<number> {
  const { alias, topic, partition, from, at, finder } = part
  if (from >= at.end) return 0
  return appendRecords(within(source.records(alias, partition), from, at.end), {
    ...{ producer, topic, partition, signal },
    onPlaced: ({ offset }, place) => finder.placed(offset, place),
  })
}

async function* within(records: AsyncIterable<StoredRecord>, from: number, end: number): AsyncGenerator<StoredRecord> {
  for await (const record of records) if (record.offset >= from && record.offset < end) yield record
}
