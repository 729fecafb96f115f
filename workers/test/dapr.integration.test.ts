import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import type { FastifyInstance } from 'fastify'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDaprd, startKafka, startRedis } from '../../hack/cluster/index.ts'
import type { DaprdServer, KafkaServer, RedisServer } from '../../hack/cluster/index.ts'
import { registerAudit } from '../audit/app.ts'
import { listEntries } from '../lib/audit-trail/store.ts'
import { verifyTrail } from '../lib/audit-trail/verify.ts'
import { createAuthenticator } from '../lib/auth.ts'
import { registerDaprRoutes } from '../lib/consumer.ts'
import { registerSidecarMetrics } from '../lib/sidecar-metrics.ts'
import { createSidecar } from '../lib/dapr.ts'
import type { Sidecar } from '../lib/dapr.ts'
import { createMetrics } from '../lib/metrics.ts'
import { appendEvent } from '../lib/outbox.ts'
import { createOutboxRelay } from '../lib/outbox-relay.ts'
import { createServer } from '../lib/server.ts'
import { createStateStore } from '../lib/state-store.ts'
import { createTracing } from '../lib/tracing.ts'
import type { Tracing } from '../lib/tracing.ts'
import { freePorts } from '../../hack/cluster/free-ports.ts'
import { eventually } from './support/eventually.ts'
import { startMigratedDatabase, testLogger } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

const identity = { service: 'todo-audit', version: '0.1.0', system: 'todo' }
const topics = { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' }
const signal = new AbortController().signal

let postgres: MigratedDatabase
let kafka: KafkaServer
let redis: RedisServer
let server: FastifyInstance
let daprd: DaprdServer
let sidecar: Sidecar
let tracing: Tracing
let admin: ReturnType<Kafka['admin']>
let client: Kafka
const spans = new InMemorySpanExporter()

const resources = (brokers: string, redisAddress: string, redisPassword: string) => {
  const metadata = (values: Record<string, string>) => Object.entries(values).map(([name, value]) => ({ name, value }))
  const subscription = (topic: string) => ({
    apiVersion: 'dapr.io/v2alpha1',
    kind: 'Subscription',
    metadata: { name: topic },
    spec: {
      pubsubname: 'task-pubsub',
      topic,
      routes: { default: '/events/bulk' },
      deadLetterTopic: `${topic}.dlq`,
      bulkSubscribe: { enabled: true, maxMessagesCount: 100, maxAwaitDurationMs: 50 },
    },
  })
  return [
    {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name: 'task-pubsub' },
      spec: {
        type: 'pubsub.kafka',
        version: 'v1',
        metadata: metadata({
          brokers,
          authType: 'none',
          initialOffset: 'oldest',
          version: '2.8.0',
          consumerGroup: 'todo-audit',
        }),
      },
    },
    {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name: 'statestore' },
      spec: { type: 'state.redis', version: 'v1', metadata: metadata({ redisHost: redisAddress, redisPassword }) },
    },
    subscription('task-events'),
    subscription('task-reminders'),
  ]
}

beforeAll(async () => {
  ;[postgres, kafka, redis] = await Promise.all([startMigratedDatabase(), startKafka(), startRedis()])
  client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING })
  admin = client.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: ['task-events', 'task-reminders', 'task-events.dlq', 'task-reminders.dlq'].map((topic) => ({
      topic,
      numPartitions: topic.endsWith('.dlq') ? 1 : 3,
    })),
  })
  tracing = await createTracing({ ...identity, samplingRate: 1, exporter: spans })
  const parts = { logger: testLogger, metrics: createMetrics(identity), tracing }
  server = createServer(parts)
  registerDaprRoutes(server)
  const [metricsPort = 0] = await freePorts(1)
  registerSidecarMetrics(server, { port: metricsPort })
  registerAudit(server, {
    ...parts,
    appToken: 'app-token',
    database: postgres.database,
    authenticate: createAuthenticator({ jwtKey: Buffer.alloc(32).toString('base64url'), serviceToken: 'token' }),
    settings: { verifyBatchSize: 100 },
    slowQueryThreshold: 200,
    signal,
    now: () => new Date(),
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const address = server.server.address()
  const appPort = typeof address === 'object' && address !== null ? address.port : 0
  daprd = await startDaprd({
    appId: 'todo-audit',
    appPort,
    appToken: 'app-token',
    args: ['--metrics-port', String(metricsPort)],
    resources: resources(kafka.brokers, redis.address, redis.password),
  })
  sidecar = createSidecar({ port: daprd.httpPort, pubsub: 'task-pubsub' })
  await sidecar.waitUntilReady(30_000, signal)
})
afterAll(async () => {
  await sidecar.close()
  await admin.disconnect()
  await Promise.all([server.close(), daprd.stop()])
  await tracing.shutdown()
  await Promise.all([postgres.stop(), kafka.stop(), redis.stop()])
})

const append = (key: string, number: number, traceparent?: string) =>
  postgres.database.transaction((tx) =>
    appendEvent(tx, {
      topic: 'taskEvents',
      type: 'com.todo.task.updated',
      subject: `task of ${key}`,
      key,
      producer: 'todo-chat-api',
      data: { taskId: `task of ${key}`, userId: key, action: 'UPDATED', number },
      ...(traceparent === undefined ? {} : { traceparent }),
    }),
  )

const relaying = async (work: () => Promise<void>): Promise<void> => {
  const stop = new AbortController()
  const metrics = createMetrics(identity)
  const { database } = postgres
  const relay = createOutboxRelay({
    database,
    publisher: sidecar,
    topics,
    logger: testLogger,
    metrics: metrics.outbox,
    tracing,
  })
  const running = relay.run(stop.signal)
  try {
    await work()
  } finally {
    stop.abort()
    await running
  }
}

const entries = () => listEntries(postgres.database, {}, { afterSeq: 0, limit: 1_000 })

describe('through a real sidecar and a real broker', () => {
  test('what is committed is audited once, in order per key, with its place in Kafka and its trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await relaying(async () => {
      for (let number = 0; number < 60; number += 1) await append(`user-${number % 7}`, number, traceparent)
      await eventually('60 entries are audited', async () => (await entries()).length === 60, 60_000)
    })
    expect(await verifyTrail(postgres.database, {}, { batchSize: 100, signal })).toMatchObject({ ok: true, count: 60 })
    const audited = await entries()
    for (const user of new Set(audited.map(({ userId }) => userId))) {
      const own = audited.filter(({ userId }) => userId === user)
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1)
      const numbers = own.map(({ after }) => (after as { number: number }).number)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      const offsets = own.map(({ offset }) => offset ?? -1)
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
      expect(own.every(({ topic, offset }) => topic === 'task-events' && offset !== null)).toBe(true)
    }
    await eventually('the consumer continued the trace of the producer', () =>
      spans
        .getFinishedSpans()
        .some((span) => span.name.startsWith('consume') && span.spanContext().traceId.startsWith('0af76519')),
    )
  })

  test('a message nobody can read goes to the dead letters and blocks nobody', async () => {
    const producer = client.producer()
    await producer.connect()
    const messages = [{ key: 'user-1', value: JSON.stringify({ no: 'event of ours' }) }]
    await producer.send({ topic: 'task-events', messages })
    await producer.disconnect()
    const before = (await entries()).length
    await relaying(async () => {
      await append('user-1', 1)
      await eventually('the event behind it is audited', async () => (await entries()).length === before + 1, 60_000)
    })
    await eventually('the message is a dead letter', async () => {
      const offsets = await admin.fetchTopicOffsets('task-events.dlq')
      return offsets.some(({ high }) => Number(high) > 0)
    })
  })

  test('state is written over the version that was read, and not over another', async () => {
    const store = createStateStore({ port: daprd.httpPort, store: 'statestore' })
    expect(await store.get('chat-1')).toBeUndefined()
    expect(await store.save('chat-1', { last: ['a'] })).toBe(true)
    const read = await store.get('chat-1')
    expect(read?.value).toEqual({ last: ['a'] })
    expect(await store.save('chat-1', { last: ['b'] }, { etag: read!.etag, ttl: 60 })).toBe(true)
    expect(await store.save('chat-1', { last: ['c'] }, { etag: read!.etag })).toBe(false)
    expect((await store.get('chat-1'))?.value).toEqual({ last: ['b'] })
    await store.delete('chat-1')
    expect(await store.get('chat-1')).toBeUndefined()
    await store.close()
  })

  test("GET /v1.0/metrics of the worker holds the sidecar's metrics in Prometheus text", async () => {
    const response = await server.inject({ method: 'GET', url: '/v1.0/metrics' })
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(response.body).toMatch(/^dapr_runtime_component_loaded\{app_id="todo-audit"/m)
  })

  test('nobody but the sidecar delivers events', async () => {
    const response = await server.inject({
      method: 'POST',
      url: '/events/task-events',
      headers: { 'content-type': 'application/cloudevents+json' },
      payload: '{}',
    })
    expect(response.statusCode).toBe(401)
  })

  test('a topic that does not exist is a failure that names the topic, not a success', async () => {
    const entry = {
      entryId: '1',
      key: 'k',
      event: JSON.stringify({ specversion: '1.0', id: '1', source: 's', type: 't', data: {} }),
    }
    const outcome = await sidecar.publishBulk('no-such-topic', [entry], signal).then(
      (failed) => failed.get('1') ?? '',
      (error: unknown) => String(error),
    )
    expect(outcome).toMatch(/topic|partition/i)
  })
})
