import type { Queryable } from '../../lib/postgres.ts'
import { taskColumns, taskFromRow } from '../../lib/task/row.ts'
import type { Task } from '../../lib/task/task.ts'
import type { TaskVerb } from './command.ts'

/** What a title search found. `certain` is false for look-alikes, which are offered and never acted on. */
export interface TitleMatches {
  readonly tasks: Task[]
  readonly certain: boolean
}

/** More than this many are not offered as choices; one more is read to know that there are more. */
export const mostChoices = 9

/** The tasks a verb can act on: open ones to complete, completed ones to reopen, any to delete. */
const scope: Readonly<Record<TaskVerb, string>> = {
  complete: `AND status = 'open'`,
  reopen: `AND status = 'completed'`,
  delete: '',
}

/** How many of a user's newest titles are compared letter by letter when no title contains the words. */
const comparedTitles = 500

/** Tasks by id that are still there, in the order of `ids`. */
export async function tasksByIds(db: Queryable, userId: string, ids: readonly string[]): Promise<Task[]> {
  const { rows } = await db.query(
    `SELECT ${taskColumns} FROM tasks WHERE user_id = $1 AND deleted_at IS NULL AND id = ANY ($2::uuid[])`,
    [userId, ids],
  )
  const found = new Map(rows.map((row) => [String(row['id']), taskFromRow(row)]))
  return ids.flatMap((id) => found.get(id) ?? [])
}

/** Tasks whose id starts with the digits given. */
export async function tasksByIdPrefix(db: Queryable, userId: string, prefix: string): Promise<Task[]> {
  const { rows } = await db.query(
    `SELECT ${taskColumns} FROM tasks WHERE user_id = $1 AND deleted_at IS NULL AND id::text LIKE $2 ORDER BY id LIMIT $3`,
    [userId, `${prefix}%`, mostChoices + 1],
  )
  return rows.map(taskFromRow)
}

/** Everything a verb can act on, at most 200. */
export async function allTasks(db: Queryable, userId: string, verb: TaskVerb): Promise<Task[]> {
  const { rows } = await db.query(
    `SELECT ${taskColumns} FROM tasks WHERE user_id = $1 AND deleted_at IS NULL ${verb === 'delete' ? `AND status = 'open'` : scope[verb]}
     ORDER BY created_at DESC, id DESC LIMIT 201`,
    [userId],
  )
  return rows.map(taskFromRow)
}

/**
 * Tasks by title: the very title (ignoring case), else titles that contain every word, else titles spelled alike. `exact`
 * stops after the first step, for what the user put in quotes.
 */
export async function tasksByTitle(
  db: Queryable,
  { userId, verb, title, exact }: { userId: string; verb: TaskVerb; title: string; exact: boolean },
): Promise<TitleMatches> {
  const select = (condition: string, value: unknown): Promise<Task[]> =>
    db
      .query(
        `SELECT ${taskColumns} FROM tasks WHERE user_id = $1 AND deleted_at IS NULL ${scope[verb]} AND ${condition}
         ORDER BY created_at DESC, id DESC LIMIT $3`,
        [userId, value, mostChoices + 1],
      )
      .then(({ rows }) => rows.map(taskFromRow))
  const same = await select('lower(title) = lower($2)', title)
  if (same.length > 0 || exact) return { tasks: same, certain: true }
  const patterns = title.split(/\s+/).map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`)
  const containing = await select('title ILIKE ALL ($2::text[])', patterns)
  if (containing.length > 0) return { tasks: containing, certain: true }
  const { rows } = await db.query<{ id: string; title: string }>(
    `SELECT id, title FROM tasks WHERE user_id = $1 AND deleted_at IS NULL ${scope[verb]}
     ORDER BY created_at DESC, id DESC LIMIT $2`,
    [userId, comparedTitles],
  )
  const alike = rows
    .map((row) => ({ id: row.id, likeness: likeness(row.title, title) }))
    .filter((row) => row.likeness >= 0.5)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, 5)
  return {
    tasks: await tasksByIds(
      db,
      userId,
      alike.map(({ id }) => id),
    ),
    certain: false,
  }
}

/** Sørensen–Dice coefficient of the letter pairs of two texts: 1 for equal ones, 0 for nothing in common. */
export function likeness(a: string, b: string): number {
  const pairs = (text: string): string[] => {
    const letters = Array.from(text.toLowerCase().replace(/\s+/g, ' '))
    return letters.slice(1).map((letter, index) => `${letters[index] ?? ''}${letter}`)
  }
  const left = pairs(a)
  const right = pairs(b)
  const rest = [...right]
  let shared = 0
  for (const pair of left) {
    const index = rest.indexOf(pair)
    if (index < 0) continue
    shared += 1
    rest.splice(index, 1)
  }
  return left.length + right.length === 0 ? 0 : (2 * shared) / (left.length + right.length)
}
