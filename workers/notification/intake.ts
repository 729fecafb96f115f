/**
 * Keeps the stored reminders of a task equal to the newest state of the task.
 *
 * Invariants
 * - Per task only rising versions take effect: an older event that comes late, or a repetition, changes nothing. Every event
 *   carries the whole task, so a version that was skipped is not missed.
 * - The row of the task is locked first, so two deliveries for one task, on whatever replica, take effect one after the other.
 * - What changes in the store and what the events say of it (SCHEDULED, CANCELLED) is one transaction.
 * - A muted event (lib/replay.ts) makes nothing fire whose time has passed: such a reminder is stored as cancelled. One that lies ahead is
 *   stored as ever, because it has not told anybody anything yet. With force the newest version takes effect again, never an older one.
 *
 * Against the scheduler: both lock a reminder's row before they change it. Either the cancellation is first, then the reminder
 * is no longer pending and does not fire; or the firing is first, then there is nothing left to cancel.
 * Proof: plan.test.ts, workers/test/notification.integration.test.ts.
 */
import type { CloudEvent } from '../lib/cloud-event.ts'
import { PoisonError } from '../lib/delivery.ts'
import { processOnce } from '../lib/inbox.ts'
import type { Processed } from '../lib/inbox.ts'
import { appendEvent } from '../lib/outbox.ts'
import type { Database, Transaction } from '../lib/postgres.ts'
import { isMuted } from '../lib/replay.ts'
import type { ReplayMark } from '../lib/replay.ts'
import { REMINDER_EVENT_SCHEMA, reminderEventTypes } from '../lib/reminder-event.ts'
import type { ReminderAction, ReminderEventData } from '../lib/reminder-event.ts'
import type { TaskEventData } from '../lib/task/event.ts'
import { planReminders, silencePast } from './plan.ts'
import type { StoredReminder } from './plan.ts'

/** Name in the inbox: one effect per event for all replicas of this worker. */
export const consumer = 'notification'

/** Notified after each commit that scheduled something; the scheduler listens. */
export const remindersChannel = 'reminders'

/** Handles every task event; resolves once its effect is committed. `producer` is the Dapr app id. */
export function createIntake(options: {
  database: Database
  producer: string
  now: () => Date
}): (event: CloudEvent<TaskEventData>, signal?: AbortSignal, replay?: ReplayMark) => Promise<Processed> {
  return (event, signal, replay) =>
    processOnce(
      options.database,
      { consumer, eventId: event.id, replay },
      async (tx) => {
        if (!(await takeVersion(tx, event.data, replay?.force === true))) return
        await applyChange(tx, event, options)
      },
      signal && { signal },
    )
}

/** False when this version (unless `again`) or a later one was taken before. Holds the task's row lock until the end of the transaction. */
async function takeVersion(tx: Transaction, { task, taskVersion }: TaskEventData, again: boolean): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO reminder_tasks AS known (task_id, user_id, version, title, due_at, timezone)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (task_id) DO UPDATE
       SET version = excluded.version, title = excluded.title, due_at = excluded.due_at, timezone = excluded.timezone
       WHERE known.version < excluded.version OR ($7 AND known.version = excluded.version)`,
    [task.id, task.userId, taskVersion, task.title, task.dueAt, task.timezone, again],
  )
  return rowCount === 1
}

async function applyChange(
  tx: Transaction,
  event: CloudEvent<TaskEventData>,
  { producer, now }: { producer: string; now: () => Date },
): Promise<void> {
  const { task, correlationId } = event.data
  const stored = await storedReminders(tx, task.id)
  const plan = planReminders(task, stored, new Date(event.time).toISOString())
  const { schedule, cancel, silence } = isMuted(event)
    ? silencePast(plan, stored, now().toISOString())
    : { ...plan, silence: [] }
  const emit = (action: ReminderAction, reminder: { id: string; scheduledFor: string }): Promise<unknown> =>
    appendEvent<ReminderEventData>(tx, {
      topic: 'taskReminders',
      key: task.userId,
      type: reminderEventTypes[action],
      subject: task.id,
      dataschema: REMINDER_EVENT_SCHEMA,
      data: {
        reminderId: reminder.id,
        taskId: task.id,
        userId: task.userId,
        action,
        scheduledFor: reminder.scheduledFor,
      },
      correlationId,
      causationId: event.id,
      producer,
    })
  for (const reminder of cancel) {
    await tx.query(`UPDATE reminders SET state = 'cancelled' WHERE id = $1`, [reminder.id])
    await emit('CANCELLED', reminder)
  }
  const store = async (
    reminder: { id: string; scheduledFor: string },
    state: StoredReminder['state'],
  ): Promise<void> => {
    const { rowCount } = await tx.query(
      `INSERT INTO reminders AS known (id, task_id, user_id, scheduled_for, state, correlation_id)
       VALUES ($1, $2, $3, $4, $6, $5)
       ON CONFLICT (id) DO UPDATE
         SET scheduled_for = excluded.scheduled_for, state = excluded.state, fired_at = NULL, correlation_id = excluded.correlation_id
         WHERE known.task_id = excluded.task_id`,
      [reminder.id, task.id, task.userId, reminder.scheduledFor, correlationId, state],
    )
    if (rowCount === 0) throw new PoisonError(`data.task.reminders: ${reminder.id} is a reminder of another task`)
  }
  for (const reminder of schedule) {
    await store(reminder, 'pending')
    await emit('SCHEDULED', reminder)
  }
  for (const reminder of silence) {
    await store(reminder, 'cancelled')
    await emit('CANCELLED', reminder)
  }
  if (schedule.length > 0) tx.notify(remindersChannel)
}

async function storedReminders(tx: Transaction, taskId: string): Promise<StoredReminder[]> {
  const { rows } = await tx.query<{ id: string; scheduled_for: Date; state: StoredReminder['state'] }>(
    'SELECT id, scheduled_for, state FROM reminders WHERE task_id = $1 ORDER BY id FOR UPDATE',
    [taskId],
  )
  return rows.map((row) => ({ id: row.id, scheduledFor: row.scheduled_for.toISOString(), state: row.state }))
}
