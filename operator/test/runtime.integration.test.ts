import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startControlPlane } from '../../hack/cluster/index.ts'
import type { IsolatedControlPlane } from '../../hack/cluster/index.ts'
import { createCredentials, kubeconfigCredentials } from '../src/kube/credentials.ts'
import type { Credentials } from '../src/kube/credentials.ts'
import { createKubeClient } from '../src/kube/http-client.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import { createTransport } from '../src/kube/transport.ts'
import { createEventRecorder } from '../src/runtime/events.ts'
import { acquireLeadership } from '../src/runtime/leader-election.ts'
import { createMetrics } from '../src/runtime/metrics.ts'
import { eventually } from './support/eventually.ts'
import { startFlakyApiServer } from './support/flaky-api-server.ts'

const logger = pino({ level: 'silent' })
const metrics = createMetrics()
const namespace = 'default'
const lease = { namespace, name: 'todochatbot-operator' }
let plane: IsolatedControlPlane
let credentials: Credentials
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  plane = await startControlPlane()
  credentials = kubeconfigCredentials(plane.kubeconfigPath)
})

afterAll(async () => {
  for (const close of closing) await close()
  await plane.stop()
})

const connect = (through: Credentials) => {
  const transport = createTransport({ credentials: through, userAgent: 'test/0' })
  closing.unshift(() => transport.close())
  return createKubeClient(transport)
}

test('the real API server accepts the lease; a leader that is cut off is replaced, one that releases at once', async () => {
  const proxy = await startFlakyApiServer(await credentials.current())
  closing.unshift(() => proxy.close())
  const cutOff = connect(createCredentials(() => Promise.resolve({ server: proxy.url, tls: {}, headers: {} })))
  const client = connect(credentials)
  const signal = AbortSignal.timeout(60_000)
  const timing = { ...lease, fieldManager: 'todochatbot-operator', durationMs: 2000, renewMs: 1000, retryMs: 100 }
  const first = await acquireLeadership({ ...timing, identity: 'first' }, { client: cutOff, metrics, logger }, signal)
  const holder = async (): Promise<unknown> =>
    ((await client.get(kinds.Lease, lease))['spec'] as { holderIdentity?: string }).holderIdentity
  expect(await holder()).toBe('first')

  proxy.inject({ type: 'stall', afterBytes: 0, times: 10_000 })
  const second = await acquireLeadership({ ...timing, identity: 'second' }, { client, metrics, logger }, signal)
  await first.lost
  expect(await holder()).toBe('second')

  await second.release()
  const third = await acquireLeadership({ ...timing, identity: 'third' }, { client, metrics, logger }, signal)
  expect((await client.get(kinds.Lease, lease))['spec']).toMatchObject({ holderIdentity: 'third', leaseTransitions: 2 })
  await third.release()
})

test('the real API server accepts events and their series', async () => {
  const client = connect(credentials)
  const regarding = await client.create(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'regarding' } },
    { fieldManager: 'test' },
  )
  const stop = new AbortController()
  const recorder = createEventRecorder<'KafkaUnreachable'>({
    client,
    metrics,
    logger,
    controller: 'todochatbot.dev/operator',
    instance: 'operator-0',
    seriesMs: 0,
  })
  const running = recorder.run(stop.signal)
  for (let times = 0; times < 3; times += 1) {
    recorder.record(regarding, {
      type: 'Warning',
      reason: 'KafkaUnreachable',
      action: 'Reconcile',
      note: 'no broker answers at kafka:9092',
      related: regarding,
    })
  }
  const mine = ({ items }: { items: readonly KubeObject[] }): readonly KubeObject[] =>
    items.filter((event) => event['reason'] === 'KafkaUnreachable')
  await eventually(async () => {
    const events = mine(await client.list(kinds.Event, { namespace }))
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ series: { count: 3 }, regarding: { uid: regarding.metadata.uid } })
  }, 10_000)
  stop.abort()
  await running
  expect((await metrics.eventsDropped.get()).values[0]?.value ?? 0).toBe(0)
})
