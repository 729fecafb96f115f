import { Readable } from 'node:stream'
import type { Message, Producer, ProducerRecord } from 'kafkajs'
import { expect, test } from 'vitest'
import type { StoredRecord } from '../../lib/backup/records.ts'
import { appendRecords } from './append.ts'

const { signal } = new AbortController()
const record = (offset: number, bytes: number): StoredRecord => ({
  offset,
  timestamp: offset,
  key: Buffer.from(String(offset)),
  value: bytes === 0 ? null : Buffer.alloc(bytes),
  headers: [['trace', Buffer.from('1')]],
})

/** A log that holds 1000 records already; `requests`: what it was sent. */
function aLog() {
  const requests: Message[][] = []
  let end = 1_000
  const send = ({ topic, messages }: ProducerRecord) => {
    requests.push(messages)
    const baseOffset = String(end)
    end += messages.length
    return Promise.resolve([{ topicName: topic, partition: 2, errorCode: 0, baseOffset }])
  }
  return { requests, producer: { send } as unknown as Producer }
}

const stream = (records: readonly StoredRecord[]): AsyncIterable<StoredRecord> => Readable.from(records)

const kilobyte = 1_024
test.each([
  { what: 'many small ones', sizes: Array.from({ length: 1_200 }, () => 10), requests: [500, 500, 200] },
  { what: 'large ones', sizes: Array.from({ length: 5 }, () => 200 * kilobyte), requests: [2, 2, 1] },
  { what: 'one that is too large for any company', sizes: [10, 900 * kilobyte, 10], requests: [1, 1, 1] },
  { what: 'tombstones', sizes: [0, 0], requests: [2] },
  { what: 'none', sizes: [], requests: [] },
])(
  '$what go in requests a broker takes, in their order, and each is told its place',
  async ({ sizes, ...expected }) => {
    const log = aLog()
    const records = sizes.map((size, at) => record(at + 7, size))
    const places: [number, number][] = []
    const onPlaced = ({ offset }: StoredRecord, place: number): unknown => places.push([offset, place])
    const to = { producer: log.producer, topic: 't', partition: 2, signal, onPlaced }
    expect(await appendRecords(stream(records), to)).toBe(sizes.length)
    expect(log.requests.map((request) => request.length)).toEqual(expected.requests)
    expect(places).toEqual(records.map(({ offset }, at) => [offset, 1_000 + at]))
    for (const message of log.requests.flat())
      expect(message).toMatchObject({ partition: 2, headers: { trace: [Buffer.from('1')] } })
  },
)

test('a broker that does not say where it put them is not believed', async () => {
  const producer = { send: () => Promise.resolve([{}]) } as unknown as Producer
  const to = { producer, topic: 't', partition: 0, signal }
  await expect(appendRecords(stream([record(1, 1)]), to)).rejects.toThrow('where records of t were appended')
})

test('one request is on its way at a time, and none is left when the backup breaks off', async () => {
  const log = aLog()
  let onTheirWay = 0
  const most: number[] = []
  const producer = {
    send: async (request: ProducerRecord) => {
      most.push((onTheirWay += 1))
      await new Promise(setImmediate)
      onTheirWay -= 1
      return (log.producer.send as (request: ProducerRecord) => Promise<unknown>)(request)
    },
  } as unknown as Producer
  async function* broken(): AsyncGenerator<StoredRecord> {
    yield* stream(Array.from({ length: 1_700 }, (_, at) => record(at, 1)))
    throw new Error('the destination is away')
  }
  await expect(appendRecords(broken(), { producer, topic: 't', partition: 0, signal })).rejects.toThrow('is away')
  expect(most).toEqual([1, 1, 1])
  expect(onTheirWay).toBe(0)
  expect(log.requests.flat()).toHaveLength(1_500)
})

test('a request that fails ends it, and the next is not sent', async () => {
  let requests = 0
  const producer = {
    send: () => {
      requests += 1
      return requests === 2 ? Promise.reject(new Error('not enough replicas')) : Promise.resolve([{ baseOffset: '0' }])
    },
  } as unknown as Producer
  const records = stream(Array.from({ length: 2_000 }, (_, at) => record(at, 1)))
  await expect(appendRecords(records, { producer, topic: 't', partition: 0, signal })).rejects.toThrow('replicas')
  expect(requests).toBe(2)
})
