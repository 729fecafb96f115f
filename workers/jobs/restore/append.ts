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

/** Appends records to one partition as they were, in their order, every request acknowledged by all replicas. Returns how many. */
export async function appendRecords(
  records: AsyncIterable<StoredRecord>,
  { producer, topic, partition, signal, onPlaced }: Append,
): Promise<number> {
  let count = 0
  let bytes = 0
  let batch: StoredRecord[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const messages = batch.map((record) => messageOf(record, partition))
    const [answer] = await producer.send({ topic, acks: -1, messages })
    if (answer?.baseOffset === undefined) throw new Error(`Kafka did not say where records of ${topic} were appended`)
    const base = Number(answer.baseOffset)
    if (onPlaced !== undefined) for (const [index, record] of batch.entries()) onPlaced(record, base + index)
    count += batch.length
    bytes = 0
    batch = []
  }
  for await (const record of records) {
    signal.throwIfAborted()
    const size = record.value?.length ?? 0
    if (bytes + size > batchBytes) await flush()
    batch.push(record)
    bytes += size
    if (batch.length >= batchRecords) await flush()
  }
  await flush()
  return count
}
