import { escapeIdentifier } from 'pg'
import type { Database } from '../../lib/postgres.ts'
import { StorageError } from '../../lib/postgres-errors.ts'
import type { DatabaseNames } from './databases.ts'
import { findDatabase, isRestored } from './databases.ts'
import { RestoreError } from './errors.ts'

/** SQLSTATE object_in_use: somebody is connected to a database that is to be renamed. */
const objectInUse = '55006'

/** What switching works with. */
export interface Switching {
  /** On the maintenance database. */
  readonly maintenance: Database
  readonly names: DatabaseNames
  readonly uid: string
  /** How long sessions may take to end, ms. */
  readonly waitTimeout: number
  readonly pause: (ms: number) => Promise<void>
}

/** Puts the restored database in the place of the live one; nothing when that is done. @throws RestoreError StillConnected, NotAsWritten */
export const switchDatabases = async (switching: Switching): Promise<'switched' | 'already'> => {
  const { maintenance, names, uid } = switching
  if (await isRestored(maintenance, names.live, uid)) return 'already'
  if (!(await isRestored(maintenance, names.beside, uid)))
    throw new RestoreError('NotAsWritten', `the database ${names.beside} does not exist or was not verified`)
  const live = await findDatabase(maintenance, names.live)
  const renames = live === undefined ? [] : [[names.live, names.before] as const]
  await renameAll(switching, [...renames, [names.beside, names.live]])
  return 'switched'
}

/** Puts the database as it was before back; nothing when it never was replaced. The restored one is beside again. */
export const switchBack = async (switching: Switching): Promise<'switched' | 'never was'> => {
  const { maintenance, names, uid } = switching
  if (!(await isRestored(maintenance, names.live, uid))) return 'never was'
  const before = await findDatabase(maintenance, names.before)
  const renames = before === undefined ? [] : [[names.before, names.live] as const]
  await renameAll(switching, [[names.live, names.beside], ...renames])
  return 'switched'
}

/** All renames or none. Sessions are ended where the role may do that, and waited for where it may not. */
const renameAll = async (
  { maintenance, waitTimeout, pause }: Switching,
  renames: readonly (readonly [from: string, to: string])[],
): Promise<void> => {
  const deadline = Date.now() + waitTimeout
  const databases = renames.map(([from]) => from)
  for (;;) {
    await endSessions(maintenance, databases)
    try {
      await maintenance.transaction(
        async (tx) => {
          for (const [from, to] of renames)
            await tx.query(`ALTER DATABASE ${escapeIdentifier(from)} RENAME TO ${escapeIdentifier(to)}`)
        },
        { attempts: 1 },
      )
      return
    } catch (error) {
      const busy = error instanceof StorageError && error.sqlState === objectInUse
      if (!busy) throw error
      if (Date.now() > deadline)
        throw new RestoreError('StillConnected', `sessions do not end: ${await sessionsOn(maintenance, databases)}`, {
          cause: error,
        })
    }
    await pause(500)
  }
}

/** Ends what this role may end: its own sessions, those of roles it belongs to, and any with pg_signal_backend. */
const endSessions = async (db: Database, databases: readonly string[]): Promise<void> => {
  await db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = ANY($1::text[]) AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
       AND NOT coalesce((SELECT rolsuper FROM pg_roles WHERE oid = usesysid), true)
       AND (pg_has_role(usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER'))`,
    [databases],
  )
}

const sessionsOn = async (db: Database, databases: readonly string[]): Promise<string> => {
  const { rows } = await db.query<{ who: string }>(
    `SELECT coalesce(usename, backend_type) || ' (' || coalesce(nullif(application_name, ''), 'no name') || ', ' || coalesce(host(client_addr), 'local') || ')' AS who
     FROM pg_stat_activity WHERE datname = ANY($1::text[]) ORDER BY 1 LIMIT 5`,
    [databases],
  )
  return rows.map(({ who }) => who).join(', ')
}
