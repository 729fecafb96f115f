/** Which records a replay takes. Pure; the same for Kafka and for backups. */
import type { Selection } from './config.ts'

/** One record of a topic, wherever it was read. */
export interface LogRecord {
  /** As the broker names it. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly key: string | null
  readonly value: string
}

/** What can be told of a record's event without trusting it; undefined fields: the value is no such event. */
export interface Glimpse {
  readonly id: string | undefined
  readonly type: string | undefined
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Looks into a value that may be anything. */
export const glimpse = (value: string): Glimpse => {
  try {
    const event = JSON.parse(value) as { id?: unknown; type?: unknown } | null
    return { id: textOf(event?.id), type: textOf(event?.type) }
  } catch {
    // No JSON: it is still a record that was asked for, and the worker says what is wrong with it.
    return { id: undefined, type: undefined }
  }
}

const within = (
  value: number,
  { from = -Infinity, to = Infinity }: { from?: number | undefined; to?: number | undefined } = {},
) => value >= from && value < to

/** Whether a record is asked for. Everything that the selection names must hold. */
export const isSelected = (
  { partitions, offsets, time, keys, types, eventIds }: Selection,
  record: Omit<LogRecord, 'topic' | 'value'>,
  { id, type }: Glimpse,
): boolean =>
  (partitions === undefined || partitions.includes(record.partition)) &&
  within(record.offset, offsets) &&
  within(record.timestamp, time) &&
  (keys === undefined || (record.key !== null && keys.includes(record.key))) &&
  (types === undefined || (type !== undefined && types.includes(type))) &&
  (eventIds === undefined || (id !== undefined && eventIds.includes(id)))
