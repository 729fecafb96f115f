/** Records of a log, whole, and where it begins and ends. */
import type { Admin, Kafka } from 'kafkajs'
import type { StoredRecord } from '../../lib/backup/records.ts'
import { readRanges as readKafka } from '../../lib/kafka/ranges.ts'
import { storedRecordOf } from '../../lib/kafka/stored-record.ts'

/** Offsets of a partition that still exist: [start, end). */
export interface Bounds {
  readonly start: number
  readonly end: number
}

/** Records [from, to) of one partition. */
export interface Range {
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** Bounds of every partition of a topic, by partition; undefined: there is no such topic. */
export const boundsOf = async (admin: Admin, topic: string): Promise<ReadonlyMap<number, Bounds> | undefined> => {
  if (!(await admin.listTopics()).includes(topic)) return undefined
  const offsets = await admin.fetchTopicOffsets(topic)
  return new Map(offsets.map(({ partition, low, high }) => [partition, { start: Number(low), end: Number(high) }]))
}

/** Reads ranges of a topic; `take` is called in the order of each partition. */
export const readRanges = async (
  {
    kafka,
    topic,
    ranges,
    signal,
  }: {
    readonly kafka: Kafka
    readonly topic: string
    readonly ranges: readonly Range[]
    readonly signal: AbortSignal
  },
  take: (partition: number, record: StoredRecord) => void,
): Promise<void> => {
  await readKafka({
    kafka,
    ranges: ranges
      .filter(({ from, to }) => from < to)
      .map(({ partition, from, to }) => ({ topic, partition, start: from, end: to })),
    groupPrefix: 'todochatbot-restore',
    concurrency: 8,
    signal,
    patience: 30_000,
    onRecords: ({ partition }, records) => {
      for (const record of records) take(partition, storedRecordOf(record))
      return Promise.resolve()
    },
  })
}

/** The records at these offsets, by partition; each must exist. */
export const recordsAt = async (
  options: { readonly kafka: Kafka; readonly topic: string; readonly signal: AbortSignal },
  offsets: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, StoredRecord>> => {
  const found = new Map<number, StoredRecord>()
  const ranges = [...offsets].map(([partition, offset]) => ({ partition, from: offset, to: offset + 1 }))
  await readRanges({ ...options, ranges }, (partition, record) => found.set(partition, record))
  return found
}
