/** Between kafkajs' messages and records as backups keep them: nothing of key, value, timestamp or headers is lost on either way. */
import type { IHeaders, KafkaMessage, Message } from 'kafkajs'
import type { StoredRecord } from '../backup/records.ts'
import { offsetOf } from './client.ts'

/** What a consumer was given. kafkajs puts the headers of one name together; their order among one another is all that may differ. */
export const storedRecordOf = ({ offset, timestamp, key, value, headers = {} }: KafkaMessage): StoredRecord => ({
  offset: offsetOf(offset),
  timestamp: Number(timestamp),
  key,
  value,
  headers: Object.entries(headers).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((one): StoredRecord['headers'][number] => [
      name,
      // Null on the wire, whatever the types say.
      one === undefined || (one as unknown) === null ? null : Buffer.from(one),
    ]),
  ),
})

/** What a producer sends to make that record again, in a partition. */
export const messageOf = ({ key, value, timestamp, headers }: StoredRecord, partition: number): Message => {
  const all: Record<string, (Buffer | null)[]> = {}
  for (const [name, header] of headers) (all[name] ??= []).push(header)
  return { partition, key, value, timestamp: String(timestamp), headers: all as IHeaders }
}
