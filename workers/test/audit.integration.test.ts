import { createHash, randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerAudit } from '../audit/app.ts'
import { recordOf } from '../lib/audit-trail/entry.ts'
import type { AuditRecord } from '../lib/audit-trail/entry.ts'
import { appendRecords } from '../lib/audit-trail/store.ts'
import { verifyTrail } from '../lib/audit-trail/verify.ts'
import { createAuthenticator, createTokenIssuer } from '../lib/auth.ts'
import { createMetrics } from '../lib/metrics.ts'
import { StorageError } from '../lib/postgres-errors.ts'
import type { Database } from '../lib/postgres.ts'
import { createServer } from '../lib/server.ts'
import { createTracing } from '../lib/tracing.ts'
import { migrateDatabase, openDatabase, startMigratedDatabase, testLogger } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

const jwtKey = Buffer.alloc(32, 7).toString('base64url')
const serviceToken = 'service-token-of-the-test'
const signal = new AbortController().signal

const record = (over: Partial<AuditRecord> = {}): AuditRecord => ({
  eventId: randomUUID(),
  type: 'com.todo.task.updated',
  action: 'UPDATED',
  source: '/services/todo-chat-api',
  taskId: 'task-1',
  userId: 'user-1',
  actor: { type: 'user', id: 'user-1' },
  before: { title: 'old', tags: ['b', 'a'], nested: { z: 1, a: 0.1 } },
  after: { title: 'new "quoted" \u2028 line', tags: [], nested: { z: 1e21, a: -0.5 } },
  changes: { title: { old: 'old', new: 'new' } },
  correlationId: 'c',
  causationId: null,
  occurredAt: '2026-01-02T03:04:05.678Z',
  topic: 'task-events',
  partition: 1,
  offset: 42,
  ...over,
})

const event = (id: string, over: Record<string, unknown> = {}, data: Record<string, unknown> = {}) => ({
  specversion: '1.0',
  id,
  source: '/services/todo-chat-api',
  type: 'com.todo.task.completed',
  subject: 'task-http',
  time: '2026-01-02T03:04:05.678Z',
  datacontenttype: 'application/json',
  partitionkey: 'user-http',
  correlationid: 'corr-1',
  data: {
    taskId: 'task-http',
    userId: 'user-http',
    action: 'COMPLETED',
    task: { id: 'task-http', status: 'completed', title: 'water the plants' },
    changes: { status: { old: 'open', new: 'completed' } },
    taskVersion: 2,
    actor: { type: 'user', id: 'user-http' },
    correlationId: 'corr-1',
    ...data,
  },
  ...over,
})

let postgres: MigratedDatabase
let databases = 0

/** A fresh database with the schema, as the workers' role, so that no test sees another's entries. */
const freshTrail = async (): Promise<{ database: Database; ownerUrl: string }> => {
  databases += 1
  const { url, ownerUrl } = await postgres.server.createDatabase(`audit_${databases}`)
  await migrateDatabase(ownerUrl)
  return { database: openDatabase(url), ownerUrl }
}

const verify = (database: Database) => verifyTrail(database, {}, { batchSize: 7, signal })

beforeAll(async () => {
  postgres = await startMigratedDatabase()
})
afterAll(() => postgres.stop())

describe('the append-only table', () => {
  const statements = [
    `UPDATE audit_entries SET action = 'FORGED'`,
    'DELETE FROM audit_entries',
    'DELETE FROM audit_entries WHERE seq = -1',
    'TRUNCATE audit_entries',
    'DELETE FROM audit_head',
    'TRUNCATE audit_head',
    'UPDATE audit_head SET seq = seq - 1',
  ]

  test.each(statements)('refuses the owner of the schema: %s', async (statement) => {
    const owner = openDatabase(postgres.server.ownerUrl)
    await appendRecords(postgres.database, [record()], () => new Date())
    await expect(owner.query(statement)).rejects.toMatchObject({ sqlState: '23001' })
    await owner.close()
  })

  test.each(statements)('refuses the role of the workers: %s', async (statement) => {
    await appendRecords(postgres.database, [record()], () => new Date())
    const refusal = await postgres.database.query(statement).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(StorageError)
    expect(['42501', '23001']).toContain((refusal as StorageError).sqlState)
  })

  test('keeps its triggers when replication mode is switched on', async () => {
    const superuser = openDatabase(postgres.server.superuserUrl.replace(/\/postgres$/, '/todo'))
    const session = await superuser.session('replica')
    await session.query('SET session_replication_role = replica')
    await expect(session.query('DELETE FROM audit_entries')).rejects.toMatchObject({ sqlState: '23001' })
    await session.end()
    await superuser.close()
  })
})

describe('appending', () => {
  test('numbers without gaps under concurrent writers, of whom some fail', async () => {
    const { database } = await freshTrail()
    const failing = (index: number) =>
      record({ occurredAt: index % 5 === 0 ? 'not a time' : '2026-01-02T03:04:05.678Z' })
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, index) => appendRecords(database, [record(), failing(index)], () => new Date())),
    )
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(12)
    expect(await verify(database)).toMatchObject({ ok: true, count: 96, firstSeq: 1, lastSeq: 96 })
    await database.close()
  })

  test('stores an event once, in one batch, in two, and in two at the same time', async () => {
    const { database } = await freshTrail()
    const one = record()
    const now = () => new Date()
    expect(await appendRecords(database, [one, record(), one], now)).toEqual(['processed', 'processed', 'duplicate'])
    expect(await appendRecords(database, [one], now)).toEqual(['duplicate'])
    const racing = record()
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => appendRecords(database, [racing], now)))
    expect(outcomes.flat().sort()).toEqual(['duplicate', 'duplicate', 'duplicate', 'duplicate', 'processed'])
    expect(await verify(database)).toMatchObject({ ok: true, count: 3 })
    await database.close()
  })
})

describe('verification', () => {
  /** Changes behind the back of the triggers, as only someone who may alter the table can. */
  const tamper = async (ownerUrl: string, ...statements: string[]): Promise<void> => {
    const owner = openDatabase(ownerUrl)
    await owner.transaction(async (tx) => {
      await tx.query('ALTER TABLE audit_entries DISABLE TRIGGER USER')
      for (const statement of statements) await tx.query(statement)
    })
    await owner.close()
  }
  const filled = async (count: number) => {
    const trail = await freshTrail()
    await appendRecords(
      trail.database,
      Array.from({ length: count }, () => record()),
      () => new Date(),
    )
    return trail
  }

  test('finds a changed entry and says where', async () => {
    const { database, ownerUrl } = await filled(20)
    await tamper(ownerUrl, `UPDATE audit_entries SET after = jsonb_set(after, '{title}', '"forged"') WHERE seq = 9`)
    const verdict = await verify(database)
    expect(verdict.ok).toBe(false)
    expect(verdict.hashBreaks).toMatchObject([{ seq: 9, kind: 'content' }])
    await database.close()
  })

  test('finds a changed entry whose own hash was recomputed, at its successor', async () => {
    const { database, ownerUrl } = await filled(20)
    await tamper(ownerUrl, `UPDATE audit_entries SET hash = sha256('forged') WHERE seq = 9`)
    expect((await verify(database)).hashBreaks).toMatchObject([
      { seq: 9, kind: 'content' },
      { seq: 10, kind: 'link' },
    ])
    await database.close()
  })

  test('finds removed entries in the middle and at the end', async () => {
    const { database, ownerUrl } = await filled(20)
    await tamper(ownerUrl, 'DELETE FROM audit_entries WHERE seq IN (7, 8, 19, 20)')
    expect(await verify(database)).toMatchObject({
      ok: false,
      count: 16,
      gaps: [
        { from: 7, to: 8 },
        { from: 19, to: 20 },
      ],
    })
    await database.close()
  })

  test('finds an event that was stored twice and a number that is there twice', async () => {
    const { database, ownerUrl } = await filled(8)
    await tamper(
      ownerUrl,
      'ALTER TABLE audit_entries DROP CONSTRAINT audit_entries_event, DROP CONSTRAINT audit_entries_pkey',
      'INSERT INTO audit_entries SELECT * FROM audit_entries WHERE seq = 4',
    )
    const verdict = await verify(database)
    expect(verdict.ok).toBe(false)
    expect(verdict.duplicates.every(({ seq }) => seq === 4)).toBe(true)
    expect(verdict.duplicates).toHaveLength(2)
    await database.close()
  })

  test('checks a range by itself, linked to the entry before it', async () => {
    const { database, ownerUrl } = await filled(20)
    await tamper(ownerUrl, `UPDATE audit_entries SET action = 'FORGED' WHERE seq = 15`)
    const range = (from: number, to: number) => verifyTrail(database, { from, to }, { batchSize: 3, signal })
    expect(await range(3, 14)).toMatchObject({ ok: true, count: 12, firstSeq: 3, lastSeq: 14 })
    expect(await range(15, 15)).toMatchObject({ ok: false, count: 1 })
    await database.close()
  })
})

describe('the worker over HTTP', () => {
  let server: FastifyInstance
  let trail: { database: Database }

  beforeAll(async () => {
    trail = await freshTrail()
    const identity = { service: 'todo-audit', version: '0.1.0', system: 'todo' }
    const parts = {
      logger: testLogger,
      metrics: createMetrics(identity),
      tracing: await createTracing({ ...identity, samplingRate: 0 }),
    }
    server = createServer(parts)
    registerAudit(server, {
      ...parts,
      database: trail.database,
      authenticate: createAuthenticator({ jwtKey, serviceToken }),
      settings: { verifyBatchSize: 100 },
      slowQueryThreshold: 200,
      signal,
      now: () => new Date(),
    })
    await server.ready()
  })
  afterAll(async () => {
    await server.close()
    await trail.database.close()
  })

  const deliver = async (body: unknown, url = '/events/task-events') => {
    const response = await server.inject({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/cloudevents+json',
        __topic: 'task-events',
        __partition: '2',
        __offset: '77',
      },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return response.json<{ status?: string; statuses?: { entryId: string; status: string }[] }>()
  }
  const get = (url: string, token = serviceToken) =>
    server.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } })

  test('stores an event with before, after, actor and its place in Kafka, once for two deliveries', async () => {
    const id = randomUUID()
    expect(await deliver(event(id))).toEqual({ status: 'SUCCESS' })
    expect(await deliver(event(id))).toEqual({ status: 'SUCCESS' })
    const { entries } = (await get('/audit/tasks/task-http/history')).json<{ entries: Record<string, unknown>[] }>()
    expect(entries).toHaveLength(1)
    expect(entries[0]).toMatchObject({
      eventId: id,
      action: 'COMPLETED',
      before: { status: 'open', title: 'water the plants' },
      after: { status: 'completed', title: 'water the plants' },
      actor: { type: 'user', id: 'user-http' },
      correlationId: 'corr-1',
      topic: 'task-events',
      partition: 2,
      offset: 77,
    })
    expect((await get(`/audit/entries/${id}`)).json()).toEqual(entries[0])
  })

  test.each([
    ['no JSON', 'not json at all'],
    ['no CloudEvent', { hello: 'world' }],
    ['text PostgreSQL cannot hold', event(randomUUID(), {}, { correlationId: 'a\u0000b' })],
  ])('drops a message that is %s to the dead letters', async (_what, body) => {
    expect(await deliver(body)).toEqual({ status: 'DROP' })
  })

  test('takes a batch with one bad message: that one is dropped, the others are stored', async () => {
    const [first, second] = [randomUUID(), randomUUID()]
    const entry = (entryId: string, value: unknown) => ({
      entryId,
      event: value,
      metadata: { __topic: 'task-events', __partition: '0', __offset: '5' },
      contentType: 'application/cloudevents+json',
    })
    const reply = await deliver(
      {
        id: '1',
        topic: 'task-events',
        entries: [entry('0', event(first)), entry('1', { no: 'event' }), entry('2', event(second))],
      },
      '/events/bulk',
    )
    expect(reply.statuses).toEqual([
      { entryId: '0', status: 'SUCCESS' },
      { entryId: '1', status: 'DROP' },
      { entryId: '2', status: 'SUCCESS' },
    ])
    for (const id of [first, second]) expect((await get(`/audit/entries/${id}`)).statusCode).toBe(200)
  })

  test('shows users their own entries and nobody else’s, and verification to machines only', async () => {
    const issue = createTokenIssuer({ jwtKey, ttl: 60 })
    const [own, other] = [await issue('user-http'), await issue('someone-else')]
    expect(
      (await get('/audit/tasks/task-http/history', own)).json<{ entries: unknown[] }>().entries.length,
    ).toBeGreaterThan(0)
    expect((await get('/audit/tasks/task-http/history', other)).json()).toMatchObject({ entries: [] })
    expect((await get('/audit/entries?userId=user-http', other)).statusCode).toBe(403)
    expect((await get('/audit/verify', own)).statusCode).toBe(403)
    expect((await get('/audit/entries', 'nonsense')).json()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  })

  test('refuses query parameters it does not know, by name', async () => {
    const response = await get('/audit/entries?task=1&pageSize=1000')
    expect(response.statusCode).toBe(400)
    expect(
      response
        .json<{ errors: { path: string }[] }>()
        .errors.map(({ path }) => path)
        .sort(),
    ).toEqual(['query.pageSize', 'query.task'])
  })

  test('verifies and pages', async () => {
    const verdict = (await get('/audit/verify')).json<{ ok: boolean; count: number; headHash: string }>()
    expect(verdict.ok).toBe(true)
    const page = (await get('/audit/entries?page=1&pageSize=2')).json<{ entries: { seq: number }[]; total: number }>()
    expect(page).toMatchObject({ total: verdict.count, entries: [{ seq: 1 }, { seq: 2 }] })
    const after = (await get('/audit/entries?afterSeq=2&limit=1')).json()
    expect(after).toMatchObject({ entries: [{ seq: 3 }], nextAfterSeq: 3 })
  })

  test('records what anybody can recompute from the documented formula', async () => {
    const entry = (await get('/audit/entries/1')).json<{ hash: string; prevHash: string }>()
    const { hash, prevHash, ...content } = entry
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([key, inner]) => [key, sorted(inner)]),
            )
          : value
    const text = JSON.stringify(sorted(content))
    expect(createHash('sha256').update(Buffer.from(prevHash, 'hex')).update(text).digest('hex')).toBe(hash)
  })

  test('turns an event without a task into an entry of its own kind', () => {
    const envelope = { ...event('r-1', { type: 'com.todo.reminder.triggered' }), specversion: '1.0' as const }
    const delivered = { ...envelope, data: { reminderId: 'r', taskId: 't', userId: 'u' } }
    const reminder = recordOf({ event: delivered, position: {} })
    expect(reminder).toMatchObject({ action: 'TRIGGERED', before: null, after: { reminderId: 'r' }, topic: null })
  })
})
