import { randomBytes, randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import type { Database } from '../../../workers/lib/postgres.ts'

/** Bytes of one event: what a change of a task with a few lines of text is. */
const eventBytes = 1_024

/** Records of one request to Kafka. */
const batch = 1_000

/** Bytes a row of `tasks` takes with its share of the indexes, measured; only the number of rows follows from it. */
const rowBytes = 1_100

/** Rows of one statement: some minutes at most. */
const rowsAtOnce = 500_000

/** Fills a migrated database with tasks of 50 users until it holds about `bytes`. Returns the size it has then. */
export async function fillDatabase(owner: Database, bytes: number): Promise<number> {
  await owner.query(
    `INSERT INTO users SELECT gen_random_uuid(), 'user' || n || '@example.com', 'x', 'Europe/Berlin', now() FROM generate_series(1, 50) n`,
  )
  const rows = Math.ceil(bytes / rowBytes)
  for (let first = 1; first <= rows; first += rowsAtOnce)
    await owner.query(
      `INSERT INTO tasks (id, user_id, title, description, status, priority, tags, timezone, reminders, version, created_at, updated_at, source)
     SELECT gen_random_uuid(), u.id, 'task ' || n, (SELECT string_agg(md5(n || ' ' || w), ' ') FROM generate_series(1, 8) w),
            'open', 'NONE', '{}', 'Europe/Berlin', '[]', 1, now(), now(), 'user'
       FROM generate_series($1::int, $2::int) n
       JOIN (SELECT id, row_number() OVER () AS at FROM users) u ON u.at = n % 50 + 1`,
      [first, Math.min(rows, first + rowsAtOnce - 1)],
    )
  await owner.query('ANALYZE')
  const { rows: sizes } = await owner.query<{ size: string }>('SELECT pg_database_size(current_database()) AS size')
  return Number(sizes[0]?.size)
}

/** Publishes events of 1 KiB until a topic holds `bytes` of them. */
export async function fillTopic(kafka: Kafka, topic: string, bytes: number): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  try {
    for (let left = Math.ceil(bytes / eventBytes); left > 0; left -= batch) {
      const messages = Array.from({ length: Math.min(batch, left) }, () => ({ key: randomUUID(), value: event() }))
      await producer.send({ topic, messages, acks: 1 })
    }
  } finally {
    await producer.disconnect()
  }
}

/** Half of it is random, half repeats, as JSON of changes does. */
const event = (): string =>
  JSON.stringify({
    specversion: '1.0',
    type: 'com.todo.task.updated',
    source: '/todo/chat-api',
    id: randomUUID(),
    time: new Date().toISOString(),
    data: { text: randomBytes(300).toString('hex'), repeated: 'water the plants '.repeat(14) },
  })
