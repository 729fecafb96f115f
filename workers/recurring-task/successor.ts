import { moveAlong } from '../lib/recurrence/index.ts'
import type { NextInstance } from '../lib/recurrence/index.ts'
import type { Reminder, Task, TaskRecurrence } from '../lib/task/task.ts'
import { uuidv5 } from '../lib/uuid.ts'

/** A task that belongs to a series. */
export type RecurringTask = Task & { recurrence: TaskRecurrence }

/** True for a task with a recurrence. */
export function isRecurring(task: Task): task is RecurringTask {
  return task.recurrence !== null
}

/**
 * The next instance of a completed task: what the user wrote is copied, what happened to the old instance is not. Every id
 * in it is derived (UUIDv5 of series and slot), so that all attempts to make it make the same one. `now` is RFC 3339 UTC.
 */
export function successorOf(task: RecurringTask, next: NextInstance, now: string): RecurringTask {
  const { recurrence } = task
  const id = uuidv5(recurrence.seriesId, next.local)
  return {
    ...task,
    id,
    status: 'open',
    completedAt: null,
    dueAt: next.instant,
    recurrence: { ...recurrence, recurrenceId: next.local, count: next.position },
    reminders: task.reminders.map((reminder) => carriedOver(reminder, task, next, id)),
    version: 1,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
    source: 'recurrence',
  }
}

/** Relative reminders keep their offset; an absolute one keeps its wall-clock distance to the due time ("the evening before at 20:00"). */
function carriedOver(reminder: Reminder, task: RecurringTask, next: NextInstance, nextTaskId: string): Reminder {
  const id = uuidv5(nextTaskId, reminder.id)
  if (reminder.type === 'relative') return { ...reminder, id }
  const from = task.dueAt ?? task.recurrence.recurrenceId
  return { ...reminder, id, at: moveAlong(reminder.at, { from, to: next.local, zone: task.timezone }) }
}
