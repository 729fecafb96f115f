import type { Kafka, KafkaMessage } from 'kafkajs'
import { BackupError, isBackupError, wordsOf } from '../../lib/backup/errors.ts'
import type { Part } from '../../lib/backup/manifest.ts'
import { writePart } from '../../lib/backup/part.ts'
import type { WritePart } from '../../lib/backup/part.ts'
import { encodeRecord } from '../../lib/backup/records.ts'
import { createHandover } from '../../lib/backup/handover.ts'
import type { Handover } from '../../lib/backup/handover.ts'
import { readRanges } from '../../lib/kafka/ranges.ts'
import { storedRecordOf } from '../../lib/kafka/stored-record.ts'
import type { PlannedRange } from './plan.ts'

/** How parts are written, the same for all of them. */
export type Writing = Pick<WritePart, 'destination' | 'folder' | 'recipients' | 'throttle' | 'signal'> & {
  /** Told what is written, and every chunk. */
  readonly onBytes: (part: string, bytes: number) => void
}

/** Writes one part per range and says what the manifest says of them. A range without any record has none. */
export const writeTopics = async (options: {
  readonly kafka: Kafka
  readonly ranges: readonly PlannedRange[]
  readonly groupPrefix: string
  readonly concurrency: number
  readonly writing: Writing
  readonly compressionLevel: number
  readonly onRecords: (count: number) => void
}): Promise<readonly Part[]> => {
  const { kafka, ranges, writing, compressionLevel, onRecords } = options
  const stop = new AbortController()
  const signal = AbortSignal.any([writing.signal, stop.signal])
  const open = new Map<PlannedRange, { records: number; handover: Handover; part: Promise<Part> }>()
  const parts: Part[] = []
  const begin = (range: PlannedRange) => {
    const handover = createHandover(signal)
    const path = `records/${range.alias}/${range.partition}.ndjson.zst`
    const { onBytes, ...rest } = writing
    const part = writePart({
      ...rest,
      compressionLevel,
      signal,
      path,
      kind: 'Records',
      alias: range.alias,
      partition: range.partition,
      source: handover.stream,
      onBytes: (bytes) => onBytes(path, bytes),
    })
    // A part that cannot be written ends the reading; it is awaited when its range is done.
    part.catch((error: unknown) => stop.abort(error))
    const entry = { records: 0, handover, part }
    open.set(range, entry)
    return entry
  }
  try {
    await readRanges({
      kafka,
      ranges,
      groupPrefix: options.groupPrefix,
      concurrency: options.concurrency,
      signal,
      onRecords: async (range, records, done) => {
        const entry = open.get(range) ?? (records.length === 0 ? undefined : begin(range))
        if (entry === undefined) return
        if (records.length > 0) {
          await entry.handover.push(Buffer.from(records.map(lineOf).join('')))
          entry.records += records.length
          onRecords(records.length)
        }
        if (!done) return
        entry.handover.end()
        parts.push({ ...(await entry.part), records: entry.records })
      },
    })
    return parts
  } catch (error) {
    stop.abort(error)
    await Promise.allSettled([...open.values()].map(({ part }) => part))
    writing.signal.throwIfAborted()
    if (isBackupError(error)) throw error
    throw new BackupError('KafkaFailed', `the records could not be read: ${wordsOf(error)}`, { cause: error })
  }
}

const lineOf = (message: KafkaMessage): string => encodeRecord(storedRecordOf(message))
