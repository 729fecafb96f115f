import { taskSchema } from './task.ts'
import type { Task } from './task.ts'

/** The columns {@link taskFromRow} reads, in one place so that every query of tasks selects the same. */
export const taskColumns = `id, user_id, title, description, status, completed_at, priority, tags, due_at, timezone, recurrence,
  reminders, version, created_at, updated_at, deleted_at, source`

/** A row of `tasks` as a Task. Throws a ZodError when the database holds what the schema forbids: better loud than spread by events. */
export function taskFromRow(row: Record<string, unknown>): Task {
  return taskSchema.parse({
    id: row['id'],
    userId: row['user_id'],
    title: row['title'],
    description: row['description'],
    status: row['status'],
    completedAt: instant(row['completed_at']),
    priority: row['priority'],
    tags: row['tags'],
    dueAt: instant(row['due_at']),
    timezone: row['timezone'],
    recurrence: row['recurrence'],
    reminders: row['reminders'],
    version: row['version'],
    createdAt: instant(row['created_at']),
    updatedAt: instant(row['updated_at']),
    deletedAt: instant(row['deleted_at']),
    source: row['source'],
  })
}

/** The values of {@link taskColumns} in its order; jsonb is passed as text because pg would send a JavaScript array as a PostgreSQL one. */
export function taskValues(task: Task): unknown[] {
  return [
    task.id,
    task.userId,
    task.title,
    task.description,
    task.status,
    task.completedAt,
    task.priority,
    task.tags,
    task.dueAt,
    task.timezone,
    task.recurrence === null ? null : JSON.stringify(task.recurrence),
    JSON.stringify(task.reminders),
    task.version,
    task.createdAt,
    task.updatedAt,
    task.deletedAt,
    task.source,
  ]
}

/** pg gives timestamptz as Date; anything else is left for the schema to refuse. */
function instant(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value
}
