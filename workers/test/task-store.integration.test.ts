import { randomUUID } from 'node:crypto'
import { Client as Administrator } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { insertNextInstance, readTask } from '../lib/task/store.ts'
import type { ChangeCause } from '../lib/task/store.ts'
import type { Task } from '../lib/task/task.ts'
import { uuidv5 } from '../lib/uuid.ts'
import { startChatApi } from './support/chat-api.ts'
import type { ChatApi, Client } from './support/chat-api.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

let system: MigratedDatabase
let admin: Administrator
let api: ChatApi
let user: Client
beforeAll(async () => {
  system = await startMigratedDatabase()
  admin = new Administrator({ connectionString: system.server.ownerUrl })
  await admin.connect()
  api = await startChatApi({ database: system.database })
})
afterAll(async () => {
  await api.close()
  await admin.end()
  await system.stop()
})
beforeEach(async () => {
  user = await api.user()
})

/** Makes every write of an event of this kind fail, as a full disk or a broken constraint would. */
async function refuseEvents(type: string, during: () => Promise<void>): Promise<void> {
  await admin.query(`ALTER TABLE outbox ADD CONSTRAINT fault CHECK (type <> '${type}') NOT VALID`)
  try {
    await during()
  } finally {
    await admin.query('ALTER TABLE outbox DROP CONSTRAINT fault')
  }
}

describe('a change whose event cannot be stored', () => {
  it('is not stored either: no task, no series, no key', async () => {
    await refuseEvents('com.todo.task.created', async () => {
      const response = await user.send(
        'POST',
        '/api/v1/tasks',
        { title: 'x', dueAt: '2026-02-01T09:00:00Z', recurrence: { rrule: 'FREQ=DAILY' } },
        { 'idempotency-key': 'k' },
      )
      expect(response.statusCode).toBe(500)
      expect(response.json<{ detail: string }>().detail).not.toMatch(/outbox|constraint/)
    })
    for (const table of ['tasks', 'recurrence_series', 'idempotency_keys']) {
      const { rows } = await system.database.query(`SELECT 1 FROM ${table} WHERE user_id = $1`, [user.userId])
      expect(rows, table).toEqual([])
    }
  })

  it('leaves the task as it was, also when the chat changes several at once', async () => {
    const tasks = [await user.create({ title: 'one' }), await user.create({ title: 'two' })]
    await refuseEvents('com.todo.task.deleted', async () => {
      expect((await user.send('DELETE', `/api/v1/tasks/${tasks[0]!.id}`)).statusCode).toBe(500)
      expect((await user.send('POST', '/api/v1/chat', { message: 'delete "two"' })).statusCode).toBe(500)
    })
    for (const task of tasks) expect(await readTask(system.database, user.userId, task.id)).toEqual(task)
    expect(await user.events()).toHaveLength(2)
  })
})

describe('the next instance of a series', () => {
  const cause: ChangeCause = {
    actor: { type: 'recurrence', id: 'todo-recurring-task' },
    correlationId: 'c',
    causationId: randomUUID(),
    producer: 'todo-recurring-task',
    now: '2026-01-14T09:00:00.000Z',
  }
  const successor = (task: Task, recurrenceId: string): Task => {
    const recurrence = task.recurrence!
    const slot = { ...recurrence, recurrenceId, count: recurrence.count + 1 }
    return { ...task, id: uuidv5(recurrence.seriesId, recurrenceId), recurrence: slot, source: 'recurrence' }
  }
  const startSeries = (): Promise<Task> =>
    user.create({ dueAt: '2026-02-01T09:00:00Z', recurrence: { rrule: 'FREQ=DAILY' } })

  it('is stored once, however many try at the same time', async () => {
    const task = await startSeries()
    const next = successor(task, '2026-02-02T10:00:00')
    const stored = await Promise.all(
      Array.from({ length: 10 }, () => system.database.transaction((tx) => insertNextInstance(tx, next, cause))),
    )
    expect(stored.filter((result) => result !== undefined)).toEqual([next])
    const events = await user.events()
    expect(events.map(({ data }) => [data.action, data.actor.type])).toEqual([
      ['CREATED', 'user'],
      ['CREATED', 'recurrence'],
    ])
    expect(events[1]).toMatchObject({ causationid: cause.causationId, source: '/services/todo-recurring-task' })
  })

  it('is stored once per position, even when two completions name different slots', async () => {
    const task = await startSeries()
    const slots = ['2026-02-02T10:00:00', '2026-02-05T10:00:00']
    const stored = await Promise.all(
      slots.map((slot) => system.database.transaction((tx) => insertNextInstance(tx, successor(task, slot), cause))),
    )
    expect(stored.filter((result) => result !== undefined)).toHaveLength(1)
    expect(await user.events()).toHaveLength(2)
  })
})
