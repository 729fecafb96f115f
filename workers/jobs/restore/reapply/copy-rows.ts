import type { Queryable, Transaction } from '../../../lib/postgres.ts'
import { hasTables } from '../databases.ts'

/** Rows of one statement. */
const page = 500
/** How much earlier than the cut, ms, is looked at as well: clocks differ. */
const margin = 60_000

/**
 * Copies rows between two databases with the same migrations: those of the time from shortly before `after` to `until` that the other one does
 * not have. A table that is not there has none.
 */
export const copyRows = async (
  from: Queryable,
  to: Transaction,
  table: 'users' | 'notifications',
  column: 'created_at' | 'fired_at',
  { after, until }: { readonly after: Date; readonly until: Date },
): Promise<void> => {
  if (!(await hasTables(from, table))) return
  const window = [new Date(after.getTime() - margin), until]
  for (let skip = 0; ; skip += page) {
    const { rows } = await from.query<{ row: unknown }>(
      `SELECT to_jsonb(t) AS row FROM ${table} t WHERE ${column} > $1 AND ${column} <= $2 ORDER BY ${column}, id LIMIT ${page} OFFSET ${skip}`,
      window,
    )
    await to.query(
      `INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb) ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows.map(({ row }) => row))],
    )
    if (rows.length < page) return
  }
}
