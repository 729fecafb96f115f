import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { startPostgres } from '../../../hack/cluster/index.ts'
import type { PostgresServer } from '../../../hack/cluster/index.ts'
import { readMigrations } from '../../jobs/migrate/files.ts'
import { migrate } from '../../jobs/migrate/migrate.ts'
import { createDatabase } from '../../lib/postgres.ts'
import type { Database } from '../../lib/postgres.ts'

/** Where the product's migrations are. */
export const migrationsDirectory = fileURLToPath(new URL('../../migrations', import.meta.url))

/** A logger for code under test; set LOG=debug to read along. */
export const testLogger = pino({ level: 'silent' })

/** A pool as the workers have it, over any role's URL. */
export const openDatabase = (uri: string, statementTimeout = 20_000): Database =>
  createDatabase({
    uri,
    applicationName: 'test',
    pool: { min: 0, max: 10 },
    statementTimeout,
    slowQueryThreshold: 60_000,
    logger: testLogger,
  })

/** SHA-256 over the ordered rows of these tables. */
export const checksumOf = async (uri: string, tables: readonly string[]): Promise<string> => {
  const database = openDatabase(uri)
  try {
    const hash = createHash('sha256')
    for (const table of tables)
      hash.update(JSON.stringify((await database.query(`SELECT t::text FROM ${table} t ORDER BY 1`)).rows))
    return hash.digest('hex')
  } finally {
    await database.close()
  }
}

/** Runs all migrations as the owner and grants the workers' role. */
export const migrateDatabase = async (ownerUrl: string): Promise<string[]> => {
  const database = openDatabase(ownerUrl)
  const session = await database.session('migrate')
  try {
    return await migrate({
      session,
      migrations: await readMigrations(migrationsDirectory),
      appRole: 'todo_app',
      lockTimeout: 5_000,
      waitTimeout: 20_000,
      logger: testLogger,
      signal: new AbortController().signal,
    })
  } finally {
    await session.end()
    await database.close()
  }
}

/** A server of its own with the schema in place, and a pool in the workers' role. */
export interface MigratedDatabase {
  readonly server: PostgresServer
  readonly database: Database
  stop(): Promise<void>
}

/** Starts PostgreSQL, migrates it and connects as `todo_app`; some three seconds. */
export const startMigratedDatabase = async (): Promise<MigratedDatabase> => {
  const server = await startPostgres()
  await migrateDatabase(server.ownerUrl)
  const database = openDatabase(server.url)
  return {
    server,
    database,
    stop: async () => {
      await database.close()
      await server.stop()
    },
  }
}
