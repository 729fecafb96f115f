import { randomUUID } from 'node:crypto'
import { appendEvent } from '../lib/outbox.ts'
import type { Database, Transaction } from '../lib/postgres.ts'
import { toLocal } from '../lib/recurrence/index.ts'
import { REMINDER_EVENT_SCHEMA, reminderEventTypes } from '../lib/reminder-event.ts'
import type { ReminderEventData } from '../lib/reminder-event.ts'

/** A reminder that was delivered in this batch. */
export interface FiredReminder {
  reminderId: string
  scheduledFor: Date
  firedAt: Date
  late: boolean
}

/** What {@link fireDue} needs. Durations in milliseconds. */
export interface FireOptions {
  /** Dapr app id; becomes the source of the events. */
  producer: string
  batchSize: number
  lateAfter: number
  now: () => Date
}

interface DueRow {
  id: string
  task_id: string
  user_id: string
  scheduled_for: Date
  correlation_id: string
  title: string
  due_at: Date | null
  timezone: string
}

/**
 * Fires one batch of due reminders in one transaction: marks them, puts them into the in-app inbox, appends their events.
 * Rows that another replica is firing are skipped, not waited for. `claimed` is how many were taken: a full batch means
 * there may be more. A reminder that is already in the inbox (same id, time and channel) is marked and not delivered again.
 */
export function fireDue(
  database: Database,
  options: FireOptions,
): Promise<{ claimed: number; fired: FiredReminder[] }> {
  return database.transaction(async (tx) => {
    const firedAt = options.now()
    const due = await claim(tx, firedAt, options.batchSize)
    const fired: FiredReminder[] = []
    for (const row of due) {
      const late = firedAt.getTime() - row.scheduled_for.getTime() > options.lateAfter
      if (!(await deliver(tx, row, firedAt, late))) continue
      await announce(tx, row, { firedAt, late }, options.producer)
      fired.push({ reminderId: row.id, scheduledFor: row.scheduled_for, firedAt, late })
    }
    return { claimed: due.length, fired }
  })
}

async function claim(tx: Transaction, now: Date, batchSize: number): Promise<DueRow[]> {
  const { rows } = await tx.query<DueRow>(
    `WITH due AS (
       SELECT id FROM reminders WHERE state = 'pending' AND scheduled_for <= $1
       ORDER BY scheduled_for LIMIT $2 FOR UPDATE SKIP LOCKED
     ), fired AS (
       UPDATE reminders SET state = 'fired', fired_at = $1 FROM due WHERE reminders.id = due.id
       RETURNING reminders.id, reminders.task_id, reminders.user_id, reminders.scheduled_for, reminders.correlation_id
     )
     SELECT fired.*, task.title, task.due_at, task.timezone
     FROM fired JOIN reminder_tasks task USING (task_id) ORDER BY fired.scheduled_for, fired.id`,
    [now, batchSize],
  )
  return rows
}

async function deliver(tx: Transaction, row: DueRow, firedAt: Date, late: boolean): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO notifications (id, reminder_id, task_id, user_id, channel, title, body, scheduled_for, fired_at, late)
     VALUES ($1, $2, $3, $4, 'in-app', $5, $6, $7, $8, $9)
     ON CONFLICT (reminder_id, scheduled_for, channel) DO NOTHING`,
    [randomUUID(), row.id, row.task_id, row.user_id, row.title, bodyOf(row), row.scheduled_for, firedAt, late],
  )
  return rowCount === 1
}

async function announce(
  tx: Transaction,
  row: DueRow,
  { firedAt, late }: { firedAt: Date; late: boolean },
  producer: string,
): Promise<void> {
  const told = {
    reminderId: row.id,
    taskId: row.task_id,
    userId: row.user_id,
    scheduledFor: row.scheduled_for.toISOString(),
    firedAt: firedAt.toISOString(),
    late,
  }
  const event = {
    topic: 'taskReminders' as const,
    key: row.user_id,
    subject: row.task_id,
    dataschema: REMINDER_EVENT_SCHEMA,
    correlationId: row.correlation_id,
    producer,
    time: told.firedAt,
  }
  const triggered: ReminderEventData = { ...told, action: 'TRIGGERED' }
  const cause = await appendEvent(tx, { ...event, type: reminderEventTypes.TRIGGERED, data: triggered })
  const delivered: ReminderEventData = { ...told, action: 'DELIVERED', channel: 'in-app' }
  await appendEvent(tx, { ...event, type: reminderEventTypes.DELIVERED, data: delivered, causationId: cause.id })
}

/** What the inbox shows below the title, in the task's own time. */
function bodyOf({ due_at: dueAt, timezone }: DueRow): string {
  if (dueAt === null) return 'No due time'
  return `Due ${toLocal(dueAt.toISOString(), timezone).slice(0, 16).replace('T', ' ')} (${timezone})`
}
