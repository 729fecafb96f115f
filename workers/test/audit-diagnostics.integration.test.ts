import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { diagnose } from '../audit/diagnostics/diagnose.ts'
import { expectedIndexes } from '../audit/diagnostics/indexes.ts'
import { eventually } from './support/eventually.ts'
import { openDatabase } from './support/migrated-database.ts'
import { startTaskSystem } from './support/task-system.ts'
import type { TaskSystem } from './support/task-system.ts'

let system: TaskSystem

beforeAll(async () => {
  system = await startTaskSystem()
})
afterAll(() => system.stop())

const look = () => diagnose(system.database, 100)

describe('what the database says of itself', () => {
  test('the expected indexes are exactly those that the migrations leave behind', async () => {
    const { rows } = await system.database.query<{ name: string; statement: string }>(
      `SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS statement FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1`,
    )
    expect(rows).toEqual(expectedIndexes)
  })

  test('a healthy one has nothing to report, and tells its connections and size', async () => {
    const found = await look()
    expect(found).toMatchObject({
      running: [],
      slowest: null,
      oldestTransaction: 0,
      indexes: { missing: [], invalid: [], expected: expectedIndexes.length },
      outbox: { pending: 0, oldestAge: 0 },
      overdueReminders: { count: 0, oldestAge: 0 },
      bloatedTables: [],
    })
    expect(found.connections.limit).toBeGreaterThan(found.connections.used)
    expect(found.connections.used).toBeGreaterThan(0)
    expect(found.databaseBytes).toBeGreaterThan(1_000_000)
  })

  test('a dropped index is missing, with the statement that makes it again; an unfinished one is invalid', async () => {
    await system.admin('DROP INDEX tasks_by_due')
    await system.admin(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tasks_search'::regclass`)
    const { indexes } = await look()
    expect(indexes.missing.map(({ name }) => name)).toEqual(['tasks_by_due'])
    expect(indexes.invalid).toEqual(['tasks_search'])
    await system.admin(indexes.missing[0]!.statement)
    await system.admin('REINDEX INDEX tasks_search')
    expect((await look()).indexes).toMatchObject({ missing: [], invalid: [] })
  })

  test('a statement of the workers that runs long is named without its values, and so is an open transaction', async () => {
    const other = openDatabase(system.postgres.url)
    const running = other.query('SELECT pg_sleep($1::float8) AS dozing', [3])
    let found = await look()
    await eventually('it is seen', async () => {
      found = await look()
      return found.running.length > 0
    })
    await running
    await other.close()
    expect(found.running[0]).toMatchObject({ statement: 'SELECT pg_sleep($1::float8) AS dozing' })
    expect(found.oldestTransaction).toBeGreaterThan(0)
  })

  test('events that wait and reminders that are overdue are counted with the age of the oldest', async () => {
    const userId = await system.addUser()
    await system.create(userId)
    const [task, reminder] = [randomUUID(), randomUUID()]
    await system.database.query(
      `INSERT INTO reminder_tasks (task_id, user_id, version, title, timezone) VALUES ($1, $2, 1, 'Plants', 'UTC')`,
      [task, userId],
    )
    await system.database.query(
      `INSERT INTO reminders (id, task_id, user_id, scheduled_for, state, correlation_id)
       VALUES ($1, $2, $3, now() - interval '1 hour', 'pending', 'c')`,
      [reminder, task, userId],
    )
    const { outbox, overdueReminders } = await look()
    expect(outbox.pending).toBe(1)
    expect(outbox.oldestAge).toBeGreaterThan(0)
    expect(overdueReminders.count).toBe(1)
    expect(overdueReminders.oldestAge).toBeGreaterThan(3_500)
  })
})
