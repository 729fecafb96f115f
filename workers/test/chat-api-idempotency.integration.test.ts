import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { expiries } from '../chat-api/expiries.ts'
import { deleteExpired } from '../lib/expiry.ts'
import { requestHash } from '../chat-api/idempotency.ts'
import type { Task } from '../lib/task/task.ts'
import { startChatApi } from './support/chat-api.ts'
import type { ChatApi, Client } from './support/chat-api.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

let system: MigratedDatabase
let api: ChatApi
let replica: ChatApi
let user: Client
beforeAll(async () => {
  system = await startMigratedDatabase()
  api = await startChatApi({ database: system.database, settings: { idempotencyRetention: 60_000 } })
  replica = await startChatApi({ database: system.database })
})
afterAll(async () => {
  await api.close()
  await replica.close()
  await system.stop()
})
beforeEach(async () => {
  user = await api.user()
})

const tasks = '/api/v1/tasks'
const keyed = (key: string): Record<string, string> => ({ 'idempotency-key': key })

describe('a write with an Idempotency-Key', () => {
  it('is done once and answered alike every time, status, headers and body', async () => {
    const key = randomUUID()
    const first = await user.send('POST', tasks, { title: 'once' }, keyed(key))
    const second = await user.send('POST', tasks, { title: 'once' }, keyed(key))
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body])
    for (const name of ['etag', 'location', 'content-type']) expect(second.headers[name]).toBe(first.headers[name])
    expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([undefined, 'true'])
    expect(await user.events()).toHaveLength(1)
  })

  it('repeats the old answer even when the task has changed since', async () => {
    const task = await user.create()
    const key = randomUUID()
    const first = await user.send('PATCH', `${tasks}/${task.id}`, { title: 'a' }, keyed(key))
    await user.send('PATCH', `${tasks}/${task.id}`, { title: 'b' })
    const again = await user.send('PATCH', `${tasks}/${task.id}`, { title: 'a' }, keyed(key))
    expect(again.body).toBe(first.body)
    expect((await user.send('GET', `${tasks}/${task.id}`)).json<Task>().title).toBe('b')
  })

  it.each<[string, 'POST' | 'PATCH' | 'DELETE', string, unknown, Record<string, string>]>([
    ['another body', 'POST', tasks, { title: 'two' }, {}],
    ['another path', 'POST', '/api/v1/chat', { message: 'one' }, {}],
    ['another precondition', 'POST', tasks, { title: 'one' }, { 'if-match': '"1"' }],
  ])('is refused with 422 for %s', async (_name, method, path, body, headers) => {
    const key = randomUUID()
    await user.send('POST', tasks, { title: 'one' }, keyed(key))
    const response = await user.send(method, path, body, { ...keyed(key), ...headers })
    expect(response.statusCode).toBe(422)
    expect(response.json<{ code: string }>().code).toBe('IDEMPOTENCY_KEY_REUSED')
    expect(await user.events()).toHaveLength(1)
  })

  it('is done once when it arrives many times at once, at two replicas', async () => {
    const key = randomUUID()
    const servers = [api.server, replica.server]
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        servers[index % 2]!.inject({
          method: 'POST',
          url: tasks,
          payload: { title: 'race' },
          headers: { authorization: `Bearer ${user.token}`, ...keyed(key) },
        }),
      ),
    )
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1)
    expect(await user.events()).toHaveLength(1)
  })

  it('may be tried again with the same key after it was refused', async () => {
    const key = randomUUID()
    const task = await user.create()
    const refused = await user.send('DELETE', `${tasks}/${task.id}`, undefined, { ...keyed(key), 'if-match': '"9"' })
    expect(refused.statusCode).toBe(412)
    const invalid = await user.send('POST', tasks, { title: 'x', recurrence: { rrule: 'FREQ=DAILY' } }, keyed(key))
    expect(invalid.statusCode).toBe(400)
    expect((await user.send('DELETE', `${tasks}/${task.id}`, undefined, keyed(key))).statusCode).toBe(204)
    const again = await user.send('DELETE', `${tasks}/${task.id}`, undefined, keyed(key))
    expect([again.statusCode, again.body]).toEqual([204, ''])
  })

  it('belongs to its user', async () => {
    const key = randomUUID()
    const stranger = await api.user()
    const mine = await user.send('POST', tasks, { title: 'same' }, keyed(key))
    const theirs = await stranger.send('POST', tasks, { title: 'same' }, keyed(key))
    expect([mine.statusCode, theirs.statusCode]).toEqual([201, 201])
    expect(theirs.json<Task>().id).not.toBe(mine.json<Task>().id)
  })

  it('is new again when its time is over, whether or not it was cleaned up', async () => {
    for (const clean of [false, true]) {
      const key = randomUUID()
      const first = await user.send('POST', tasks, { title: 'again' }, keyed(key))
      api.clock = new Date(api.clock.getTime() + 60_001)
      if (clean) expect(await deleteExpired(system.database, expiries, api.clock)).toBeGreaterThan(0)
      const later = await user.send('POST', tasks, { title: 'other' }, keyed(key))
      expect(later.statusCode).toBe(201)
      expect(later.json<Task>().id).not.toBe(first.json<Task>().id)
    }
  })

  it('has the same number of effects as keys, whatever is repeated and in whatever order', async () => {
    const request = fc.record({ key: fc.integer({ min: 0, max: 4 }), title: fc.constantFrom('a', 'b') })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
        const owner = await api.user()
        const used = new Map<number, { title: string; body: string }>()
        for (const { key, title } of requests) {
          const response = await owner.send('POST', tasks, { title }, keyed(`k${key}`))
          const known = used.get(key)
          if (!known) used.set(key, { title, body: response.body })
          else if (known.title === title) expect(response.body).toBe(known.body)
          else expect(response.statusCode).toBe(422)
        }
        expect(await owner.events()).toHaveLength(used.size)
      }),
      { numRuns: 15 },
    )
  })
})

describe('the fingerprint of a request', () => {
  it('is the same for equal JSON however its keys are ordered, and another for another value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => {
        const reversed = Object.fromEntries(Object.entries(body).reverse())
        expect(requestHash('POST', tasks, undefined, reversed)).toBe(requestHash('POST', tasks, undefined, body))
        expect(requestHash('POST', tasks, undefined, { body })).not.toBe(
          requestHash('POST', tasks, undefined, { body: [body] }),
        )
      }),
    )
  })
})
