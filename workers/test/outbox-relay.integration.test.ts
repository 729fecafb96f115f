import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Publisher } from '../lib/dapr.ts'
import { createMetrics } from '../lib/metrics.ts'
import { appendEvent } from '../lib/outbox.ts'
import { createOutboxRelay } from '../lib/outbox-relay.ts'
import type { Database } from '../lib/postgres.ts'
import { openDatabase, startMigratedDatabase, testLogger } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'
import { eventually } from './support/eventually.ts'

const topics = { taskEvents: 'prefix.task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' }

interface Published {
  readonly topic: string
  readonly key: string
  readonly id: string
  readonly number: number
}

let postgres: MigratedDatabase
let superuser: Database
beforeAll(async () => {
  postgres = await startMigratedDatabase()
  superuser = openDatabase(postgres.server.superuserUrl.replace(/\/postgres$/, '/todo'))
})
afterAll(async () => {
  await superuser.close()
  await postgres.stop()
})
beforeEach(async () => {
  await superuser.query('TRUNCATE outbox')
})

/** A broker: what it has stored, and what it does to the next calls. */
const broker = () => {
  const log: Published[] = []
  const faults: (() => Promise<void>)[] = []
  const refuse = new Set<string>()
  const publisher: Publisher = {
    publishBulk: async (topic, entries) => {
      const fault = faults.shift()
      const failed = new Map<string, string>()
      for (const { entryId, key, event } of entries) {
        if (refuse.has(key)) failed.set(entryId, 'message too large')
        else {
          const { id, data } = JSON.parse(event) as { id: string; data: { number: number } }
          log.push({ topic, key, id, number: data.number })
        }
      }
      await fault?.()
      return failed
    },
  }
  return { log, faults, refuse, publisher }
}

/** A relay as a pod has it: with a pool of its own. */
const startRelay = (publisher: Publisher) => {
  const database = openDatabase(postgres.server.url)
  const stop = new AbortController()
  const metrics = createMetrics({ service: 'test', version: '0' })
  const relay = createOutboxRelay({ database, publisher, topics, logger: testLogger, metrics: metrics.outbox })
  const running = relay.run(stop.signal)
  return {
    database,
    metrics,
    stop: async () => {
      stop.abort()
      await running
      await database.close()
    },
  }
}

const append = (database: Database, key: string, number: number, options: { commit?: boolean } = {}) =>
  database
    .transaction(async (tx) => {
      await appendEvent(tx, {
        topic: 'taskEvents',
        type: 'com.todo.task.updated',
        subject: `task of ${key}`,
        key,
        producer: 'todo-chat-api',
        data: { number },
      })
      if (options.commit === false) throw new Error('rolled back')
    })
    .catch((error: unknown) => {
      if (options.commit !== false) throw error
    })

const pending = async (): Promise<number> =>
  (await superuser.query<{ count: number }>('SELECT count(*) AS count FROM outbox')).rows[0]?.count ?? -1
const drained = () => eventually('the outbox is empty', async () => (await pending()) === 0)

/** Event numbers of each key, without the copies after the first. */
const firstOccurrences = (log: readonly Published[]): Record<string, number[]> => {
  const seen = new Set<string>()
  const numbers: Record<string, number[]> = {}
  for (const { id, key, number } of log) {
    if (seen.has(id)) continue
    seen.add(id)
    numbers[key] = [...(numbers[key] ?? []), number]
  }
  return numbers
}

const killSessions = () =>
  superuser.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test/outbox'`)

describe('the outbox relay on PostgreSQL', () => {
  test('publishes what is committed, with its key and topic, and nothing of what is rolled back', async () => {
    const { log, publisher } = broker()
    const relay = startRelay(publisher)
    await append(relay.database, 'ann', 1)
    await append(relay.database, 'ann', 2, { commit: false })
    await append(relay.database, 'bob', 3)
    await drained()
    expect(log.map(({ topic, key, number }) => [topic, key, number])).toEqual([
      ['prefix.task-events', 'ann', 1],
      ['prefix.task-events', 'bob', 3],
    ])
    await relay.stop()
  })

  test('keeps each key in order while backends are killed and calls end without an answer', async () => {
    const { log, faults, publisher } = broker()
    const relays = [startRelay(publisher), startRelay(publisher)]
    const keys = ['ann', 'bob', 'cid', 'dot']
    const expected: Record<string, number[]> = {}
    for (let number = 0; number < 200; number += 1) {
      const key = keys[number % keys.length] ?? ''
      await append(postgres.database, key, number)
      expected[key] = [...(expected[key] ?? []), number]
      if (number % 23 === 7) await killSessions()
      if (number % 31 === 5) faults.push(() => Promise.reject(new Error('the sidecar did not answer')))
      if (number % 41 === 9)
        faults.push(async () => {
          await killSessions()
        })
    }
    await drained()
    expect(firstOccurrences(log)).toEqual(expected)
    for (const relay of relays) await relay.stop()
  })

  test('publishes again what was acknowledged in a session that ended before the delete', async () => {
    const { log, faults, publisher } = broker()
    faults.push(async () => {
      await killSessions()
    })
    const relay = startRelay(publisher)
    await append(relay.database, 'ann', 1)
    await drained()
    expect(log.map(({ number }) => number)).toEqual([1, 1])
    expect(new Set(log.map(({ id }) => id)).size).toBe(1)
    await relay.stop()
  })

  test('finds the event of a transaction that took a low id and committed late', async () => {
    const { log, publisher } = broker()
    const relay = startRelay(publisher)
    const { promise: release, resolve } = Promise.withResolvers<undefined>()
    const late = relay.database.transaction(async (tx) => {
      const event = { topic: 'taskEvents', type: 't', subject: 's', producer: 'p', data: { number: 1 } } as const
      await appendEvent(tx, { ...event, key: 'late' })
      await release
    })
    await append(relay.database, 'ann', 2)
    await eventually('the early commit is published', () => log.length === 1)
    resolve(undefined)
    await late
    await drained()
    expect(log.map(({ key }) => key)).toEqual(['ann', 'late'])
    await relay.stop()
  })

  test('lets a key wait whose event the broker refuses, and no other', async () => {
    const { log, refuse, publisher } = broker()
    refuse.add('stuck')
    const relay = startRelay(publisher)
    await append(relay.database, 'stuck', 1)
    await append(relay.database, 'stuck', 2)
    await append(relay.database, 'ann', 3)
    await eventually('the other key is published', () => log.length === 1)
    expect(await pending()).toBe(2)
    refuse.clear()
    await drained()
    expect(firstOccurrences(log)).toEqual({ ann: [3], stuck: [1, 2] })
    await relay.stop()
  })

  test('hands its shards over when it stops', async () => {
    const { log, publisher } = broker()
    const first = startRelay(publisher)
    await append(first.database, 'ann', 1)
    await drained()
    const second = startRelay(publisher)
    await first.stop()
    await append(second.database, 'ann', 2)
    await drained()
    expect(log.map(({ number }) => number)).toEqual([1, 2])
    const held = await second.metrics.registry.getSingleMetricAsString('todochatbot_outbox_shards_held')
    expect(held).toContain('todochatbot_outbox_shards_held 8')
    await second.stop()
  })

  test('survives a restart of the database', async () => {
    const { log, publisher } = broker()
    const relay = startRelay(publisher)
    await append(relay.database, 'ann', 1)
    await drained()
    await postgres.server.restart()
    await eventually('the database answers', () =>
      postgres.database.ping().then(
        () => true,
        () => false,
      ),
    )
    await append(postgres.database, 'ann', 2)
    await drained()
    expect(firstOccurrences(log)).toEqual({ ann: [1, 2] })
    await relay.stop()
  })
})
