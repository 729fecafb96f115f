/**
 * One replay, from its ranges to its report. For every record: is it asked for, has the worker done it, and if not, hand it over.
 *
 * Invariants
 * - Nothing is kept but counts: a pod that takes over reads the same ranges again and meets what was done in the worker's ledger. The ends of
 *   the ranges are taken anew then; what came in meanwhile was live and is in the inbox.
 * - An event that could not be delivered does not hold up the others; a worker that is away does, until the Job gives up for now.
 * - The search for gaps ends where the worker's group has committed: what it has not consumed yet is on its way and no gap.
 */
import type { Admin, Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from '../../lib/logger.ts'
import type { Queryable } from '../../lib/postgres.ts'
import type { ReplayConfig, ReplayReport } from './config.ts'
import type { Deliver } from './deliver.ts'
import { findNumberGaps } from './gaps.ts'
import { createLookUp } from './handled.ts'
import { offsetOf } from '../../lib/kafka/client.ts'
import { readRanges } from '../../lib/kafka/ranges.ts'
import type { Range } from '../../lib/kafka/ranges.ts'
import { committedOffsets } from '../../lib/kafka/group-offsets.ts'
import type { Pacer } from './pacer.ts'
import { glimpse, isSelected } from './selection.ts'
import type { LogRecord } from './selection.ts'
import type { Tally } from './tally.ts'

/** A range and what the topic is called in backups. */
export type AliasedRange = Range & { readonly alias: string }

/** What {@link runReplay} works with. */
export interface ReplayParts {
  readonly config: ReplayConfig
  readonly kafka: Kafka
  readonly database: Queryable
  readonly deliver: Deliver
  readonly pace: Pacer
  readonly tally: Tally
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Told once how many records there are to look at. */
  readonly onTotal: (records: number) => void
  /** Reads what Kafka does not keep any more; answers what nobody has. Undefined: there are no backups. */
  readonly readOlder?:
    | ((
        ranges: readonly AliasedRange[],
        take: (records: readonly LogRecord[]) => Promise<void>,
      ) => Promise<ReplayReport['missing']>)
    | undefined
}

/** Longest silence of Kafka while there are records to come, ms. */
const patience = 60_000

/** Runs a replay to its end. Rejects when it could not look at everything; running it again is safe. */
export const runReplay = async (parts: ReplayParts): Promise<ReplayReport> => {
  const { config, kafka, database, tally, signal, readOlder } = parts
  const admin = kafka.admin()
  try {
    await admin.connect()
    const gaps = config.source === 'AuditGaps' ? await findNumberGaps(database) : undefined
    const { held, older } = await rangesOf(admin, config)
    parts.onTotal([...held, ...older].reduce((total, { start, end }) => total + end - start, 0))
    const take = await createTaker(parts)
    const missing = older.length === 0 ? [] : await (readOlder?.(older, take) ?? [])
    // One partition after the other: the order of its events, and a rate that is meant for all of them.
    await readRanges({
      ...{ kafka, ranges: held, groupPrefix: config.group, concurrency: 1, patience, signal },
      onRecords: ({ topic, partition }, messages) =>
        take(messages.map((message) => recordOf(topic, partition, message))),
    })
    const gone = readOlder === undefined ? lost(older) : missing
    if (gaps === undefined) return tally.report({ missing: gone })
    const { numbers, ranges, recordedAnew } = gaps
    const found = config.dryRun ? tally.counts.matched : tally.counts.delivered
    const unexplained = Math.max(0, numbers - recordedAnew - found)
    // Without backups what is older than the log cannot be compared; that matters when the numbers say that something is missing.
    return tally.report({
      missing: unexplained > 0 ? gone : missing,
      gaps: { numbers, ranges: [...ranges], unexplained },
    })
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

const recordOf = (topic: string, partition: number, { offset, timestamp, key, value }: KafkaMessage): LogRecord => ({
  topic,
  partition,
  offset: offsetOf(offset),
  timestamp: Number(timestamp),
  key: key?.toString('utf8') ?? null,
  value: value?.toString('utf8') ?? '',
})

const lost = (ranges: readonly AliasedRange[]): ReplayReport['missing'] =>
  ranges.map(({ topic, partition, start, end }) => ({
    what: `${end - start} records of ${topic} partition ${partition} before offset ${end}`,
    why: 'Kafka does not keep them any more, and there are no backups',
  }))

/** Fixes what is looked at: `held` in Kafka, and `older` ones that were asked for and are not there any more. */
export const rangesOf = async (
  admin: Pick<Admin, 'fetchTopicOffsets' | 'fetchTopicOffsetsByTimestamp' | 'fetchOffsets'>,
  { source, topics, select, workerGroup }: Pick<ReplayConfig, 'source' | 'topics' | 'select' | 'workerGroup'>,
): Promise<{ readonly held: readonly AliasedRange[]; readonly older: readonly AliasedRange[] }> => {
  const held: AliasedRange[] = []
  const older: AliasedRange[] = []
  for (const { alias, topic } of topics) {
    const starts = await timeOffsets(admin, topic, select.time?.from)
    const committed = source === 'AuditGaps' ? await committedOffsets(admin, workerGroup, topic) : undefined
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (select.partitions?.includes(partition) === false) continue
      const first = select.offsets?.from ?? 0
      const end = Math.min(
        Number(high),
        select.offsets?.to ?? Infinity,
        committed?.get(partition) ?? (committed ? 0 : Infinity),
      )
      const start = Math.max(Number(low), first, starts?.get(partition) ?? 0)
      if (start < end) held.push({ alias, topic, partition, start, end })
      // A topic is what Kafka holds of it; older records are looked for when they are asked for, or may be what the trail lacks.
      const before = Math.min(Number(low), end)
      const timeIsHeld = starts !== undefined && (starts.get(partition) ?? 0) > Number(low)
      const wanted = source === 'AuditGaps' || (source === 'Topic' && select.offsets?.from !== undefined)
      if (wanted && first < before && !timeIsHeld) older.push({ alias, topic, partition, start: first, end: before })
    }
  }
  return { held, older }
}

const timeOffsets = async (
  admin: Pick<Admin, 'fetchTopicOffsetsByTimestamp'>,
  topic: string,
  from: number | undefined,
): Promise<ReadonlyMap<number, number> | undefined> => {
  if (from === undefined) return undefined
  const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, from)
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
}

type Take = (records: readonly LogRecord[]) => Promise<void>

const createTaker = async ({ config, database, deliver, pace, tally, logger, signal }: ReplayParts): Promise<Take> => {
  const { worker, replay, source, select, dryRun, force } = config
  const lookUp = await createLookUp(database, { worker, replayId: replay.id })
  const paths = new Map(config.topics.map(({ topic, path }) => [topic, path]))
  /** Relays publish at least once: the second copy of an event is a duplicate, in a dry run as well. */
  const seen = new Set<string>()
  return async (records) => {
    signal.throwIfAborted()
    const glimpsed = records.map((record) => ({ record, ...glimpse(record.value) }))
    const selected = glimpsed.filter(({ record, ...event }) => isSelected(select, record, event))
    const handled = await lookUp(selected.flatMap(({ id }) => (id === undefined ? [] : [id])))
    const done = new Set(selected.map(({ record }) => record))
    tally.read(glimpsed.length - done.size)
    for (const { record, id, type } of selected) {
      tally.read(1)
      const { before, byThis, byEarlier } =
        id === undefined ? { before: false, byThis: false, byEarlier: false } : handled(id)
      const again = id !== undefined && seen.has(id)
      // Of gaps only what is missing counts, and what this replay has repaired already.
      if (source === 'AuditGaps' && (again || (before && !byThis))) continue
      tally.matched(type, byEarlier)
      if (id !== undefined && (byThis || dryRun)) seen.add(id)
      if (again) tally.came('duplicates')
      else if (byThis) tally.came('delivered')
      else if (before && !force) tally.came('duplicates')
      else if (!dryRun) {
        await pace(signal)
        const result = await deliver(record, paths.get(record.topic) ?? '', signal)
        if (result.outcome === 'failed') {
          logger.warn(
            {
              topic: record.topic,
              partition: record.partition,
              offset: record.offset,
              eventId: id,
              reason: result.reason,
            },
            'an event could not be replayed',
          )
          tally.failed(record, id, result.reason)
        } else {
          if (id !== undefined && result.outcome === 'processed') seen.add(id)
          tally.came(
            result.outcome === 'processed' ? 'delivered' : result.outcome === 'duplicate' ? 'duplicates' : 'ignored',
          )
        }
      }
    }
  }
}
