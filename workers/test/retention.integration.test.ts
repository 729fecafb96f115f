import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteExpired } from '../lib/expiry.ts'
import { inboxExpiry } from '../lib/inbox.ts'
import { notificationExpiry } from '../notification/retention.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

const day = 86_400_000
const now = new Date('2026-06-01T00:00:00Z')

let migrated: MigratedDatabase

beforeAll(async () => {
  migrated = await startMigratedDatabase()
})
afterAll(() => migrated.stop())

const daysAgo = (days: number): Date => new Date(now.getTime() - days * day)

describe('rows that nobody needs any more', () => {
  test('inbox marks go by age, of the own consumer only, however many there are', async () => {
    const { database } = migrated
    const mark = (consumer: string, count: number, at: Date) =>
      database.query(
        `INSERT INTO inbox (consumer, event_id, processed_at) SELECT $1, gen_random_uuid()::text, $3 FROM generate_series(1, $2)`,
        [consumer, count, at],
      )
    await mark('recurring-task', 2_500, daysAgo(31))
    await mark('recurring-task', 3, daysAgo(29))
    await mark('notification', 4, daysAgo(31))
    expect(await deleteExpired(database, [inboxExpiry('recurring-task', 30 * day)], now)).toBe(2_500)
    const { rows } = await database.query('SELECT consumer, count(*)::int AS left FROM inbox GROUP BY 1 ORDER BY 1')
    expect(rows).toEqual([
      { consumer: 'notification', left: 4 },
      { consumer: 'recurring-task', left: 3 },
    ])
  })

  test('notifications go by the time they were delivered', async () => {
    const { database } = migrated
    for (const days of [91, 89])
      await database.query(
        `INSERT INTO notifications (id, reminder_id, task_id, user_id, channel, title, body, scheduled_for, fired_at, late)
         VALUES ($1, $1, $1, $1, 'in-app', 'Plants', '', $2, $2, false)`,
        [randomUUID(), daysAgo(days)],
      )
    expect(await deleteExpired(database, [notificationExpiry(90 * day)], now)).toBe(1)
    const { rows } = await database.query<{ fired_at: Date }>('SELECT fired_at FROM notifications')
    expect(rows.map(({ fired_at }) => fired_at)).toEqual([daysAgo(89)])
  })
})
