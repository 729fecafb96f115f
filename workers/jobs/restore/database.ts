/** The database of a backup, restored beside the live one and held against the manifest. The live one is not touched. */
import { escapeIdentifier } from 'pg'
import { verifyTrail } from '../../lib/audit-trail/verify.ts'
import type { Manifest } from '../../lib/backup/manifest.ts'
import type { Bytes } from '../../lib/backup/streams.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Database } from '../../lib/postgres.ts'
import type { Migration } from '../migrate/files.ts'
import { migrate } from '../migrate/migrate.ts'
import { createEmpty, isRestored, markRestored, openDatabase, roleOf, uriOf } from './databases.ts'
import type { DatabaseNames } from './databases.ts'
import { RestoreError } from './errors.ts'
import { pgRestore } from './pg-restore.ts'

/** What restoring works with. */
export interface RestoreDatabase {
  readonly maintenance: Database
  readonly names: DatabaseNames
  readonly uid: string
  readonly ownerUri: string
  readonly appRole: string
  readonly manifest: Manifest
  /** The dump, whose checksum is verified at its end. */
  readonly dump: () => Bytes
  /** Of the running version: a backup of an earlier one is brought up to it. */
  readonly migrations: readonly Migration[]
  /** PATH that pg_restore is looked for in. */
  readonly searchPath: string
  readonly service: string
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** Restores and verifies; nothing when an earlier pod has. @throws RestoreError NotAsWritten */
export const restoreDatabase = async (options: RestoreDatabase): Promise<void> => {
  const { maintenance, names, uid, ownerUri, appRole, manifest, migrations, logger, signal } = options
  if ((await isRestored(maintenance, names.beside, uid)) || (await isRestored(maintenance, names.live, uid))) return
  await createEmpty(maintenance, names.beside)
  if (appRole !== roleOf(ownerUri))
    await maintenance.query(
      `GRANT CONNECT ON DATABASE ${escapeIdentifier(names.beside)} TO ${escapeIdentifier(appRole)}`,
    )
  await pgRestore({ uri: uriOf(ownerUri, names.beside), dump: options.dump(), searchPath: options.searchPath, signal })
  const restored = openDatabase(ownerUri, names.beside, options)
  try {
    await verifyDatabase(restored, manifest, signal)
    const session = await restored.session('migrate')
    try {
      await migrate({ session, migrations, appRole, lockTimeout: 5_000, waitTimeout: 60_000, logger, signal })
    } finally {
      await session.end()
    }
  } finally {
    await restored.close()
  }
  await markRestored(maintenance, names.beside, uid, new Date())
}

/** Holds a restored database against the manifest: migrations, rows of every table, the audit chain up to its head. @throws RestoreError NotAsWritten */
export const verifyDatabase = async (database: Database, manifest: Manifest, signal: AbortSignal): Promise<void> => {
  const differ = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected)
      throw new RestoreError('NotAsWritten', `${what}: ${String(found)}, and the manifest says ${String(expected)}`)
  }
  const { rows } = await database.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM schema_migrations',
  )
  differ('last migration', Number(rows[0]?.version), manifest.versions.migration)
  for (const [table, expected] of Object.entries(manifest.counts.tables)) {
    const counted = await database.query<{ count: string }>(`SELECT count(*) AS count FROM ${escapeIdentifier(table)}`)
    differ(`rows of ${table}`, Number(counted.rows[0]?.count), expected)
    signal.throwIfAborted()
  }
  for (const { stream, seq, hash } of manifest.cut.audit) {
    const head = await database.query<{ seq: string; hash: string }>(
      `SELECT seq, encode(hash, 'hex') AS hash FROM audit_head WHERE stream = $1`,
      [stream],
    )
    differ(
      `head of the audit stream ${stream}`,
      `${head.rows[0]?.seq ?? ''} ${head.rows[0]?.hash ?? ''}`,
      `${seq} ${hash}`,
    )
  }
  const verdict = await verifyTrail(database, {}, { batchSize: 1_000, signal })
  if (!verdict.ok) {
    const { gaps, duplicates, hashBreaks } = verdict
    const words = `${gaps.length} gaps, ${duplicates.length} duplicates, ${hashBreaks.length} broken hashes`
    throw new RestoreError('NotAsWritten', `the audit chain does not hold: ${words}`)
  }
}
