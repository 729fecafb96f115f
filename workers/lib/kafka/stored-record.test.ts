import { expect, test } from 'vitest'
import type { KafkaMessage } from 'kafkajs'
import type { StoredRecord } from '../backup/records.ts'
import { messageOf, storedRecordOf } from './stored-record.ts'

const records: readonly StoredRecord[] = [
  { offset: 7, timestamp: 1_700_000_000_000, key: Buffer.from('k'), value: Buffer.from([0, 255]), headers: [] },
  { offset: 2 ** 53 - 1, timestamp: -1, key: null, value: null, headers: [['a', null]] },
  {
    offset: 0,
    timestamp: 1,
    key: Buffer.alloc(0),
    value: Buffer.alloc(0),
    headers: [
      ['trace', Buffer.from('1')],
      ['trace', null],
      ['trace', Buffer.alloc(0)],
      ['other', Buffer.from('é')],
    ],
  },
]

test.each(records)('a record at offset $offset is the same again after it was sent and read', (record) => {
  const sent = messageOf(record, 3)
  expect(sent.partition).toBe(3)
  const read = { ...sent, offset: String(record.offset) } as unknown as KafkaMessage
  expect(storedRecordOf(read)).toEqual(record)
})
