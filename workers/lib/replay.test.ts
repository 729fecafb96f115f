import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { newCloudEvent } from './cloud-event.ts'
import type { CloudEvent } from './cloud-event.ts'
import { registerSubscription } from './consumer.ts'
import type { Delivery } from './delivery.ts'
import type { Processed } from './inbox.ts'
import { createMetrics } from './metrics.ts'
import { createServer } from './server.ts'
import { createTracing } from './tracing.ts'

const identity = { service: 'test', version: '0', system: 'todo' }
const data = z.object({ number: z.int() })
type Data = z.output<typeof data>
const appToken = 'token-of-the-sidecar'

const event = (number: unknown, type = 'com.todo.task.created') =>
  newCloudEvent({
    topic: 'taskEvents',
    type,
    subject: 'task',
    key: 'user',
    producer: 'todo-chat-api',
    data: { number },
  })

const mark = (over: object = {}) => ({ id: randomUUID(), force: false, muted: true, ...over })

const setUp = async (handle: (delivery: Delivery<Data>) => Promise<Processed>) => {
  const parts = {
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(identity),
    tracing: await createTracing({ ...identity, samplingRate: 0 }),
    appToken,
  }
  const server = createServer(parts)
  registerSubscription(server, { path: '/events/task-events', types: ['com.todo.task.created'], data, handle }, parts)
  const post = async (url: string, payload: unknown, token = appToken) => {
    const response = await server.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', 'dapr-api-token': token },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
    return { http: response.statusCode, ...response.json<Record<string, unknown>>() }
  }
  const replay = (sent: unknown, over: object = {}) =>
    post('/replay/task-events', {
      replay: mark(over),
      position: { topic: 'task-events', partition: 2, offset: 41 },
      event: typeof sent === 'string' ? sent : JSON.stringify(sent),
    })
  return { post, replay }
}

test('a replayed event reaches the handler with its mark and place, and the answer says what became of it', async () => {
  const seen: Delivery<Data>[] = []
  const { replay } = await setUp((delivery) => {
    seen.push(delivery)
    return Promise.resolve('processed')
  })
  expect(await replay(event(7), { force: true })).toEqual({ http: 200, status: 'SUCCESS', outcome: 'processed' })
  expect(seen[0]?.replay).toMatchObject({ force: true, muted: true })
  expect(seen[0]?.position).toEqual({ topic: 'task-events', partition: 2, offset: 41 })
})

test.each([
  { muted: true, inherited: 'muted' },
  { muted: false, inherited: undefined },
])('what follows from an event that is muted: $muted is marked the same', async ({ muted, inherited }) => {
  const follows: CloudEvent[] = []
  const { replay } = await setUp(() => {
    follows.push(event(8))
    return Promise.resolve('processed')
  })
  await replay(event(7), { muted })
  expect(follows[0]?.sideeffects).toBe(inherited)
})

test('a live event carries no mark, and its answer is what it always was', async () => {
  const seen: Delivery<Data>[] = []
  const { post } = await setUp((delivery) => {
    seen.push(delivery)
    return Promise.resolve('processed')
  })
  expect(await post('/events/task-events', { ...event(7), replay: mark() })).toEqual({ http: 200, status: 'SUCCESS' })
  expect(seen[0]?.replay).toBeUndefined()
})

test.each([
  [
    'what cannot be understood',
    event('seven'),
    { status: 'DROP', reason: expect.stringContaining('number') as string },
  ],
  ['no JSON', '{', { status: 'DROP', reason: expect.stringContaining('not JSON') as string }],
  ['a type the worker does not take', event(7, 'com.todo.task.snoozed'), { status: 'SUCCESS', outcome: 'ignored' }],
  ['one that fails', event(13), { status: 'RETRY', reason: 'the database is away' }],
])('%s is answered with why', async (_what, sent, answer) => {
  const { replay } = await setUp(({ event: { data: got } }) =>
    got.number === 13 ? Promise.reject(new Error('the database is away')) : Promise.resolve('processed'),
  )
  expect(await replay(sent)).toEqual({ http: 200, ...answer })
})

test('only who has the token of the sidecar can replay, and only in the right form', async () => {
  const { post } = await setUp(() => Promise.resolve('processed'))
  expect(await post('/replay/task-events', '{}', 'guessed')).toMatchObject({ http: 401 })
  expect(await post('/replay/task-events', '{}')).toMatchObject({ http: 400 })
  expect(await post('/replay/task-events', '{')).toMatchObject({ http: 400 })
})
