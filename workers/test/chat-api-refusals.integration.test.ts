import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Task } from '../lib/task/task.ts'
import { startChatApi } from './support/chat-api.ts'
import type { ChatApi, Client } from './support/chat-api.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

let system: MigratedDatabase
let api: ChatApi
let user: Client
let task: Task
beforeAll(async () => {
  system = await startMigratedDatabase()
  api = await startChatApi({ database: system.database })
  user = await api.user()
  task = await user.create({ title: 'untouched' })
})
afterAll(async () => {
  await api.close()
  await system.stop()
})

interface Problem {
  type: string
  status: number
  code: string
  detail: string
  correlationId: string
  errors?: { path: string; message: string }[]
}

/** Name, what is sent, and the status, code and field (or words of the detail) of the answer. */
type Refusal = readonly [
  name: string,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body: unknown,
  status: number,
  code: string,
  says: RegExp | string,
  headers?: Record<string, string>,
]

const json = { 'content-type': 'application/json' }
const tasks = '/api/v1/tasks'
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const rule = (rrule: string): unknown => ({ title: 'x', dueAt: '2026-02-01T09:00:00Z', recurrence: { rrule } })

const refusals: readonly Refusal[] = [
  [
    'an oversized body',
    'POST',
    tasks,
    { title: 'x', description: 'y'.repeat(70_000) },
    413,
    'PAYLOAD_TOO_LARGE',
    /larger/,
  ],
  ['a body that is cut off', 'POST', tasks, '{"title": "x"', 400, 'MALFORMED_JSON', /not JSON/, json],
  ['a body that is no JSON at all', 'POST', tasks, 'title=x', 400, 'MALFORMED_JSON', /not JSON/, json],
  ['an empty body', 'POST', tasks, '', 400, 'MALFORMED_JSON', /./, json],
  ['no body', 'POST', tasks, undefined, 400, 'INVALID_INPUT', /JSON object/],
  [
    'another content type',
    'POST',
    tasks,
    'title: x',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    /application\/json/,
    { 'content-type': 'text/yaml' },
  ],
  ['JSON nested too deep', 'POST', tasks, deep(5000), 400, 'INVALID_INPUT', /deeper/, json],
  ['a list instead of an object', 'POST', tasks, [], 400, 'INVALID_INPUT', /object/],
  ['null instead of an object', 'POST', tasks, 'null', 400, 'INVALID_INPUT', /object/, json],
  ['a body where none belongs', 'POST', `${tasks}/{id}/complete`, { title: 'x' }, 400, 'INVALID_INPUT', /no body/],
  ['no title', 'POST', tasks, {}, 400, 'INVALID_INPUT', 'title'],
  ['an empty title', 'POST', tasks, { title: '   ' }, 400, 'INVALID_INPUT', 'title'],
  ['a title that is too long', 'POST', tasks, { title: 'x'.repeat(256) }, 400, 'INVALID_INPUT', 'title'],
  ['a title of the wrong type', 'POST', tasks, { title: 42 }, 400, 'INVALID_INPUT', 'title'],
  ['a NUL character', 'POST', tasks, { title: 'a\u0000b' }, 400, 'INVALID_INPUT', 'title'],
  ['half a surrogate pair', 'POST', tasks, '{"title":"\\ud800"}', 400, 'INVALID_INPUT', 'title', json],
  ['an unknown field', 'POST', tasks, { title: 'x', colour: 'red' }, 400, 'INVALID_INPUT', 'colour'],
  ['a field of the server', 'POST', tasks, { title: 'x', userId: randomUUID() }, 400, 'INVALID_INPUT', 'userId'],
  [
    'a prototype as a field',
    'POST',
    tasks,
    '{"title":"x","__proto__":{"admin":true}}',
    400,
    'INVALID_INPUT',
    '__proto__',
    json,
  ],
  [
    'an unknown field inside',
    'POST',
    tasks,
    { title: 'x', recurrence: { rrule: 'FREQ=DAILY', count: 3 } },
    400,
    'INVALID_INPUT',
    'recurrence.count',
  ],
  ['an unknown priority', 'POST', tasks, { title: 'x', priority: 'URGENT' }, 400, 'INVALID_INPUT', 'priority'],
  ['a date instead of an instant', 'POST', tasks, { title: 'x', dueAt: '2026-02-01' }, 400, 'INVALID_INPUT', 'dueAt'],
  [
    'a day that does not exist',
    'POST',
    tasks,
    { title: 'x', dueAt: '2026-02-30T09:00:00Z' },
    400,
    'INVALID_INPUT',
    'dueAt',
  ],
  [
    'a zone that does not exist',
    'POST',
    tasks,
    { title: 'x', timezone: 'Mars/Olympus' },
    400,
    'INVALID_INPUT',
    'timezone',
  ],
  ['an offset as a zone', 'POST', tasks, { title: 'x', timezone: '+02:00' }, 400, 'INVALID_INPUT', 'timezone'],
  [
    'too many tags',
    'POST',
    tasks,
    { title: 'x', tags: Array.from({ length: 21 }, (_, index) => `t${index}`) },
    400,
    'INVALID_INPUT',
    'tags',
  ],
  ['a tag twice', 'POST', tasks, { title: 'x', tags: ['a', 'a'] }, 400, 'INVALID_INPUT', 'tags'],
  [
    'a reminder without its offset',
    'POST',
    tasks,
    { title: 'x', reminders: [{ type: 'relative' }] },
    400,
    'INVALID_INPUT',
    'reminders.0.offset',
  ],
  [
    'an offset that is none',
    'POST',
    tasks,
    { title: 'x', reminders: [{ type: 'relative', offset: '30m' }] },
    400,
    'INVALID_INPUT',
    'reminders.0.offset',
  ],
  [
    'a reminder id of the client',
    'POST',
    tasks,
    { title: 'x', reminders: [{ id: randomUUID(), type: 'relative', offset: 'PT0S' }] },
    400,
    'INVALID_INPUT',
    'reminders.0.id',
  ],
  ['a rule that is no rule', 'POST', tasks, rule('every day'), 400, 'INVALID_INPUT', 'recurrence.rrule'],
  ['a rule with an unknown part', 'POST', tasks, rule('FREQ=DAILY;BYMOON=FULL'), 400, 'INVALID_INPUT', /BYMOON/],
  [
    'a rule with an impossible value',
    'POST',
    tasks,
    rule('FREQ=MONTHLY;BYMONTHDAY=32'),
    400,
    'INVALID_INPUT',
    /BYMONTHDAY.*32/,
  ],
  [
    'a rule that never occurs',
    'POST',
    tasks,
    rule('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'),
    400,
    'INVALID_INPUT',
    /never occurs/,
  ],
  ['a rule for every second', 'POST', tasks, rule('FREQ=SECONDLY'), 400, 'INVALID_INPUT', /FREQ/],
  ['a rule for every minute', 'POST', tasks, rule('FREQ=MINUTELY;INTERVAL=5'), 400, 'INVALID_INPUT', /FREQ/],
  ['a rule with a zero interval', 'POST', tasks, rule('FREQ=DAILY;INTERVAL=0'), 400, 'INVALID_INPUT', /INTERVAL/],
  ['a rule with a huge count', 'POST', tasks, rule('FREQ=DAILY;COUNT=99999999999'), 400, 'INVALID_INPUT', /COUNT/],
  ['a rule that has ended', 'POST', tasks, rule('FREQ=DAILY;UNTIL=20250101'), 400, 'INVALID_INPUT', /UNTIL/],
  [
    'a rule of 600 characters',
    'POST',
    tasks,
    rule(`FREQ=DAILY;BYMONTHDAY=${'1,'.repeat(300)}1`),
    400,
    'INVALID_INPUT',
    'recurrence.rrule',
  ],
  [
    'a repetition without a due time',
    'POST',
    tasks,
    { title: 'x', recurrence: { rrule: 'FREQ=DAILY' } },
    400,
    'INVALID_INPUT',
    'dueAt',
  ],
  [
    'taking the due time from a repetition',
    'PATCH',
    `${tasks}/{repeating}`,
    { dueAt: null },
    400,
    'INVALID_INPUT',
    'dueAt',
  ],
  ['an id that is none', 'GET', `${tasks}/1%20OR%201=1`, undefined, 400, 'INVALID_INPUT', 'path.id'],
  ['a task that is not there', 'GET', `${tasks}/${randomUUID()}`, undefined, 404, 'NOT_FOUND', /no task/],
  ['a path that is not there', 'GET', '/api/v1/nothing', undefined, 404, 'NOT_FOUND', /GET \/api\/v1\/nothing/],
  ['an unknown query parameter', 'GET', `${tasks}?stauts=open`, undefined, 400, 'INVALID_INPUT', 'query.stauts'],
  ['a limit out of range', 'GET', `${tasks}?limit=201`, undefined, 400, 'INVALID_INPUT', 'query.limit'],
  ['a limit that is no number', 'GET', `${tasks}?limit=ten`, undefined, 400, 'INVALID_INPUT', 'query.limit'],
  [
    'a parameter given twice',
    'GET',
    `${tasks}?status=open&status=all`,
    undefined,
    400,
    'INVALID_INPUT',
    'query.status',
  ],
  ['a made-up cursor', 'GET', `${tasks}?cursor=AAAA`, undefined, 400, 'INVALID_INPUT', 'query.cursor'],
  [
    'a cursor of another order',
    'GET',
    `${tasks}?sort=dueAt&cursor=${Buffer.from(JSON.stringify(['createdAt', null, randomUUID()])).toString('base64url')}`,
    undefined,
    400,
    'INVALID_INPUT',
    'query.cursor',
  ],
  ['a search without words', 'GET', `${tasks}?q=%25%26%7C`, undefined, 400, 'INVALID_INPUT', 'query.q'],
  [
    'an idempotency key with blanks',
    'POST',
    tasks,
    { title: 'x' },
    400,
    'INVALID_INPUT',
    'header.idempotency-key',
    { 'idempotency-key': 'a b' },
  ],
  ['an empty message', 'POST', '/api/v1/chat', { message: ' ' }, 400, 'INVALID_INPUT', 'message'],
  [
    'a message that is too long',
    'POST',
    '/api/v1/chat',
    { message: 'x'.repeat(2001) },
    400,
    'INVALID_INPUT',
    'message',
  ],
  [
    'a session that leaves its key',
    'POST',
    '/api/v1/chat',
    { message: 'list', sessionId: '../other||x' },
    400,
    'INVALID_INPUT',
    'sessionId',
  ],
  [
    'a chat zone that does not exist',
    'POST',
    '/api/v1/chat',
    { message: 'list', timezone: 'Nowhere' },
    400,
    'INVALID_INPUT',
    'timezone',
  ],
  [
    'an e-mail address that is none',
    'POST',
    '/api/v1/auth/signup',
    { email: 'me', password: 'long enough' },
    400,
    'INVALID_INPUT',
    'email',
  ],
  [
    'a short password',
    'POST',
    '/api/v1/auth/signup',
    { email: 'me@example.com', password: 'short' },
    400,
    'INVALID_INPUT',
    'password',
  ],
  [
    'a password of a megabyte',
    'POST',
    '/api/v1/auth/login',
    { email: 'me@example.com', password: 'x'.repeat(1_000_000) },
    413,
    'PAYLOAD_TOO_LARGE',
    /larger/,
  ],
]

describe('a wrong or hostile request', () => {
  let repeating: Task
  beforeAll(async () => {
    repeating = await user.create({ dueAt: '2026-02-01T09:00:00Z', recurrence: { rrule: 'FREQ=DAILY' } })
  })

  for (const [name, method, path, body, status, code, says, headers = {}] of refusals) {
    it(`with ${name} is refused`, async () => {
      const before = await user.events()
      const url = path.replace('{id}', task.id).replace('{repeating}', repeating.id)
      const response = await user.send(method, url, body, { 'x-correlation-id': 'refused-1', ...headers })
      const problem = response.json<Problem>()
      expect(problem).toMatchObject({ status, code, correlationId: 'refused-1' })
      expect(response.statusCode).toBe(status)
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
      if (typeof says === 'string') expect(problem.errors?.map((error) => error.path)).toContain(says)
      else expect(problem.detail).toMatch(says)
      expect(await user.events()).toEqual(before)
    })
  }

  it('names every field that is wrong, not only the first', async () => {
    const response = await user.send('POST', tasks, { title: '', priority: 'X', nope: 1, dueAt: 'soon' })
    expect(
      response
        .json<Problem>()
        .errors?.map(({ path }) => path)
        .sort(),
    ).toEqual(['dueAt', 'nope', 'priority', 'title'])
  })

  it('stores SQL as the text it is', async () => {
    const title = `'); DROP TABLE tasks; -- "$1 \\`
    const stored = await user.create({ title, tags: ["a'b", '{}', '","'], description: 'NULL' })
    expect((await user.send('GET', `${tasks}/${stored.id}`)).json()).toMatchObject({
      title,
      tags: ["a'b", '{}', '","'],
      description: 'NULL',
    })
  })
})
