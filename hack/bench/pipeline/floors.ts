import type { Kafka } from 'kafkajs'
import { Pool } from 'pg'
import type { ClientConfig } from 'pg'
import { withKafkaAdmin } from '../../e2e/support/kafka.ts'
import { inFlight, percentile, rounded } from '../statistics.ts'

/** What one of the parts does on its own, on the same machine in the same minute. Times in ms. */
export interface FloorResult {
  readonly floor: string
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

const COUNT = 3_000
const WIDTH = 32
/** Of the size of a task event. */
const payload = JSON.stringify({ padding: 'x'.repeat(1_500) })

/** Single-row inserts, each its own transaction, over ten connections: the least a durable change costs. */
export async function postgresFloor(connection: ClientConfig): Promise<FloorResult> {
  const pool = new Pool({ ...connection, max: 10 })
  try {
    await pool.query('CREATE TABLE IF NOT EXISTS bench_floor (id bigserial PRIMARY KEY, payload jsonb NOT NULL)')
    const insert = (): Promise<unknown> => pool.query('INSERT INTO bench_floor (payload) VALUES ($1)', [payload])
    return await timed('PostgreSQL: one insert per transaction, 10 connections', insert)
  } finally {
    await pool.query('DROP TABLE IF EXISTS bench_floor')
    await pool.end()
  }
}

/** One message per request, acknowledged by the broker: the least an event costs without batching. */
export async function kafkaFloor(kafka: Kafka): Promise<FloorResult> {
  const topic = 'bench-floor'
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await withKafkaAdmin(kafka, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true }),
  )
  try {
    await producer.connect()
    let key = 0
    const send = (): Promise<unknown> => {
      key += 1
      return producer.send({ topic, acks: -1, messages: [{ key: String(key % 20), value: payload }] })
    }
    return await timed(`kafkajs: one message per request, ${WIDTH} in flight`, send)
  } finally {
    await producer.disconnect()
    await withKafkaAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }))
  }
}

async function timed(floor: string, work: () => Promise<unknown>): Promise<FloorResult> {
  const latencies: number[] = []
  const begin = performance.now()
  await inFlight(Array.from({ length: COUNT }), WIDTH, async () => {
    const start = performance.now()
    await work()
    latencies.push(performance.now() - start)
  })
  const perSecond = rounded(COUNT / ((performance.now() - begin) / 1000))
  return { floor, perSecond, p50: rounded(percentile(latencies, 0.5), 1), p99: rounded(percentile(latencies, 0.99), 1) }
}
