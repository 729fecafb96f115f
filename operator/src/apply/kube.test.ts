import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTinyApiServer } from '../../test/support/tiny-api-server.ts'
import type { TinyApiServer } from '../../test/support/tiny-api-server.ts'
import { createCredentials } from '../kube/credentials.ts'
import { createKubeClient } from '../kube/http-client.ts'
import { kinds } from '../kube/kinds.ts'
import type { KubeObject } from '../kube/object.ts'
import { createTransport } from '../kube/transport.ts'
import type { Transport } from '../kube/transport.ts'
import { createInformer } from '../runtime/informer.ts'
import type { Informer } from '../runtime/informer.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { createApplier } from './kube.ts'
import type { Applier, ApplyResult, Owner } from './kube.ts'

const collection = '/api/v1/namespaces/todo-app/configmaps'
const labels = { 'app.kubernetes.io/managed-by': 'todochatbot-operator' }
const owner: Owner = {
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'TodoChatbot',
  metadata: { namespace: 'todo-app', name: 'todo', uid: 'uid-of-todo' },
}

let api: TinyApiServer
let transport: Transport
let cache: Informer
let applier: Applier
let requests = 0
let objects = 0
const stop = new AbortController()

beforeAll(async () => {
  api = await startTinyApiServer()
  const credentials = createCredentials(() => Promise.resolve({ server: api.url, tls: {}, headers: {} }))
  transport = createTransport({ credentials, userAgent: 'test/0', onResponse: () => (requests += 1) })
  const client = createKubeClient(transport)
  const logger = pino({ level: 'silent' })
  const options = { kind: kinds.ConfigMap, labelSelector: 'app.kubernetes.io/managed-by=todochatbot-operator' }
  cache = createInformer(
    { ...options, namespaces: ['todo-app'], pack: true },
    { transport, client, metrics: createMetrics(), logger },
  )
  void cache.run(stop.signal)
  await cache.whenSynced(stop.signal)
  applier = createApplier({
    client,
    cacheOf: () => cache,
    fieldManager: 'todochatbot-operator',
    hashAnnotation: 'todochatbot.dev/hash',
    now: () => performance.now(),
  })
})

afterAll(async () => {
  stop.abort(new Error('end'))
  await transport.close()
  await api.close()
})

const newName = (): string => `settings-${(objects += 1)}`
const configMap = (name: string, data: Record<string, string>, annotations = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'todo-app', name, labels, annotations },
  data,
})
const apply = async (object: KubeObject): Promise<ApplyResult | undefined> =>
  (await applier.applyObjects({ owner, items: [{ object }], signal: stop.signal }))[0]
const writesOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = requests
  await work()
  return requests - before
}

const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.string())

test('applying the same object any number of times writes it once', async () => {
  await fc.assert(
    fc.asyncProperty(data, fc.integer({ min: 1, max: 4 }), async (content, times) => {
      const name = newName()
      expect((await apply(configMap(name, content)))?.action).toBe('created')
      const writes = await writesOf(async () => {
        for (let again = 0; again < times; again += 1) await apply(configMap(name, content))
      })
      expect(writes).toBe(0)
    }),
    { numRuns: 40 },
  )
})

test('after any sequence of desired states the live object holds the last one, and what others put beside it', async () => {
  const foreign = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.string({ minLength: 1 }), { minKeys: 1 })
  await fc.assert(
    fc.asyncProperty(fc.array(data, { minLength: 1, maxLength: 4 }), foreign, async (states, theirs) => {
      const name = newName()
      await apply(configMap(name, {}))
      const live = api.get(collection, name)
      if (live === undefined) throw new Error('not created')
      api.put(collection, {
        ...live,
        metadata: { ...live.metadata, labels: { ...live.metadata.labels, ...theirs } },
        data: theirs,
      })
      for (const state of states) await apply(configMap(name, state))
      const last = states.at(-1) ?? {}
      const result = api.get(collection, name)
      expect(result?.['data']).toEqual({ ...theirs, ...last })
      expect(result?.metadata.labels).toEqual({ ...labels, ...theirs })
    }),
    { numRuns: 40 },
  )
})

test('what somebody changed is put back by one write, as soon as the watch has told of it', async () => {
  const name = newName()
  await apply(configMap(name, { level: 'info' }))
  const live = api.get(collection, name)
  if (live === undefined) throw new Error('not created')
  const changed = api.put(collection, { ...live, data: { level: 'debug' } })
  await expect.poll(() => cache.get(changed.metadata)?.metadata.resourceVersion).toBe(changed.metadata.resourceVersion)
  expect(await writesOf(() => apply(configMap(name, { level: 'info' })))).toBe(1)
  expect(api.get(collection, name)?.['data']).toEqual({ level: 'info' })
})

test('the object carries the owner reference that lets the garbage collector remove it', async () => {
  const name = newName()
  await apply(configMap(name, {}))
  expect(api.get(collection, name)?.metadata.ownerReferences).toEqual([
    {
      apiVersion: 'todochatbot.dev/v1alpha1',
      kind: 'TodoChatbot',
      name: 'todo',
      uid: 'uid-of-todo',
      controller: true,
      blockOwnerDeletion: true,
    },
  ])
})

test('an object that is being deleted is not written to', async () => {
  const name = newName()
  await apply(configMap(name, { level: 'info' }))
  const live = api.get(collection, name)
  if (live === undefined) throw new Error('not created')
  const dying = api.put(collection, {
    ...live,
    metadata: { ...live.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
  })
  await expect.poll(() => cache.get(dying.metadata)?.metadata.deletionTimestamp).toBeDefined()
  const result = await apply(configMap(name, { level: 'debug' }))
  expect(result).toMatchObject({ error: { code: 'TDC_APPLY_UNAVAILABLE', retryable: true } })
})

test('objects of a deleted system of the same name are waited for, not fought over', async () => {
  const name = newName()
  await apply(configMap(name, {}))
  const successor = { ...owner, metadata: { ...owner.metadata, uid: 'uid-of-successor' } }
  const items = [{ object: configMap(name, {}) }]
  const [result] = await applier.applyObjects({ owner: successor, items, signal: stop.signal })
  expect(result).toMatchObject({ error: { code: 'TDC_APPLY_UNAVAILABLE', retryAfterMs: 5000 } })
})
