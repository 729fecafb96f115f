/**
 * What the database says of itself, for the operator's routine checks: plain SQL over PostgreSQL's own views, in the workers' role. Nothing here
 * reads rows of users. Each question is bounded (LIMIT, an index, or a catalogue), so that asking every few minutes costs nothing noticeable.
 * Why the audit worker answers this and the operator has no connection of its own: docs/adr.
 * Proof: workers/test/audit-diagnostics.integration.test.ts.
 */
import { StorageError } from '../../lib/postgres-errors.ts'
import type { Database } from '../../lib/postgres.ts'
import { findIndexProblems } from './indexes.ts'
import type { IndexFindings } from './indexes.ts'

/** A statement that is or was slow. `statement` is its text with placeholders, cut to 200 characters; times in seconds. */
export interface SlowStatement {
  readonly statement: string
  readonly seconds: number
}

/** See the header of this file. Ages in seconds, sizes in bytes; a count that ends at {@link countLimit} means "at least". */
export interface Diagnostics {
  readonly connections: { readonly used: number; readonly limit: number }
  readonly databaseBytes: number
  /** Statements of the workers that run longer than the threshold right now. */
  readonly running: readonly SlowStatement[]
  /** The slowest by mean time, from pg_stat_statements; null where that extension is not installed. */
  readonly slowest: readonly SlowStatement[] | null
  /** Oldest open transaction of the workers, 0 when none is open. */
  readonly oldestTransaction: number
  readonly indexes: IndexFindings
  readonly outbox: { readonly pending: number; readonly oldestAge: number }
  /** Reminders whose time has passed and that have not fired. */
  readonly overdueReminders: { readonly count: number; readonly oldestAge: number }
  /** Tables whose dead rows outnumber the living ones: autovacuum does not keep up. */
  readonly bloatedTables: readonly string[]
}

/** Rows of a growing table are counted up to here. */
export const countLimit = 10_000

const one = async <Row extends object>(db: Database, text: string, values: readonly unknown[] = []): Promise<Row> => {
  const { rows } = await db.query<Row>(text, values)
  const [row] = rows
  if (row === undefined) throw new Error('a question without FROM has an answer')
  return row
}

/** Asks everything. @param slow ms from which on a statement counts as slow */
export async function diagnose(db: Database, slow: number): Promise<Diagnostics> {
  const { used, limit, bytes } = await one<{ used: number; limit: number; bytes: number }>(
    db,
    `SELECT (SELECT sum(numbackends)::int FROM pg_stat_database) AS used, current_setting('max_connections')::int AS limit,
       pg_database_size(current_database()) AS bytes`,
  )
  // Only the sessions of one's own role are told in full; these are the workers'.
  const sessions = `pg_stat_activity WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()`
  const { rows: running } = await db.query<SlowStatement>(
    `SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 200) AS statement,
       extract(epoch FROM clock_timestamp() - query_start)::float8 AS seconds
     FROM ${sessions} AND state = 'active' AND clock_timestamp() - query_start > $1 * interval '1 millisecond'
     ORDER BY 2 DESC LIMIT 5`,
    [slow],
  )
  const { oldest } = await one<{ oldest: number }>(
    db,
    `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS oldest FROM ${sessions}`,
  )
  const outbox = await one<{ pending: number; age: number }>(
    db,
    `SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT ${countLimit}) AS waiting)::int AS pending,
       coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox ORDER BY id LIMIT 1), 0)::float8 AS age`,
  )
  const overdue = await one<{ count: number; age: number }>(
    db,
    `SELECT count(*)::int AS count, coalesce(max(extract(epoch FROM clock_timestamp() - scheduled_for)), 0)::float8 AS age
     FROM (SELECT scheduled_for FROM reminders WHERE state = 'pending' AND scheduled_for < clock_timestamp()
           ORDER BY scheduled_for LIMIT ${countLimit}) AS due`,
  )
  const { rows: bloated } = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_stat_user_tables WHERE n_dead_tup > 50000 AND n_dead_tup > n_live_tup ORDER BY 1 LIMIT 10`,
  )
  return {
    connections: { used, limit },
    databaseBytes: bytes,
    running,
    slowest: await slowestStatements(db),
    oldestTransaction: oldest,
    indexes: await findIndexProblems(db),
    outbox: { pending: outbox.pending, oldestAge: outbox.age },
    overdueReminders: { count: overdue.count, oldestAge: overdue.age },
    bloatedTables: bloated.map(({ name }) => name),
  }
}

/** Not preloaded, no rights on the view, or the view in a schema that is not searched: then the answer is "not known". */
const unavailable = ['55000', '42501', '42P01']

/** From pg_stat_statements, where it is installed. */
async function slowestStatements(db: Database): Promise<readonly SlowStatement[] | null> {
  const { rowCount } = await db.query(`SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'`)
  if (rowCount === 0) return null
  try {
    const { rows } = await db.query<SlowStatement>(
      `SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 200) AS statement, (mean_exec_time / 1000)::float8 AS seconds
       FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND userid = current_user::regrole AND calls >= 20
       ORDER BY mean_exec_time DESC LIMIT 3`,
    )
    return rows
  } catch (error) {
    if (error instanceof StorageError && unavailable.includes(error.sqlState ?? '')) return null
    throw error
  }
}
