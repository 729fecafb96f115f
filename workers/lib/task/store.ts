/**
 * The only writer of tasks. Each change of a task and its event are one transaction: the caller opens it, this module writes
 * the row and appends the event to the outbox through the same connection, and the caller commits or rolls back both.
 *
 * Invariants
 * - One committed change = one version = one event. A change that changes nothing writes neither.
 * - Changes of one task are serialised by its row lock, so the events of a task are appended in the order of its versions.
 * - Position n + 1 of a series is inserted at most once, whoever tries and however often ({@link insertNextInstance}).
 * Failure modes: a lost connection or a timeout rolls back everything; a caller that retries meets the idempotency key (HTTP)
 * or the inbox (events). Proof: workers/test/task-store.integration.test.ts.
 */
import { appendEvent } from '../outbox.ts'
import type { Queryable, Transaction } from '../postgres.ts'
import { diffTasks } from './changes.ts'
import { TaskNotFound, TaskVersionMismatch } from './errors.ts'
import { TASK_EVENT_SCHEMA, taskEventData, taskEventTypes } from './event.ts'
import type { Actor, TaskAction, TaskChanges } from './event.ts'
import { taskColumns, taskFromRow, taskValues } from './row.ts'
import type { Task } from './task.ts'

/** Why a change is made and by whom; it goes into the event. */
export interface ChangeCause {
  actor: Actor
  correlationId: string
  /** Id of the event that led to this change. */
  causationId?: string
  /** W3C trace context to continue across Kafka. */
  traceparent?: string
  /** Dapr app id of the writing program; becomes the event's source. */
  producer: string
  /** RFC 3339 UTC; becomes updatedAt and the time of the event. */
  now: string
}

/** One task of one user; `expectedVersions` comes from If-Match: the change is made only at one of them. */
export interface TaskAddress {
  userId: string
  taskId: string
  expectedVersions?: readonly number[]
}

/** The state after a change, and whether anything was written. */
export interface ChangedTask {
  task: Task
  changed: boolean
}

/** The task, unless it is unknown, deleted or another user's: then {@link TaskNotFound}. */
export async function readTask(db: Queryable, userId: string, taskId: string): Promise<Task> {
  const { rows } = await db.query(
    `SELECT ${taskColumns} FROM tasks WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL`,
    [taskId, userId],
  )
  const row = rows[0]
  if (!row) throw new TaskNotFound(taskId)
  return taskFromRow(row)
}

/** Stores a new task (version 1) with its CREATED event; a task with a recurrence opens its series and takes its first slot. */
export async function insertTask(tx: Transaction, task: Task, cause: ChangeCause): Promise<Task> {
  if (task.recurrence) await openSeries(tx, task, cause.now)
  await insertRow(tx, task)
  await append(tx, 'CREATED', task, diffTasks(undefined, task), cause)
  return task
}

/**
 * Stores the successor of a completed instance of an existing series, or returns undefined when its slot or its position is
 * already taken: a redelivered event, a second worker, or a task that was reopened and completed again.
 */
export async function insertNextInstance(tx: Transaction, task: Task, cause: ChangeCause): Promise<Task | undefined> {
  if (!task.recurrence) throw new TypeError('insertNextInstance needs a task that belongs to a series')
  if (!(await takeSlot(tx, task, cause.now))) return undefined
  await insertRow(tx, task)
  await append(tx, 'CREATED', task, diffTasks(undefined, task), cause)
  return task
}

/**
 * Locks the task, applies `change` to it and stores the result as the next version with one event of `action`.
 * @throws {TaskNotFound} unknown, deleted or another user's
 * @throws {TaskVersionMismatch} none of `expectedVersions` is the current one
 */
export async function changeTask(
  tx: Transaction,
  address: TaskAddress,
  action: Exclude<TaskAction, 'CREATED'>,
  change: (task: Task) => Task,
  cause: ChangeCause,
): Promise<ChangedTask> {
  const { rows } = await tx.query(
    `SELECT ${taskColumns} FROM tasks WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [address.taskId, address.userId],
  )
  const row = rows[0]
  if (!row) throw new TaskNotFound(address.taskId)
  const before = taskFromRow(row)
  if (address.expectedVersions && !address.expectedVersions.includes(before.version)) {
    throw new TaskVersionMismatch(before.id, before.version)
  }
  const wanted = change(before)
  const changes = diffTasks(before, wanted)
  if (Object.keys(changes).length === 0) return { task: before, changed: false }
  const after: Task = { ...wanted, version: before.version + 1, updatedAt: cause.now }
  if (after.recurrence && after.recurrence.seriesId !== before.recurrence?.seriesId)
    await openSeries(tx, after, cause.now)
  await updateRow(tx, after)
  await append(tx, action, after, changes, cause)
  return { task: after, changed: true }
}

/**
 * Writes a task as an event tells of it, for a restore that goes on after its cut. The event exists already, so none is appended. A version
 * that is not higher than the stored one changes nothing, but a series or a slot it tells of is taken all the same. `time` is that of the event.
 */
export async function takeOverTask(tx: Transaction, task: Task, time: string): Promise<void> {
  if (task.recurrence) await openSeries(tx, task, time, 'ON CONFLICT DO NOTHING')
  const { values, places } = rowOf(task)
  await tx.query(
    `INSERT INTO tasks AS known (${taskColumns}, series_id) VALUES (${places})
     ON CONFLICT (id) DO UPDATE SET (${taskColumns}, series_id) = (${places}) WHERE known.version < excluded.version`,
    values,
  )
}

async function openSeries(
  tx: Transaction,
  task: Task,
  now: string,
  onConflict: '' | 'ON CONFLICT DO NOTHING' = '',
): Promise<void> {
  const { recurrence } = task
  if (!recurrence) return
  await tx.query(
    `INSERT INTO recurrence_series (id, user_id, rrule, anchor, dtstart_local, timezone, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ${onConflict}`,
    [
      recurrence.seriesId,
      task.userId,
      recurrence.rrule,
      recurrence.anchor,
      recurrence.recurrenceId,
      task.timezone,
      now,
    ],
  )
  await takeSlot(tx, task, now)
}

/** False when the slot, the position or the task's id exists; a concurrent attempt waits here for the other's commit or rollback. */
async function takeSlot(tx: Transaction, task: Task, now: string): Promise<boolean> {
  const { recurrence } = task
  if (!recurrence) return false
  const { rowCount } = await tx.query(
    `INSERT INTO series_instances (series_id, recurrence_id, position, task_id, created_at)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    [recurrence.seriesId, recurrence.recurrenceId, recurrence.count, task.id, now],
  )
  return rowCount === 1
}

/** What stands for `${taskColumns}, series_id` in a statement whose only parameters these are. */
function rowOf(task: Task): { readonly values: readonly unknown[]; readonly places: string } {
  const values = [...taskValues(task), task.recurrence?.seriesId ?? null]
  return { values, places: values.map((_, index) => `$${index + 1}`).join(', ') }
}

async function insertRow(tx: Transaction, task: Task): Promise<void> {
  const { values, places } = rowOf(task)
  await tx.query(`INSERT INTO tasks (${taskColumns}, series_id) VALUES (${places})`, values)
}

async function updateRow(tx: Transaction, task: Task): Promise<void> {
  const { values, places } = rowOf(task)
  await tx.query(`UPDATE tasks SET (${taskColumns}, series_id) = (${places}) WHERE id = $1`, values)
}

async function append(
  tx: Transaction,
  action: TaskAction,
  task: Task,
  changes: TaskChanges,
  cause: ChangeCause,
): Promise<void> {
  await appendEvent(tx, {
    topic: 'taskEvents',
    key: task.userId,
    type: taskEventTypes[action],
    subject: task.id,
    dataschema: TASK_EVENT_SCHEMA,
    data: taskEventData(action, task, changes, cause),
    correlationId: cause.correlationId,
    ...(cause.causationId === undefined ? {} : { causationId: cause.causationId }),
    ...(cause.traceparent === undefined ? {} : { traceparent: cause.traceparent }),
    producer: cause.producer,
    time: cause.now,
  })
}
