import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres } from '../../hack/cluster/index.ts'
import type { PostgresServer } from '../../hack/cluster/index.ts'
import { orderMigrations } from '../jobs/migrate/files.ts'
import { migrate } from '../jobs/migrate/migrate.ts'
import { openDatabase, migrateDatabase, testLogger } from './support/migrated-database.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const fresh = () => {
  databases += 1
  return server.createDatabase(`migrate_${databases}`)
}

const first = 'CREATE TABLE pets (id integer PRIMARY KEY, name text NOT NULL);'
const second = 'ALTER TABLE pets ADD COLUMN age integer;\nCREATE TABLE owners (id integer PRIMARY KEY);'

const run = async (
  ownerUrl: string,
  files: Record<string, string>,
  options: { appRole?: string; waitTimeout?: number; lockTimeout?: number } = {},
) => {
  const database = openDatabase(ownerUrl)
  const session = await database.session('migrate')
  try {
    return await migrate({
      session,
      migrations: orderMigrations(files),
      appRole: options.appRole,
      lockTimeout: options.lockTimeout ?? 1_000,
      waitTimeout: options.waitTimeout ?? 20_000,
      logger: testLogger,
      signal: new AbortController().signal,
    })
  } finally {
    await session.end()
    await database.close()
  }
}

describe('migrations', () => {
  test('of the product apply, and a second run finds nothing to do', async () => {
    const { ownerUrl } = await fresh()
    expect((await migrateDatabase(ownerUrl)).length).toBeGreaterThanOrEqual(5)
    expect(await migrateDatabase(ownerUrl)).toEqual([])
  })

  test('apply once when several runs start at the same time', async () => {
    const { ownerUrl } = await fresh()
    const files = { '0001_pets.sql': first, '0002_owners.sql': second }
    const runs = await Promise.all(Array.from({ length: 5 }, () => run(ownerUrl, files)))
    expect(runs.filter((names) => names.length > 0)).toEqual([['pets', 'owners']])
  })

  test('refuse a file that was changed after it had been applied, and change nothing', async () => {
    const { ownerUrl } = await fresh()
    await run(ownerUrl, { '0001_pets.sql': first })
    const changed = { '0001_pets.sql': `${first} -- harmless`, '0002_owners.sql': second }
    await expect(run(ownerUrl, changed)).rejects.toThrow(/migration 1 \(pets\) was changed .* new migration/)
    expect(await run(ownerUrl, { '0001_pets.sql': first, '0002_owners.sql': second })).toEqual(['owners'])
  })

  test('leave nothing of a file that fails half way, and go on where they stopped', async () => {
    const { ownerUrl } = await fresh()
    const broken = `${second}\nSELECT 1 / 0;`
    await expect(run(ownerUrl, { '0001_pets.sql': first, '0002_owners.sql': broken })).rejects.toThrow(
      /migration 2 \(owners\) failed and changed nothing: division by zero/,
    )
    expect(await run(ownerUrl, { '0001_pets.sql': first, '0002_owners.sql': second })).toEqual(['owners'])
  })

  test('leave a database alone that is newer than the program', async () => {
    const { ownerUrl } = await fresh()
    await run(ownerUrl, { '0001_pets.sql': first, '0002_owners.sql': second })
    expect(await run(ownerUrl, { '0001_pets.sql': first })).toEqual([])
  })

  test('wait for a table that a worker uses, and then apply', async () => {
    const { ownerUrl } = await fresh()
    await run(ownerUrl, { '0001_pets.sql': first })
    const worker = openDatabase(ownerUrl)
    const busy = await worker.session('busy')
    await busy.query('BEGIN')
    await busy.query('LOCK TABLE pets IN ACCESS SHARE MODE')
    const running = run(ownerUrl, { '0001_pets.sql': first, '0002_owners.sql': second }, { lockTimeout: 100 })
    const watcher = openDatabase(ownerUrl)
    while ((await watcher.query(`SELECT 1 FROM pg_locks WHERE NOT granted`)).rowCount === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await busy.query('COMMIT')
    expect(await running).toEqual(['owners'])
    await Promise.all([busy.end(), worker.close(), watcher.close()])
  })

  test('give up with a reason when another run never ends', async () => {
    const { ownerUrl } = await fresh()
    const other = openDatabase(ownerUrl)
    const holder = await other.session('holder')
    await holder.query(`SELECT pg_advisory_lock(x'746f646f63686174'::bigint)`)
    await expect(run(ownerUrl, { '0001_pets.sql': first }, { waitTimeout: 300 })).rejects.toThrow(/pg_locks/)
    await holder.end()
    await other.close()
  })

  test('give the workers’ role what it needs and no more', async () => {
    const { url, ownerUrl } = await fresh()
    await migrateDatabase(ownerUrl)
    const app = openDatabase(url)
    await app.query(`INSERT INTO inbox (consumer, event_id) VALUES ('c', 'e')`)
    await app.query('DELETE FROM inbox')
    await app.query('SELECT count(*) FROM schema_migrations')
    const refused = [
      'DELETE FROM schema_migrations',
      'DELETE FROM audit_entries',
      'UPDATE audit_entries SET action = action',
      'INSERT INTO audit_head VALUES (1)',
      'CREATE TABLE mine (id integer)',
      'DROP TABLE inbox',
    ]
    for (const statement of refused) {
      await expect(app.query(statement), statement).rejects.toMatchObject({ sqlState: '42501' })
    }
    await app.close()
  })
})

describe('migration files', () => {
  test.each([
    ['a gap', { '0001_a.sql': first, '0003_b.sql': first }, /has number 3 where 2 comes next/],
    ['a number used twice', { '0001_a.sql': first, '0001_b.sql': first }, /has number 1 where 2 comes next/],
    ['a name that is not numbered', { 'first.sql': first }, /named like 0001_what_it_does.sql/],
    ['a transaction of its own', { '0001_a.sql': `BEGIN;\n${first}\nCOMMIT;` }, /must not begin or end one/],
  ])('with %s are refused', (_what, files, message) => {
    expect(() => orderMigrations(files)).toThrow(message)
  })
})
