/** Everything that can be known before anything is touched: that the backup is whole, and that this system can take it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Manifest } from '../../lib/backup/manifest.ts'
import type { Queryable } from '../../lib/postgres.ts'
import type { RestoreReport } from './config.ts'
import { findDatabase, hasTables, openDatabase, roleOf } from './databases.ts'
import { RestoreError } from './errors.ts'
import { boundsOf } from './kafka-log.ts'
import { checkReach } from './reapply/reapply.ts'
import { checkPartitions, liveTopic } from './topics.ts'
import type { Workplace } from './workplace.ts'

/** Checks; the report names what will be restored. @throws BackupError, RestoreError */
export const check = async (place: Workplace, knownMigrations: number): Promise<RestoreReport> => {
  const { config, names } = place
  const [source, maintenance] = await Promise.all([place.source(), place.maintenance()])
  const { manifest, manifestSha256 } = source
  await checkRole(maintenance, roleOf(place.ownerUri), names.live)
  await checkVersions(maintenance, manifest, { knownMigrations, searchPath: place.searchPath })
  await checkTopics(place, manifest)
  if (config.restore.mode === 'NewSystem') await checkEmpty(place)
  if (config.restore.until !== undefined) await checkReach(place, config.restore.until)
  Object.assign(place.progress, { part: 'checksums', total: source.bytes.all })
  await source.verify()
  const gaps = manifest.missing.map(({ what, why }) => `${what} (${why})`).join(', ')
  return {
    step: 'check',
    message:
      `${manifest.parts.length} parts are as the manifest says${gaps === '' ? '' : `; not in the backup: ${gaps}`}`.slice(
        0,
        1_500,
      ),
    backup: {
      path: config.source.path,
      manifestSha256,
      cutAt: new Date(manifest.cut.at).toISOString(),
      auditSequence: manifest.cut.audit.reduce((most, { seq }) => Math.max(most, seq), 0),
    },
  }
}

const checkRole = async (db: Queryable, role: string, live: string): Promise<void> => {
  const { rows } = await db.query<{ creates: boolean }>(
    'SELECT rolcreatedb OR rolsuper AS creates FROM pg_roles WHERE rolname = current_user',
  )
  if (rows[0]?.creates !== true)
    throw new RestoreError('MayNotCreateDatabases', `the role ${role} may not create databases`)
  const found = await findDatabase(db, live)
  if (found?.owned === false)
    throw new RestoreError('MayNotCreateDatabases', `the database ${live} does not belong to ${role}`)
}

const checkVersions = async (
  db: Queryable,
  { versions }: Manifest,
  { knownMigrations, searchPath }: { readonly knownMigrations: number; readonly searchPath: string },
): Promise<void> => {
  if (versions.migration > knownMigrations)
    throw new RestoreError(
      'VersionTooOld',
      `the backup has migration ${versions.migration} of version ${versions.operand}, and this version knows ${knownMigrations}`,
    )
  const { rows } = await db.query<{ server_version: string }>('SHOW server_version')
  const server = majorOf(rows[0]?.server_version ?? '')
  if (server < majorOf(versions.postgresql))
    throw new RestoreError(
      'VersionTooOld',
      `the backup is of PostgreSQL ${versions.postgresql}, and the server has ${server}`,
    )
  const { stdout } = await promisify(execFile)('pg_restore', ['--version'], { env: { PATH: searchPath } })
  const program = majorOf(stdout.replace(/^[^0-9]*/, ''))
  if (program < majorOf(versions.pgDump.replace(/^[^0-9]*/, '')))
    throw new RestoreError(
      'VersionTooOld',
      `the dump is of pg_dump ${versions.pgDump}, and pg_restore is of ${program}`,
    )
}

const majorOf = (version: string): number => Number.parseInt(version, 10)

/** A topic that does not exist is made by the operator before it is needed, so only what can never fit is refused here. */
const checkTopics = async (place: Workplace, { cut }: Manifest): Promise<void> => {
  const { admin } = await place.kafka()
  for (const { alias, partitions } of cut.topics) {
    const topic = liveTopic(place.config.kafka.topics, alias)
    const bounds = await boundsOf(admin, topic)
    if (bounds !== undefined) checkPartitions(topic, bounds, partitions.length)
  }
}

const checkEmpty = async ({ config, names, ownerUri, logger }: Workplace): Promise<void> => {
  const live = openDatabase(ownerUri, names.live, { service: config.service, logger })
  try {
    if (!(await hasTables(live, 'users'))) return
    const { rows } = await live.query<{ users: boolean }>('SELECT EXISTS (SELECT FROM users) AS users')
    if (rows[0]?.users === true) throw new RestoreError('NotEmpty', `the system ${config.system} has users already`)
  } finally {
    await live.close()
  }
}
