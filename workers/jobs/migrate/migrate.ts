import type { Logger } from '../../lib/logger.ts'
import type { Session } from '../../lib/postgres.ts'
import { StorageError } from '../../lib/postgres-errors.ts'
import { MigrationError, pendingMigrations } from './files.ts'
import type { Applied, Migration } from './files.ts'
import { applyGrants } from './grants.ts'

/** What a run needs. Durations in milliseconds. */
export interface MigrateOptions {
  /** A dedicated connection as the owner of the schema; the lock lives in it. */
  readonly session: Session
  readonly migrations: readonly Migration[]
  /** Role to grant to; undefined or the owner itself: nothing to grant. */
  readonly appRole: string | undefined
  readonly lockTimeout: number
  /** How long to wait for another run to end. */
  readonly waitTimeout: number
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** "todochat" in ASCII: one number for everybody who migrates a database of ours. */
const migrationLock = '0x746f646f63686174'
/** SQLSTATE lock_not_available: a worker of the previous version holds the table; it will let go. */
const lockNotAvailable = '55P03'
const lockAttempts = 10

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    const stop = (): void => {
      clearTimeout(timer)
      reject(new MigrationError('stopped before it was done; run it again'))
    }
    signal.addEventListener('abort', stop, { once: true })
  })

const lock = async ({ session, waitTimeout, logger, signal }: MigrateOptions): Promise<void> => {
  const deadline = Date.now() + waitTimeout
  for (let told = false; ; told = true) {
    const { rows } = await session.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_lock(('x' || substr($1, 3))::bit(64)::bigint) AS locked`,
      [migrationLock],
    )
    if (rows[0]?.locked === true) return
    if (!told) logger.info('another migration is running; waiting for it')
    if (Date.now() > deadline) {
      throw new MigrationError(
        `another migration still holds the lock after ${waitTimeout} ms; look for it in pg_locks (locktype advisory)`,
      )
    }
    await pause(200, signal)
  }
}

const inTransaction = async (session: Session, work: () => Promise<void>): Promise<void> => {
  await session.query('BEGIN')
  try {
    await work()
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

const apply = async (migration: Migration, { session, logger, signal }: MigrateOptions): Promise<void> => {
  const { version, name, sql, checksum } = migration
  for (let attempt = 1; ; attempt += 1) {
    const started = performance.now()
    try {
      await inTransaction(session, async () => {
        await session.query(sql)
        await session.query('INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)', [
          version,
          name,
          checksum,
        ])
      })
      logger.info({ version, name, durationMs: Math.round(performance.now() - started) }, 'migration applied')
      return
    } catch (error) {
      const busy = error instanceof StorageError && error.sqlState === lockNotAvailable
      if (busy && attempt < lockAttempts) {
        logger.warn({ version, name, attempt }, 'a table is in use; trying again')
        await pause(500 * attempt, signal)
        continue
      }
      const reason = error instanceof Error ? error.message : String(error)
      throw new MigrationError(`migration ${version} (${name}) failed and changed nothing: ${reason}`, { cause: error })
    }
  }
}

/**
 * Brings the schema up to date and grants the workers' role. Safe to run twice and at the same time: the advisory lock lets
 * one run at a time, each file is one transaction, and a file that was applied is never applied or accepted changed again.
 * Resolves to the names of the files applied now. Rejects with {@link MigrationError}.
 */
export const migrate = async (options: MigrateOptions): Promise<string[]> => {
  const { session, migrations, appRole, logger } = options
  await session.query(`SET lock_timeout = ${options.lockTimeout}`)
  await lock(options)
  await session.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`)
  const { rows: applied } = await session.query<Applied>('SELECT version, name, checksum FROM schema_migrations')
  const pending = pendingMigrations(migrations, applied)
  const ahead = applied.filter(({ version }) => version > migrations.length).length
  if (ahead > 0) logger.warn({ ahead }, 'the database is newer than this version; its schema is left as it is')
  for (const migration of pending) await apply(migration, options)

  const { rows: owner } = await session.query<{ name: string }>('SELECT current_user AS name')
  if (appRole !== undefined && appRole !== owner[0]?.name) {
    await inTransaction(session, () => applyGrants(session, appRole))
    logger.info({ role: appRole }, 'grants applied')
  }
  return pending.map(({ name }) => name)
}
