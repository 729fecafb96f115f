import type { Producer } from 'kafkajs'
import type { StoredRecord } from '../../lib/backup/records.ts'
import { messageOf } from '../../lib/kafka/stored-record.ts'

/** Records and bytes of one request to Kafka. */
const batchRecords = 500
const batchBytes = 512 * 1024

/** Where records go, and whom to tell. */
export interface Append {
  readonly producer: Producer
  readonly topic: string
  readonly partition: number
  readonly signal: AbortSignal
  /** Told the place of each record in the new log. */
  readonly onPlaced?: (record: StoredRecord, offset: number) => void
}

/**
 * Appends records to one partition as they were, in their order, every request acknowledged by all replicas. Returns how many. The next
 * request is put together while Kafka stores one; it is sent only after that one was acknowledged, and nothing is on its way when this ends.
 */
export async function appendRecords(
  records: AsyncIterable<StoredRecord>,
  { producer, topic, partition, signal, onPlaced }: Append,
): Promise<number> {
  let count = 0
  let bytes = 0
  let batch: StoredRecord[] = []
  let underWay: Promise<void> = Promise.resolve()
  const send = async (sent: readonly StoredRecord[]): Promise<void> => {
    const messages = sent.map((record) => messageOf(record, partition))
    const [answer] = await producer.send({ topic, acks: -1, messages })
    if (answer?.baseOffset === undefined) throw new Error(`Kafka did not say where records of ${topic} were appended`)
    const base = Number(answer.baseOffset)
    if (onPlaced !== undefined) for (const [index, record] of sent.entries()) onPlaced(record, base + index)
    count += sent.length
  }
  const flush = async (): Promise<void> => {
    await underWay
    if (batch.length === 0) return
    underWay = send(batch)
    // Awaited by the next flush; until then its failure is nobody's.
    underWay.catch(() => undefined)
    bytes = 0
    batch = []
  }
  try {
    for await (const record of records) {
      signal.throwIfAborted()
      const size = record.value?.length ?? 0
      if (bytes + size > batchBytes) await flush()
      batch.push(record)
      bytes += size
      if (batch.length >= batchRecords) await flush()
    }
    await flush()
  } finally {
    await underWay
  }
  return count
}
