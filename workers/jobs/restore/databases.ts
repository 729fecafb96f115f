/**
 * The databases of a restore and their names. Beside the live one (`todo`) a restore makes `todo_restore_<uid8>`; the switch renames the live
 * one to `todo_before_<uid8>` and the restored one to `todo`, both in one transaction, so there is no moment with half of it. A comment on a
 * database says what it is, which makes every step safe to repeat: it travels with the database when that is renamed.
 *
 *     beside: no comment (being filled) → "restored <uid> <time>" (verified)        live: the same = switched already
 */
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Logger } from '../../lib/logger.ts'
import { createDatabase } from '../../lib/postgres.ts'
import type { Database, Queryable } from '../../lib/postgres.ts'
import { StorageError } from '../../lib/postgres-errors.ts'
import { RestoreError } from './errors.ts'

/** Longest name PostgreSQL keeps whole. */
const maxNameLength = 63

/** Names of the databases of one restore. */
export interface DatabaseNames {
  readonly live: string
  readonly beside: string
  readonly before: string
}

/** @param uri of the live database @param uid of the Restore @throws RestoreError NameTooLong */
export const databaseNames = (uri: string, uid: string): DatabaseNames => {
  const live = decodeURIComponent(new URL(uri).pathname.slice(1))
  const names = { live, beside: `${live}_restore_${uid.slice(0, 8)}`, before: `${live}_before_${uid.slice(0, 8)}` }
  if (names.beside.length > maxNameLength)
    throw new RestoreError('NameTooLong', `the database beside ${live} would be called ${names.beside}`)
  return names
}

/** The same server and role, another database. */
export const uriOf = (uri: string, database: string): string => {
  const url = new URL(uri)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}

/** Role of a connection string. */
export const roleOf = (uri: string): string => decodeURIComponent(new URL(uri).username)

/** A small pool on one database of the server. Restoring and verifying have no limit per statement but the step's own deadline. */
export const openDatabase = (
  uri: string,
  database: string,
  { service, logger }: { readonly service: string; readonly logger: Logger },
): Database =>
  createDatabase({
    uri: uriOf(uri, database),
    applicationName: service,
    pool: { min: 0, max: 2 },
    statementTimeout: 3_600_000,
    slowQueryThreshold: 3_600_000,
    logger,
  })

/** The database every server has, from which others are made and renamed. @throws RestoreError DatabaseNotReachable */
export const openMaintenance = async (
  uri: string,
  tools: { readonly service: string; readonly logger: Logger },
): Promise<Database> => {
  const database = openDatabase(uri, 'postgres', tools)
  try {
    await database.ping()
    return database
  } catch (error) {
    await database.close()
    // A server that is away is tried again; one that refuses is not.
    if (error instanceof StorageError && error.connectionLost) throw error
    throw new RestoreError('DatabaseNotReachable', `the database postgres refuses ${roleOf(uri)}: ${String(error)}`, {
      cause: error,
    })
  }
}

/** Whether a database has these tables: one that was lost and made anew has none before its migrations. */
export const hasTables = async (db: Queryable, ...tables: readonly string[]): Promise<boolean> => {
  const { rows } = await db.query<{ there: boolean }>(
    `SELECT bool_and(to_regclass('public.' || name) IS NOT NULL) AS there FROM unnest($1::text[]) name`,
    [tables],
  )
  return rows[0]?.there === true
}

/** What is known of one database; undefined: it does not exist. */
export const findDatabase = async (
  db: Queryable,
  name: string,
): Promise<{ readonly comment: string; readonly owned: boolean } | undefined> => {
  const { rows } = await db.query<{ comment: string | null; owned: boolean }>(
    `SELECT shobj_description(oid, 'pg_database') AS comment, pg_has_role(datdba, 'USAGE') AS owned
     FROM pg_database WHERE datname = $1`,
    [name],
  )
  const [row] = rows
  return row === undefined ? undefined : { comment: row.comment ?? '', owned: row.owned }
}

const restoredMark = (uid: string): string => `restored ${uid}`

/** Whether a database holds what this restore made, verified. */
export const isRestored = async (db: Queryable, name: string, uid: string): Promise<boolean> =>
  (await findDatabase(db, name))?.comment.startsWith(restoredMark(uid)) === true

/** Marks a database as verified. */
export const markRestored = async (db: Queryable, name: string, uid: string, now: Date): Promise<void> => {
  const mark = `${restoredMark(uid)} ${now.toISOString()}`
  await db.query(`COMMENT ON DATABASE ${escapeIdentifier(name)} IS ${escapeLiteral(mark)}`)
}

/** When the restore that a database came from had filled it; undefined: it came from none. */
export const replacedAt = async (db: Queryable, name: string): Promise<Date | undefined> => {
  const time = /^restored \S+ (\S+)$/.exec((await findDatabase(db, name))?.comment ?? '')?.[1]
  return time === undefined ? undefined : new Date(time)
}

/** Makes an empty database, over one that an earlier try left. */
export const createEmpty = async (db: Queryable, name: string): Promise<void> => {
  await dropDatabase(db, name)
  await db.query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`)
}

/** Removes a database with whoever is connected to it; nothing when there is none. */
export const dropDatabase = async (db: Queryable, name: string): Promise<void> => {
  await db.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`)
}

/** Databases that earlier restores of the same live one have kept. */
export const keptDatabases = async (db: Queryable, live: string): Promise<readonly string[]> => {
  const { rows } = await db.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE datname ~ ('^' || $1 || '_before_[0-9a-f]{8}$') ORDER BY 1`,
    [live.replace(/[^A-Za-z0-9_]/g, '\\$&')],
  )
  return rows.map(({ name }) => name)
}
