import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { registerBulkSubscription } from './bulk-consumer.ts'
import { newCloudEvent } from './cloud-event.ts'
import { registerSubscription } from './consumer.ts'
import type { Delivery } from './delivery.ts'
import type { Processed } from './inbox.ts'
import { createMetrics } from './metrics.ts'
import { StorageError } from './postgres-errors.ts'
import { currentContext } from './request-context.ts'
import type { RequestContext } from './request-context.ts'
import { createServer } from './server.ts'
import { createTracing } from './tracing.ts'

const identity = { service: 'test', version: '0', system: 'todo' }
const data = z.object({ number: z.int() })
type Data = z.output<typeof data>

const event = (number: number | string, over: { type?: string; key?: string } = {}) =>
  newCloudEvent({
    topic: 'taskEvents',
    type: over.type ?? 'com.todo.task.created',
    subject: 'task',
    key: over.key ?? 'user',
    producer: 'todo-chat-api',
    correlationId: 'corr',
    data: { number },
  })

const setUp = async () => {
  const metrics = createMetrics(identity)
  const parts = {
    logger: pino({ level: 'silent' }),
    metrics,
    tracing: await createTracing({ ...identity, samplingRate: 0 }),
  }
  const server = createServer(parts)
  const outcome = async (name: string) => {
    const { values } = await metrics.inbox.deliveries.get()
    return values.filter(({ labels }) => labels.outcome === name).reduce((sum, { value }) => sum + value, 0)
  }
  return { server, parts, outcome }
}

const single = async (handle: (delivery: Delivery<Data>) => Promise<Processed>) => {
  const { server, parts, outcome } = await setUp()
  const types = ['com.todo.task.created']
  registerSubscription(server, { path: '/events/task-events', types, data, handle }, parts)
  const deliver = async (payload: unknown, headers: Record<string, string> = {}) => {
    const response = await server.inject({
      method: 'POST',
      url: '/events/task-events',
      headers: { 'content-type': 'application/cloudevents+json', ...headers },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
    return { code: response.statusCode, ...response.json<{ status: string }>() }
  }
  return { deliver, outcome }
}

describe('a subscription', () => {
  test('answers SUCCESS only after the handler is through', async () => {
    let committed = false
    const { deliver, outcome } = await single(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      committed = true
      return 'processed'
    })
    expect(await deliver(event(1))).toEqual({ code: 200, status: 'SUCCESS' })
    expect(committed).toBe(true)
    expect(await outcome('processed')).toBe(1)
  })

  test('answers RETRY for whatever the handler throws', async () => {
    const { deliver, outcome } = await single(() => Promise.reject(new Error('bug')))
    expect(await deliver(event(1))).toEqual({ code: 200, status: 'RETRY' })
    expect(await outcome('retried')).toBe(1)
  })

  test.each([
    ['no JSON', 'hello', 'application/json'],
    ['empty', '', 'application/cloudevents+json'],
    ['of another content type', 'binary', 'application/octet-stream'],
    ['no CloudEvent', { number: 1 }, 'application/json'],
    ['an event whose data is not what it should be', event('one'), 'application/cloudevents+json'],
    ['text no database can hold', { ...event(1), source: 'a\u0000' }, 'application/cloudevents+json'],
    ['nested without end', `{"a":${'['.repeat(3_000)}`, 'application/cloudevents+json'],
  ])('drops a message that is %s without asking the handler', async (_what, payload, type) => {
    let asked = false
    const { deliver, outcome } = await single(() => {
      asked = true
      return Promise.resolve('processed')
    })
    expect(await deliver(payload, { 'content-type': type })).toEqual({ code: 200, status: 'DROP' })
    expect(asked).toBe(false)
    expect(await outcome('dropped')).toBe(1)
  })

  test('acknowledges types it does not name, even with data it could not read', async () => {
    const { deliver, outcome } = await single(() => Promise.reject(new Error('not asked')))
    expect(await deliver(event('x', { type: 'com.todo.task.snoozed' }))).toEqual({ code: 200, status: 'SUCCESS' })
    expect(await outcome('ignored')).toBe(1)
  })

  test('hands over the position and runs in the context of the event', async () => {
    const seen: { delivery?: Delivery<Data>; context?: RequestContext | undefined } = {}
    const { deliver } = await single((delivery) => {
      Object.assign(seen, { delivery, context: currentContext() })
      return Promise.resolve('processed')
    })
    const sent = event(7)
    await deliver(sent, { __topic: 'task-events', __partition: '2', __offset: '41' })
    expect(seen.delivery?.position).toEqual({ topic: 'task-events', partition: 2, offset: 41 })
    expect(seen.delivery?.event.data).toEqual({ number: 7 })
    expect(seen.context).toMatchObject({ correlationId: 'corr', causationId: sent.id })
  })
})

describe('a bulk subscription', () => {
  const bulk = async (handle: (deliveries: readonly Delivery<Data>[]) => Promise<readonly Processed[]>) => {
    const { server, parts } = await setUp()
    registerBulkSubscription(server, { path: '/events/bulk', data, handle }, parts)
    return async (events: unknown[]) => {
      const entries = events.map((value, index) => ({ entryId: String(index), event: value, metadata: null }))
      const response = await server.inject({
        method: 'POST',
        url: '/events/bulk',
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify({ id: 'x', topic: 't', entries }),
      })
      return response.json<{ statuses: { status: string }[] }>().statuses.map(({ status }) => status)
    }
  }
  const numbers = (deliveries: readonly Delivery<Data>[]) =>
    deliveries.map(
      ({
        event: {
          data: { number },
        },
      }) => number,
    )

  test('gives each entry its own answer', async () => {
    const deliver = await bulk((deliveries) => Promise.resolve(deliveries.map(() => 'processed')))
    expect(await deliver([event(1), 'rubbish', event(2)])).toEqual(['SUCCESS', 'DROP', 'SUCCESS'])
  })

  test('isolates an entry that fails, and keeps later entries of its key behind it', async () => {
    const deliver = await bulk((deliveries) =>
      numbers(deliveries).includes(2)
        ? Promise.reject(new StorageError('does not fit', undefined))
        : Promise.resolve(deliveries.map(() => 'processed')),
    )
    const events = [event(1, { key: 'a' }), event(2, { key: 'b' }), event(3, { key: 'b' }), event(4, { key: 'c' })]
    expect(await deliver(events)).toEqual(['SUCCESS', 'RETRY', 'RETRY', 'SUCCESS'])
  })

  test('asks for all of them again when the database is away, without trying each', async () => {
    let calls = 0
    const deliver = await bulk(() => {
      calls += 1
      return Promise.reject(new StorageError('Connection terminated', new Error('Connection terminated')))
    })
    expect(await deliver([event(1), event(2)])).toEqual(['RETRY', 'RETRY'])
    expect(calls).toBe(1)
  })
})

describe('a worker that knows its sidecar by a token', () => {
  const send = async (path: string, headers: Record<string, string>) => {
    const { server, parts } = await setUp()
    const options = { ...parts, appToken: 'the-token' }
    let handled = 0
    const handle = () => Promise.resolve<Processed>((handled += 1) > 0 ? 'processed' : 'duplicate')
    registerSubscription(server, { path: '/events/task-events', data, handle }, options)
    registerBulkSubscription(
      server,
      { path: '/events/bulk', data, handle: async (deliveries) => Promise.all(deliveries.map(handle)) },
      options,
    )
    const payload = path.endsWith('bulk') ? { entries: [{ entryId: '1', event: event(1) }] } : event(1)
    const response = await server.inject({
      method: 'POST',
      url: path,
      headers: { 'content-type': 'application/cloudevents+json', ...headers },
      payload: JSON.stringify(payload),
    })
    return { code: response.statusCode, handled }
  }

  test.each(['/events/task-events', '/events/bulk'])(
    'takes events at %s from it and from nobody else',
    async (path) => {
      expect(await send(path, { 'dapr-api-token': 'the-token' })).toEqual({ code: 200, handled: 1 })
      for (const headers of [{}, { 'dapr-api-token': 'a-guess' }, { 'dapr-api-token': '' }])
        expect(await send(path, headers as Record<string, string>)).toEqual({ code: 401, handled: 0 })
    },
  )
})
