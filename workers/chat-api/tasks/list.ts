import type { Queryable } from '../../lib/postgres.ts'
import { taskColumns, taskFromRow } from '../../lib/task/row.ts'
import type { Task } from '../../lib/task/task.ts'
import { HttpProblem } from '../../lib/http-errors.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { ListQuery } from './requests.ts'

/** One page; `nextCursor` is null on the last one. */
export interface TaskPage {
  readonly items: Task[]
  readonly nextCursor: string | null
}

/** Keyset order of each sort: the SQL expression (as indexed in 0001_tasks.sql), its direction, and its value in a task. */
const orders = {
  createdAt: { expression: 'created_at', after: '<', direction: 'DESC', value: (task: Task) => task.createdAt },
  dueAt: {
    expression: `coalesce(due_at, 'infinity'::timestamptz)`,
    after: '>',
    direction: 'ASC',
    value: (task: Task) => task.dueAt,
  },
} as const

/** Lists one user's tasks that are not deleted. Every page costs the same, however far it is from the first. */
export async function listTasks(db: Queryable, userId: string, query: ListQuery): Promise<TaskPage> {
  const values: unknown[] = [userId]
  const place = (value: unknown): string => `$${values.push(value)}`
  const conditions = ['user_id = $1', 'deleted_at IS NULL']
  if (query.status !== 'all') conditions.push(`status = ${place(query.status)}`)
  if (query.priority !== undefined) conditions.push(`priority = ${place(query.priority)}`)
  if (query.tag !== undefined) conditions.push(`${place(query.tag)} = ANY (tags)`)
  if (query.dueFrom !== undefined) conditions.push(`due_at >= ${place(query.dueFrom)}`)
  if (query.dueTo !== undefined) conditions.push(`due_at < ${place(query.dueTo)}`)
  if (query.q !== undefined) conditions.push(`search @@ to_tsquery('simple', ${place(prefixQuery(query.q))})`)
  const order = orders[query.sort]
  if (query.cursor !== undefined) {
    const { value, id } = decodeCursor(query.cursor, query.sort)
    conditions.push(
      `(${order.expression}, id) ${order.after} (${place(value ?? 'infinity')}::timestamptz, ${place(id)}::uuid)`,
    )
  }
  const { rows } = await db.query(
    `SELECT ${taskColumns} FROM tasks WHERE ${conditions.join(' AND ')}
     ORDER BY ${order.expression} ${order.direction}, id ${order.direction} LIMIT ${place(query.limit + 1)}`,
    values,
  )
  const items = rows.slice(0, query.limit).map(taskFromRow)
  const last = items.at(-1)
  const nextCursor =
    rows.length > query.limit && last ? encodeCursor({ sort: query.sort, value: order.value(last), id: last.id }) : null
  return { items, nextCursor }
}

/** Every word must be there, at least as a prefix. Only letters and digits get into the query, so nothing in it is an operator. */
function prefixQuery(text: string): string {
  const words = text.normalize('NFC').match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  if (words.length === 0) {
    const message = 'must contain a letter or a digit'
    throw new HttpProblem('INVALID_INPUT', `query.q ${message}`, { errors: [{ path: 'query.q', message }] })
  }
  return words.map((word) => `'${word}':*`).join(' & ')
}
