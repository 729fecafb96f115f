import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { startFlakyApiServer } from '../../test/support/flaky-api-server.ts'
import type { FlakyApiServer } from '../../test/support/flaky-api-server.ts'
import { startTinyApiServer } from '../../test/support/tiny-api-server.ts'
import type { TinyApiServer } from '../../test/support/tiny-api-server.ts'
import { createCredentials } from '../kube/credentials.ts'
import { createKubeClient } from '../kube/http-client.ts'
import { kinds } from '../kube/kinds.ts'
import type { KubeObject } from '../kube/object.ts'
import { createTransport } from '../kube/transport.ts'
import type { Transport } from '../kube/transport.ts'
import { createInformer } from './informer.ts'
import type { Change, Informer, InformerOptions } from './informer.ts'
import { createMetrics } from './metrics.ts'

const collectionOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`
const configMap = (name: string, namespace = 'todo-app'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data: { value: 'a' },
})

let api: TinyApiServer
let proxy: FlakyApiServer
let transport: Transport
let stop: AbortController
let changes: Change[]
const metrics = createMetrics()

const start = (options: Partial<InformerOptions> = {}): { informer: Informer; running: Promise<void> } => {
  const tuning = { backoff: { baseMs: 1, maxMs: 4 } }
  const informer = createInformer(
    { kind: kinds.ConfigMap, namespaces: ['todo-app'], tuning, ...options },
    { transport, client: createKubeClient(transport), metrics, logger: pino({ level: 'silent' }) },
  )
  informer.onChange((change) => changes.push(change))
  return { informer, running: informer.run(stop.signal) }
}

/** One that has its first list and watches. */
const following = async (): Promise<Informer> => {
  const { informer } = start()
  await informer.whenSynced(stop.signal)
  await eventually(() => {
    expect(api.watchers).toBe(1)
  })
  return informer
}

beforeEach(async () => {
  api = await startTinyApiServer()
  proxy = await startFlakyApiServer({ server: api.url, tls: {}, headers: {} })
  const credentials = createCredentials(() => Promise.resolve({ server: proxy.url, tls: {}, headers: {} }))
  transport = createTransport({ credentials, userAgent: 'test/0' })
  stop = new AbortController()
  changes = []
})

afterEach(async () => {
  stop.abort()
  await transport.close()
  await proxy.close()
  await api.close()
})

test('objects of the first list are announced as such, later ones are not', async () => {
  api.put(collectionOf('todo-app'), configMap('one'))
  const { informer } = start()
  await informer.whenSynced(stop.signal)
  api.put(collectionOf('todo-app'), configMap('two'))
  await eventually(() => {
    expect(changes.map(({ object, initial }) => [object.metadata.name, initial])).toEqual([
      ['one', true],
      ['two', false],
    ])
  })
})

test('it is not synced before all its namespaces are', async () => {
  proxy.inject({
    match: ({ path }) => path.includes('/two/'),
    type: 'stall',
    afterBytes: 0,
  })
  api.put(collectionOf('one'), configMap('a', 'one'))
  const { informer } = start({ namespaces: ['one', 'two'] })
  await eventually(() => {
    expect(informer.size).toBe(1)
  })
  expect(informer.synced).toBe(false)
  const patience = new AbortController()
  const waiting = informer.whenSynced(patience.signal)
  patience.abort(new Error('no longer'))
  await expect(waiting).rejects.toThrow('no longer')
})

test('changes missed during an outage arrive as changes: the handlers see additions and deletions', async () => {
  api.put(collectionOf('todo-app'), configMap('one'))
  await following()
  proxy.inject({ match: 'watch', type: 'status', code: 503, times: 3 })
  proxy.cutWatches()
  api.remove(collectionOf('todo-app'), 'one')
  api.put(collectionOf('todo-app'), configMap('two'))
  api.compact()
  await eventually(() => {
    expect(
      changes
        .slice(1)
        .map(({ type, object }) => `${type} ${object.metadata.name}`)
        .sort(),
    ).toEqual(['delete one', 'upsert two'])
  })
})

test('what one writer did is told to everybody once, and to itself as its own', async () => {
  api.put(collectionOf('todo-app'), configMap('one'))
  const informer = await following()
  const toldAs = (writer: string): [string, boolean][] => {
    const told: [string, boolean][] = []
    informer.as(writer).onChange(({ type, object, own }) => told.push([`${type} ${object.metadata.name}`, own]))
    return told
  }
  const [writer, reader] = [toldAs('writer'), toldAs('reader')]
  const seen = informer.as('writer')
  // Before the event loop can bring the watch's copy.
  const made = api.put(collectionOf('todo-app'), configMap('two'))
  seen.observe(made)
  expect(informer.get(made.metadata)?.metadata.resourceVersion).toBe(made.metadata.resourceVersion)
  api.remove(collectionOf('todo-app'), 'two')
  seen.observeDeleted(made)
  api.put(collectionOf('todo-app'), configMap('three'))
  await eventually(() => {
    expect(informer.size).toBe(2)
  })
  expect(reader).toEqual([
    ['upsert two', false],
    ['delete two', false],
    ['upsert three', false],
  ])
  expect(writer).toEqual([
    ['upsert two', true],
    ['delete two', true],
    ['upsert three', false],
  ])
})

test('a relist of an unchanged world announces nothing', async () => {
  for (const name of ['one', 'two']) api.put(collectionOf('todo-app'), configMap(name))
  await following()
  api.compact()
  api.put(collectionOf('todo-app'), configMap('three'))
  await eventually(() => {
    expect(changes).toHaveLength(3)
  })
  proxy.inject({ match: 'watch', type: 'status', code: 410, reason: 'Expired' })
  const before = proxy.seen.length
  api.endWatches()
  await eventually(() => {
    expect(proxy.seen.length).toBeGreaterThanOrEqual(before + 2)
    expect(api.watchers).toBe(1)
  })
  expect(changes).toHaveLength(3)
})

test('a handler that throws ends the informer with that error instead of losing the change silently', async () => {
  api.put(collectionOf('todo-app'), configMap('one'))
  const { informer, running } = start()
  const ended = expect(running).rejects.toThrow('handler bug')
  informer.onChange(() => {
    throw new Error('handler bug')
  })
  await ended
})

test('it ends quietly when it is stopped', async () => {
  const { informer, running } = start()
  await informer.whenSynced(stop.signal)
  stop.abort()
  await expect(running).resolves.toBeUndefined()
})
