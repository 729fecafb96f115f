import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startControlPlane } from '../../hack/cluster/index.ts'
import type { IsolatedControlPlane } from '../../hack/cluster/index.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { createCredentials, kubeconfigCredentials } from '../src/kube/credentials.ts'
import type { Credentials } from '../src/kube/credentials.ts'
import { createKubeClient } from '../src/kube/http-client.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import { createTransport } from '../src/kube/transport.ts'
import type { Transport } from '../src/kube/transport.ts'
import { createInformer } from '../src/runtime/informer.ts'
import type { Change, Informer, InformerOptions } from '../src/runtime/informer.ts'
import { createMetrics } from '../src/runtime/metrics.ts'
import type { Metrics } from '../src/runtime/metrics.ts'
import { eventually } from './support/eventually.ts'
import { startFlakyApiServer } from './support/flaky-api-server.ts'
import type { FlakyApiServer } from './support/flaky-api-server.ts'

let plane: IsolatedControlPlane
let direct: Transport
let client: KubeClient
let credentials: Credentials
let namespaces = 0

let namespace: string
let proxy: FlakyApiServer
let transport: Transport
let metrics: Metrics
let stop: AbortController
let changes: Change[]

beforeAll(async () => {
  plane = await startControlPlane()
  credentials = kubeconfigCredentials(plane.kubeconfigPath)
  direct = createTransport({ credentials, userAgent: 'test/0' })
  client = createKubeClient(direct)
})

afterAll(async () => {
  await direct.close()
  await plane.stop()
})

beforeEach(async () => {
  namespaces += 1
  namespace = `informer-${namespaces}`
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
  await client.create(object, { fieldManager: 'test' })
  proxy = await startFlakyApiServer(await credentials.current())
  transport = createTransport({
    credentials: createCredentials(() => Promise.resolve({ server: proxy.url, tls: {}, headers: {} })),
    userAgent: 'test/0',
  })
  metrics = createMetrics()
  stop = new AbortController()
  changes = []
})

afterEach(async () => {
  stop.abort(new Error('end of test'))
  await transport.close()
  await proxy.close()
})

const start = async (options: Partial<InformerOptions> = {}): Promise<Informer> => {
  const tuning = { backoff: { baseMs: 5, maxMs: 100 } }
  const informer = createInformer(
    { kind: kinds.ConfigMap, namespaces: [namespace], labelSelector: 'test=yes', tuning, ...options },
    { transport, client: createKubeClient(transport), metrics, logger: pino({ level: 'silent' }) },
  )
  informer.onChange((change) => changes.push(change))
  void informer.run(stop.signal)
  await informer.whenSynced(AbortSignal.timeout(20_000))
  return informer
}

const put = (name: string, value: string): Promise<unknown> => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name, labels: { test: 'yes' } },
    data: { value },
  }
  return client.apply(object, { fieldManager: 'test' })
}

/** The store must show exactly what a plain list shows. */
const agrees = (informer: Informer): Promise<void> =>
  eventually(async () => {
    const { items } = await client.list(kinds.ConfigMap, { namespace, labelSelector: 'test=yes' })
    const versions = (objects: readonly KubeObject[]): string[] =>
      objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ''}`).sort()
    expect(versions(informer.list())).toEqual(versions(items))
  }, 20_000)

const modes = async (): Promise<unknown[]> => (await metrics.listTotal.get()).values.map(({ labels }) => labels.mode)

test('the snapshot is streamed by this API server, and lists in pages give the same world', async () => {
  for (let index = 0; index < 7; index += 1) await put(`settings-${index}`, 'a')
  await agrees(await start())
  expect(await modes()).toEqual(['WatchList'])
  await agrees(await start({ tuning: { watchList: false, pageSize: 3 } }))
  expect(await modes()).toContain('Paged')
})

test('metadata-only watches bring the metadata and the real kind, and no data', async () => {
  await put('settings', 'secret value')
  const informer = await start({ metadataOnly: true })
  const object = informer.get({ namespace, name: 'settings' })
  expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { labels: { test: 'yes' } } })
  expect(object).not.toHaveProperty('data')
})

test('an object that loses the label leaves the store', async () => {
  await put('settings', 'a')
  const informer = await start()
  await client.patch(
    kinds.ConfigMap,
    { namespace, name: 'settings' },
    { metadata: { labels: { test: null } } },
    { fieldManager: 'kubectl' },
  )
  await agrees(informer)
  expect(informer.size).toBe(0)
})

test('through cuts, silence, corruption and refusals the store ends up as the world is', async () => {
  for (let index = 0; index < 5; index += 1) await put(`settings-${index}`, 'a')
  const informer = await start({
    tuning: { backoff: { baseMs: 5, maxMs: 50 }, silenceMs: 500 },
  })
  const troubles: (() => void)[] = [
    () => proxy.cutWatches(),
    () => proxy.stallWatches(),
    () => {
      proxy.inject({ match: 'watch', type: 'corrupt', line: 1 })
      proxy.cutWatches()
    },
    () => {
      proxy.inject(
        { match: 'watch', type: 'status', code: 500 },
        { match: 'watch', type: 'status', code: 429, retryAfterSeconds: 0 },
        { match: 'watch', type: 'status', code: 410, reason: 'Expired' },
        { match: 'watch', type: 'cut', afterBytes: 300 },
        { match: 'watch', type: 'stall', afterBytes: 100 },
      )
      proxy.cutWatches()
    },
  ]
  for (const [round, trouble] of troubles.entries()) {
    trouble()
    await put(`settings-${round}`, `changed in round ${round}`)
    await put(`new-${round}`, 'a')
    await client.delete(kinds.ConfigMap, { namespace, name: `settings-${4 - round}` })
    await agrees(informer)
  }
  expect((await metrics.watchFailures.get()).values.length).toBeGreaterThan(0)
})

test('an API server that crashes and comes back is followed again without anybody helping', async () => {
  await put('before', 'a')
  const informer = await start()
  await plane.killApiServer()
  await plane.restartApiServer()
  await put('after', 'a')
  await agrees(informer)
  expect(informer.get({ namespace, name: 'after' })).toBeDefined()
})

test('a write is visible at once and its echo is not announced', async () => {
  const informer = await start()
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'own', labels: { test: 'yes' } },
  }
  const { object: written } = await client.apply(object, { fieldManager: 'test' })
  informer.observe(written)
  expect(informer.get(written.metadata)?.metadata.resourceVersion).toBe(written.metadata.resourceVersion)
  await put('marker', 'a')
  await eventually(() => {
    expect(changes.map((change) => change.object.metadata.name)).toContain('marker')
  })
  // Either the watch was faster than the answer, or it stays silent about what is known.
  expect(changes.filter((change) => change.object.metadata.name === 'own').length).toBeLessThanOrEqual(1)
})
