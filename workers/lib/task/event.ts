import { z } from 'zod'
import { taskSchema } from './task.ts'
import type { Task } from './task.ts'

/**
 * The payload (`data`) of every event on `task-events`. It carries the whole task after the change and the fields that
 * changed, so that a consumer needs neither a read of the database nor the events before it. DELETED carries the last snapshot.
 */

/** What happened, as the audit trail names it. */
export const taskActionField = z.enum(['CREATED', 'UPDATED', 'COMPLETED', 'REOPENED', 'DELETED'])

/** See {@link taskActionField}. */
export type TaskAction = z.infer<typeof taskActionField>

/** Who did it. `id` is the user's id, or the worker's name for `recurrence` and `operator`. */
export const actorSchema = z.strictObject({
  type: z.enum(['user', 'chat', 'recurrence', 'operator']),
  id: z.string().min(1).max(128),
})

/** See {@link actorSchema}. */
export type Actor = z.infer<typeof actorSchema>

/** Old and new value of one field; `null` is "absent" on either side, so CREATED has only nulls on the left. */
export const changeSchema = z.strictObject({ old: z.json(), new: z.json() })

/** See {@link changeSchema}; keyed by the task's field name. */
export type TaskChanges = Record<string, z.infer<typeof changeSchema>>

/** `data` of a task event. */
export const taskEventDataSchema = z.strictObject({
  taskId: z.uuid(),
  userId: z.uuid(),
  action: taskActionField,
  task: taskSchema,
  changes: z.record(z.string(), changeSchema),
  taskVersion: z.int().min(1),
  actor: actorSchema,
  correlationId: z.string().min(1).max(128),
})

/** See {@link taskEventDataSchema}. */
export type TaskEventData = z.infer<typeof taskEventDataSchema>

/** CloudEvents `type` of each action. */
export const taskEventTypes = {
  CREATED: 'com.todo.task.created',
  UPDATED: 'com.todo.task.updated',
  COMPLETED: 'com.todo.task.completed',
  REOPENED: 'com.todo.task.reopened',
  DELETED: 'com.todo.task.deleted',
} as const satisfies Record<TaskAction, string>

/** CloudEvents `dataschema`; a change that old consumers cannot read gets a new number. */
export const TASK_EVENT_SCHEMA = 'urn:todochatbot:task-event:1'

/** Builds the payload for one committed change. `task` is the state after it. */
export function taskEventData(
  action: TaskAction,
  task: Task,
  changes: TaskChanges,
  cause: { actor: Actor; correlationId: string },
): TaskEventData {
  return {
    taskId: task.id,
    userId: task.userId,
    action,
    task,
    changes,
    taskVersion: task.version,
    actor: cause.actor,
    correlationId: cause.correlationId,
  }
}
