/**
 * What an event of the past does to the restored database. Nobody is told anything: a reminder that has fired is stored as fired, and events
 * are not published again but for the few of {@link redeliver}.
 *
 * Notification and recurring-task may have lagged behind at the point that is restored. So the last event of every task that changed is handed
 * to them once more through the outbox, and every completion whose successor is not there. What they have done already they know: audit by the
 * event's id, recurring-task by the slot of the series, notification by the version and by what is stored of the reminders. `reminder_tasks`
 * therefore stays one version behind until they have met it.
 */
import type { CloudEvent } from '../../../lib/cloud-event.ts'
import { shardOf } from '../../../lib/outbox.ts'
import type { Transaction } from '../../../lib/postgres.ts'
import type { ReminderAction, ReminderEventData } from '../../../lib/reminder-event.ts'
import type { TaskEventData } from '../../../lib/task/event.ts'
import { takeOverTask } from '../../../lib/task/store.ts'
import type { PastEvent } from './past-event.ts'

/** Applies events in their order, then hands over what has to be met again. */
export interface Effects {
  readonly apply: (event: PastEvent) => Promise<void>
  readonly redeliver: () => Promise<void>
}

const page = 500

/** Effects within one transaction. */
export const openEffects = async (tx: Transaction): Promise<Effects> => {
  await tx.query(
    `CREATE TEMP TABLE reapplied (n bigserial PRIMARY KEY, task_id uuid NOT NULL, version integer NOT NULL,
       completes uuid, position integer, payload jsonb NOT NULL) ON COMMIT DROP`,
  )
  const users = new Map<string, boolean>()
  const isKnown = async (user: string): Promise<boolean> => {
    const known = users.get(user) ?? (await tx.query('SELECT FROM users WHERE id = $1', [user])).rowCount === 1
    users.set(user, known)
    return known
  }
  return {
    apply: async ({ effect }) => {
      if (effect?.kind === 'Task' && (await isKnown(effect.event.data.userId))) await applyTask(tx, effect.event)
      if (effect?.kind === 'Reminder') await applyReminder(tx, effect.data, effect.correlationId)
    },
    redeliver: () => redeliver(tx),
  }
}

const applyTask = async (tx: Transaction, event: CloudEvent<TaskEventData>): Promise<void> => {
  const { task, action, taskVersion } = event.data
  await takeOverTask(tx, task, event.time)
  if (taskVersion > 1)
    await tx.query(
      `INSERT INTO reminder_tasks AS known (task_id, user_id, version, title, due_at, timezone)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (task_id) DO UPDATE
         SET version = excluded.version, title = excluded.title, due_at = excluded.due_at, timezone = excluded.timezone
         WHERE known.version < excluded.version`,
      [task.id, task.userId, taskVersion - 1, task.title, task.dueAt, task.timezone],
    )
  const completes = action === 'COMPLETED' ? task.recurrence : null
  await tx.query('INSERT INTO reapplied (task_id, version, completes, position, payload) VALUES ($1, $2, $3, $4, $5)', [
    task.id,
    taskVersion,
    completes?.seriesId ?? null,
    completes?.count ?? null,
    JSON.stringify(event),
  ])
}

const stateAfter: Readonly<Partial<Record<ReminderAction, string>>> = {
  SCHEDULED: 'pending',
  TRIGGERED: 'fired',
  CANCELLED: 'cancelled',
}

/** A reminder of a task whose user is not here, and so whose task is not, is passed over. */
const applyReminder = async (tx: Transaction, data: ReminderEventData, correlationId: string): Promise<void> => {
  const state = stateAfter[data.action]
  if (state === undefined) return
  await tx.query(
    `INSERT INTO reminder_tasks (task_id, user_id, version, title, due_at, timezone)
     SELECT id, user_id, 1, title, due_at, timezone FROM tasks WHERE id = $1 ON CONFLICT DO NOTHING`,
    [data.taskId],
  )
  await tx.query(
    `INSERT INTO reminders AS known (id, task_id, user_id, scheduled_for, state, fired_at, correlation_id)
     SELECT $1, task_id, user_id, $3, $4, $5, $6 FROM reminder_tasks WHERE task_id = $2
     ON CONFLICT (id) DO UPDATE SET scheduled_for = excluded.scheduled_for, state = excluded.state,
       fired_at = excluded.fired_at, correlation_id = excluded.correlation_id`,
    [
      data.reminderId,
      data.taskId,
      data.scheduledFor,
      state,
      state === 'fired' ? (data.firedAt ?? null) : null,
      correlationId,
    ],
  )
}

/** In the order in which they happened, which is the order of each task's versions. */
const redeliver = async (tx: Transaction): Promise<void> => {
  for (let after = 0; ;) {
    const { rows } = await tx.query<{ n: number; payload: CloudEvent<TaskEventData> }>(
      `SELECT n, payload FROM reapplied r WHERE n > $1 AND (
         NOT EXISTS (SELECT FROM reapplied later WHERE later.task_id = r.task_id AND later.version > r.version)
         OR completes IS NOT NULL AND NOT EXISTS (
           SELECT FROM series_instances s WHERE s.series_id = r.completes AND s.position = r.position + 1))
       ORDER BY n LIMIT ${page}`,
      [after],
    )
    for (const { payload } of rows) await appendAgain(tx, payload)
    const last = rows.at(-1)
    if (last === undefined || rows.length < page) return
    after = last.n
  }
}

const appendAgain = (tx: Transaction, event: CloudEvent<TaskEventData>): Promise<unknown> =>
  tx.query(
    `INSERT INTO outbox (event_id, shard, topic, key, type, payload, traceparent, producer)
     SELECT $1::uuid, $2, 'taskEvents', $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT FROM outbox WHERE event_id = $1::uuid)`,
    [
      event.id,
      shardOf(event.data.userId),
      event.data.userId,
      event.type,
      JSON.stringify(event),
      event.traceparent ?? null,
      event.source.replace('/services/', ''),
    ],
  )
