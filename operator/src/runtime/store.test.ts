import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../kube/object.ts'
import { createStore } from './store.ts'

const object = (
  name: string,
  version: number,
  extra: { uid?: string; namespace?: string; owner?: string; spec?: unknown } = {},
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    namespace: extra.namespace ?? 'todo-app',
    name,
    uid: extra.uid ?? `uid-${name}`,
    resourceVersion: String(version),
    labels: { app: 'todo' },
    managedFields: [{ manager: 'kubectl' }],
    ...(extra.owner !== undefined && {
      ownerReferences: [{ apiVersion: 'v1', kind: 'TodoChatbot', name: 'todo', uid: extra.owner }],
    }),
  },
  spec: extra.spec ?? { replicas: version },
  status: { readyReplicas: 1 },
})
const ref = { namespace: 'todo-app', name: 'chat-api' }

test('a packed object gives its metadata and status at once and everything when asked', () => {
  const store = createStore({ pack: true })
  store.upsert(object('chat-api', 5))
  const head = store.get(ref)
  expect(head).toMatchObject({ kind: 'Deployment', status: { readyReplicas: 1 } })
  expect(head).not.toHaveProperty('spec')
  expect(head && store.whole(head)['spec']).toEqual({ replicas: 5 })
})

test('managedFields are not kept', () => {
  const store = createStore()
  store.upsert(object('chat-api', 5))
  expect(store.get(ref)?.metadata).not.toHaveProperty('managedFields')
})

test('our own write is seen at once, and the watch that is still behind does not take it back', () => {
  const store = createStore()
  store.upsert(object('chat-api', 5))
  store.observe(object('chat-api', 9))
  expect(store.upsert(object('chat-api', 7))).toBeUndefined()
  expect(store.get(ref)?.['spec']).toEqual({ replicas: 9 })
})

test('the echo of our own write is no change, what comes after it is', () => {
  const store = createStore()
  store.observe(object('chat-api', 9))
  expect(store.upsert(object('chat-api', 9))).toBeUndefined()
  expect(store.upsert(object('chat-api', 10))).toMatchObject({ type: 'upsert' })
})

test('an object we deleted stays hidden until the watch confirms, and its successor is shown', () => {
  const store = createStore()
  store.upsert(object('chat-api', 5))
  store.observeDeleted(object('chat-api', 5))
  store.upsert(object('chat-api', 6))
  expect(store.get(ref)).toBeUndefined()
  store.upsert(object('chat-api', 8, { uid: 'successor' }))
  expect(store.get(ref)?.metadata.uid).toBe('successor')
})

test('the late deletion of a predecessor does not remove what we created since', () => {
  const store = createStore()
  store.upsert(object('chat-api', 5, { uid: 'old' }))
  store.observeDeleted(object('chat-api', 5, { uid: 'old' }))
  store.observe(object('chat-api', 8, { uid: 'new' }))
  expect(store.remove(object('chat-api', 7, { uid: 'old' }))).toBeUndefined()
  expect(store.get(ref)?.metadata.uid).toBe('new')
})

test('a snapshot removes what it did not hold, except what we wrote after it was taken', () => {
  const store = createStore()
  store.upsert(object('stale', 5))
  store.upsert(object('kept', 6))
  store.observe(object('fresh', 20))
  const removed = store.retain(new Set(['todo-app/kept']), '10', undefined)
  expect(removed.map((change) => change.object.metadata.name)).toEqual(['stale'])
  expect(
    store
      .list()
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(['fresh', 'kept'])
})

test('a snapshot of one namespace says nothing about another', () => {
  const store = createStore()
  store.upsert(object('a', 5, { namespace: 'one' }))
  store.upsert(object('b', 5, { namespace: 'two' }))
  store.retain(new Set(), '10', 'one')
  expect(store.list().map(({ metadata }) => metadata.namespace)).toEqual(['two'])
})

test('indexes by owner and namespace agree with a scan after any history', () => {
  const step = fc.record({
    kind: fc.constantFrom('upsert', 'remove', 'observe', 'observeDeleted'),
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('one', 'two'),
    owner: fc.constantFrom('x', 'y', undefined),
    version: fc.integer({ min: 1, max: 50 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const store = createStore({ pack: true })
      for (const { kind, name, version, namespace, owner } of steps) {
        const value = object(name, version, { namespace, ...(owner !== undefined && { owner }) })
        if (kind === 'upsert') store.upsert(value)
        else if (kind === 'remove') store.remove(value)
        else if (kind === 'observe') store.observe(value)
        else store.observeDeleted(value)
      }
      const all = store.list()
      expect(store.size).toBe(all.length)
      for (const owner of ['x', 'y']) {
        const scanned = all.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner))
        expect(new Set(store.ownedBy(owner))).toEqual(new Set(scanned))
      }
      for (const namespace of ['one', 'two']) {
        const scanned = all.filter(({ metadata }) => metadata.namespace === namespace)
        expect(new Set(store.inNamespace(namespace))).toEqual(new Set(scanned))
      }
    }),
  )
})

test('versions of an object never go back, in whatever order writes and the watch arrive', () => {
  const arrival = fc.record({ own: fc.boolean(), version: fc.integer({ min: 1, max: 1000 }) })
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 30 }), (arrivals) => {
      const store = createStore()
      let newest = 0
      for (const { own, version } of arrivals) {
        if (own) store.observe(object('chat-api', version))
        else store.upsert(object('chat-api', version))
        newest = Math.max(newest, version)
        expect(store.get(ref)?.metadata.resourceVersion).toBe(String(newest))
      }
    }),
  )
})
