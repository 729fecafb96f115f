import { ConfigError, loadConfig, loadSecrets } from '../../lib/config.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { createLogger } from '../../lib/logger.ts'
import { createDatabase } from '../../lib/postgres.ts'
import { reportFailure } from '../../lib/termination.ts'
import { migrateConfigSchema } from './config.ts'
import { connect } from './connect.ts'
import { MigrationError, migrationsDirectory, readMigrations } from './files.ts'
import { migrate } from './migrate.ts'

const roleOf = (uri: string): string => decodeURIComponent(new URL(uri).username)

const run = async (signal: AbortSignal): Promise<void> => {
  const environment = readEnvironment()
  const config = await loadConfig(migrateConfigSchema, environment.configDirectory)
  const { databaseOwnerUri } = await loadSecrets(['databaseOwnerUri'], environment.secretsDirectory)
  const { waitTimeout, lockTimeout, statementTimeout } = config.database
  const appRole =
    config.database.appRole ?? roleOf((await loadSecrets(['databaseUri'], environment.secretsDirectory)).databaseUri)
  const { service, system, version, logLevel: level } = config
  const logger = createLogger({ service, system, version, level, pod: environment.podName })
  const migrations = await readMigrations(migrationsDirectory())
  const database = createDatabase({
    uri: databaseOwnerUri,
    applicationName: service,
    pool: { min: 0, max: 1 },
    statementTimeout,
    slowQueryThreshold: statementTimeout,
    logger,
  })
  const session = await connect(database, { waitTimeout, logger, signal })
  try {
    const applied = await migrate({ session, migrations, appRole, lockTimeout, waitTimeout, logger, signal })
    logger.info({ applied, version: migrations.length }, 'the schema is up to date')
  } finally {
    await session.end()
    await database.close()
  }
}

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())
try {
  await run(stop.signal)
} catch (error) {
  const known = error instanceof MigrationError || error instanceof ConfigError
  reportFailure(known ? error.message : `the migration failed: ${String(error)}`)
  process.exitCode = 1
}
