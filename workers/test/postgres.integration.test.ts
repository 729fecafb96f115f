import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres } from '../../hack/cluster/index.ts'
import type { PostgresServer } from '../../hack/cluster/index.ts'
import { processOnce } from '../lib/inbox.ts'
import { isUniqueViolation, OutcomeUnknownError, StorageError } from '../lib/postgres-errors.ts'
import type { Database } from '../lib/postgres.ts'
import { eventually } from './support/eventually.ts'
import { migrateDatabase, openDatabase } from './support/migrated-database.ts'

let server: PostgresServer
let database: Database
let superuser: Database
beforeAll(async () => {
  server = await startPostgres()
  await migrateDatabase(server.ownerUrl)
  const owner = openDatabase(server.ownerUrl)
  await owner.query('CREATE TABLE accounts (id integer PRIMARY KEY, amount integer NOT NULL)')
  await owner.query('GRANT ALL ON accounts TO todo_app')
  await owner.close()
  database = openDatabase(server.url, 2_000)
  superuser = openDatabase(server.superuserUrl)
})
afterAll(async () => {
  await Promise.all([database.close(), superuser.close()])
  await server.stop()
})

const killOwnBackend = (tx: { query: Database['query'] }) =>
  tx
    .query('SELECT pg_backend_pid() AS pid')
    .then(({ rows }) => superuser.query('SELECT pg_terminate_backend($1)', [(rows[0] as { pid: number }).pid]))

describe('values', () => {
  test('arrive as documented: exact numbers, instants as dates, the rest as text', async () => {
    const { rows } = await database.query(
      `SELECT 9007199254740991::bigint AS big, 0.10::numeric AS exact, '2026-03-01'::date AS day,
        '2026-03-01 10:00+02'::timestamptz AS instant, '{"a":[1]}'::jsonb AS json`,
    )
    expect(rows[0]).toEqual({
      big: 9_007_199_254_740_991,
      exact: '0.10',
      day: '2026-03-01',
      instant: new Date('2026-03-01T08:00:00Z'),
      json: { a: [1] },
    })
  })

  test('that a number cannot hold exactly are an error instead of nearly right', async () => {
    await expect(database.query('SELECT 9007199254740993::bigint AS big')).rejects.toThrow(/does not fit/)
  })
})

describe('transactions', () => {
  test('roll back when their work throws, and tell listeners only of commits', async () => {
    let told = 0
    const unlisten = database.listen('channel', () => (told += 1))
    const work = (fail: boolean) =>
      database.transaction(async (tx) => {
        await tx.query('INSERT INTO accounts VALUES (1, 10)')
        tx.notify('channel')
        tx.notify('channel')
        if (fail) throw new Error('no')
      })
    await expect(work(true)).rejects.toThrow('no')
    expect(told).toBe(0)
    await work(false)
    expect(told).toBe(1)
    expect(isUniqueViolation(await work(false).catch((error: unknown) => error), 'accounts_pkey')).toBe(true)
    unlisten()
  })

  test('run again after a serialization failure, so that concurrent increments all count', async () => {
    await database.query('INSERT INTO accounts VALUES (2, 0)')
    const increment = () =>
      database.transaction(
        async (tx) => {
          const { rows } = await tx.query<{ amount: number }>('SELECT amount FROM accounts WHERE id = 2')
          await tx.query('UPDATE accounts SET amount = $1 WHERE id = 2', [(rows[0]?.amount ?? 0) + 1])
        },
        { isolation: 'serializable', attempts: 30 },
      )
    await Promise.all(Array.from({ length: 6 }, increment))
    expect((await database.query('SELECT amount FROM accounts WHERE id = 2')).rows).toEqual([{ amount: 6 }])
  })

  test('run again when the connection was lost before COMMIT', async () => {
    let rounds = 0
    await database.transaction(async (tx) => {
      rounds += 1
      await tx.query('INSERT INTO accounts VALUES (3, 0)')
      if (rounds === 1) {
        await killOwnBackend(tx)
        await tx.query('SELECT 1')
      }
    })
    expect(rounds).toBe(2)
    expect((await database.query('SELECT 1 FROM accounts WHERE id = 3')).rowCount).toBe(1)
  })

  test('do not run again when COMMIT was under way, because the change may be stored', async () => {
    let rounds = 0
    const outcome = await database
      .transaction(async (tx) => {
        rounds += 1
        await tx.query('INSERT INTO accounts VALUES (4, 0)')
        await killOwnBackend(tx)
      })
      .catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(OutcomeUnknownError)
    expect(rounds).toBe(1)
  })

  test('fail when a statement failed and its error was swallowed', async () => {
    const swallowing = database.transaction(async (tx) => {
      await tx.query('INSERT INTO accounts VALUES (5, 0)')
      await tx.query('SELECT 1 / 0').catch(() => undefined)
    })
    await expect(swallowing).rejects.toBeInstanceOf(StorageError)
    expect((await database.query('SELECT 1 FROM accounts WHERE id = 5')).rowCount).toBe(0)
  })
})

describe('limits', () => {
  test('end a statement that runs too long, and the connection serves on', async () => {
    const started = performance.now()
    await expect(database.query('SELECT pg_sleep(30)')).rejects.toMatchObject({
      sqlState: '57014',
      connectionLost: false,
    })
    expect(performance.now() - started).toBeLessThan(10_000)
    await database.ping()
  })

  test('end the wait for a server that is not there', async () => {
    const nowhere = openDatabase('postgres://todo_app:x@127.0.0.1:1/todo')
    await expect(nowhere.ping()).rejects.toMatchObject({ connectionLost: true })
    await nowhere.close()
  })
})

describe('the inbox', () => {
  const key = (eventId: string) => ({ consumer: 'todo-notification', eventId })
  const deposit = (eventId: string, fail = false) =>
    processOnce(database, key(eventId), async (tx) => {
      await tx.query('INSERT INTO accounts VALUES (10, 1) ON CONFLICT (id) DO UPDATE SET amount = accounts.amount + 1')
      if (fail) throw new Error('crash')
    })
  const amount = async () =>
    (await database.query<{ amount: number }>('SELECT amount FROM accounts WHERE id = 10')).rows[0]?.amount

  test('gives an event its effect once, however often and however close together it comes', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => deposit('e-1')))
    expect(outcomes.filter((outcome) => outcome === 'processed')).toHaveLength(1)
    expect(await amount()).toBe(1)
  })

  test('forgets the event when its effect failed, so that the next delivery has it', async () => {
    await expect(deposit('e-2', true)).rejects.toThrow('crash')
    expect(await deposit('e-2')).toBe('processed')
    expect(await amount()).toBe(2)
  })

  test('keeps consumers apart', async () => {
    const other = { consumer: 'todo-recurring-task', eventId: 'e-1' }
    expect(await processOnce(database, other, () => Promise.resolve())).toBe('processed')
  })
})

describe('a restart of the server', () => {
  test('ends no process: idle and busy connections are replaced', async () => {
    const busy = database.query('SELECT pg_sleep(1)').catch((error: unknown) => error)
    const session = await database.session('watch')
    await server.kill()
    expect(await busy).toBeInstanceOf(StorageError)
    await eventually('the session knows that it is lost', () => session.lost.aborted)
    await session.end()
    await server.restart()
    await eventually('the pool answers again', () =>
      database.ping().then(
        () => true,
        () => false,
      ),
    )
  })
})
