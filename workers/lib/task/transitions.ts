import type { Task } from './task.ts'

/**
 * The state changes of a task, as pure functions. A change that would change nothing returns the very same object: the store
 * then writes no row and no event, so completing a completed task twice stays one event.
 */

/** Marks it done at `now` (RFC 3339 UTC). */
export function completeTask(task: Task, now: string): Task {
  return task.status === 'completed' ? task : { ...task, status: 'completed', completedAt: now }
}

/** Makes it open again; a successor that recurrence already made stays. */
export function reopenTask(task: Task): Task {
  return task.status === 'open' ? task : { ...task, status: 'open', completedAt: null }
}

/** Soft deletion: the row stays for the audit trail and for undo, no read returns it. */
export function deleteTask(task: Task, now: string): Task {
  return task.deletedAt === null ? { ...task, deletedAt: now } : task
}
