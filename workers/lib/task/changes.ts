import { isDeepStrictEqual } from 'node:util'
import type { TaskChanges } from './event.ts'
import type { Task } from './task.ts'

/** Bookkeeping that changes with every write and says nothing a user did. */
const bookkeeping: ReadonlySet<string> = new Set(['version', 'updatedAt'])

/**
 * The fields that differ between two states of one task, with both values. `before` is undefined for a creation: then every
 * field that is set appears with `old: null`. Applying the new values to `before` gives `after` (property-tested).
 */
export function diffTasks(before: Task | undefined, after: Task): TaskChanges {
  const changes: TaskChanges = {}
  for (const [field, next] of Object.entries(after)) {
    if (bookkeeping.has(field)) continue
    const previous = before ? before[field as keyof Task] : null
    if (!isDeepStrictEqual(previous, next)) changes[field] = { old: previous, new: next }
  }
  return changes
}
