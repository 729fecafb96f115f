import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { startFlakyApiServer } from '../../test/support/flaky-api-server.ts'
import type { Fault, FlakyApiServer } from '../../test/support/flaky-api-server.ts'
import { startTinyApiServer } from '../../test/support/tiny-api-server.ts'
import type { TinyApiServer } from '../../test/support/tiny-api-server.ts'
import { createCredentials } from './credentials.ts'
import { createKubeClient } from './http-client.ts'
import { kinds } from './kinds.ts'
import { listWatch } from './list-watch.ts'
import type { ListWatchOptions, ListWatchReport } from './list-watch.ts'
import type { KubeObject } from './object.ts'
import { createTransport } from './transport.ts'
import type { Transport } from './transport.ts'

const collection = '/api/v1/namespaces/todo-app/configmaps'
const configMap = (name: string, value = 'a'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'todo-app', name },
  data: { value },
})

let api: TinyApiServer
let proxy: FlakyApiServer
let transport: Transport
let stop: AbortController
let running: Promise<void>
/** What a store would hold, and whether a snapshot is complete. */
let world: Map<string, unknown>
let synced: number
let reports: ListWatchReport[]

const begin = async (server: { watchList?: boolean } = {}): Promise<void> => {
  api = await startTinyApiServer(server)
  proxy = await startFlakyApiServer({ server: api.url, tls: {}, headers: {} })
  const credentials = createCredentials(() => Promise.resolve({ server: proxy.url, tls: {}, headers: {} }))
  transport = createTransport({ credentials, userAgent: 'test/0' })
}

const follow = (options: Partial<ListWatchOptions> = {}): void => {
  const client = createKubeClient(transport)
  const tuning = { backoff: { baseMs: 1, maxMs: 4 }, silenceMs: 10_000, pageSize: 2 }
  const report = (event: ListWatchReport): number => reports.push(event)
  const consume = async (): Promise<void> => {
    let seen = new Set<string>()
    const events = listWatch(
      { transport, client },
      { ...tuning, kind: kinds.ConfigMap, namespace: 'todo-app', signal: stop.signal, report, ...options },
    )
    for await (const event of events) {
      if (event.type === 'begin') seen = new Set()
      else if (event.type === 'synced') {
        for (const name of world.keys()) if (!seen.has(name)) world.delete(name)
        synced += 1
      } else {
        const { name } = event.object.metadata
        if (event.type === 'delete') world.delete(name)
        else world.set(name, event.object['data'])
        seen.add(name)
      }
    }
  }
  running = consume()
}

const failures = (): unknown[] =>
  reports.flatMap((report) => (report.type === 'failure' ? [(report.error as { reason?: string }).reason] : []))
const worldIs = (expected: Record<string, string>): Promise<void> =>
  eventually(() => {
    expect(Object.fromEntries([...world].map(([name, data]) => [name, (data as { value: string }).value]))).toEqual(
      expected,
    )
  })
const syncs = (count: number): Promise<void> =>
  eventually(() => {
    expect(synced).toBeGreaterThanOrEqual(count)
  })
/** On both sides of the proxy: a watch it does not know yet would escape what is done to watches. */
const watching = (): Promise<void> =>
  eventually(() => {
    expect([api.watchers, proxy.openWatches()]).toEqual([1, 1])
  })

beforeEach(() => {
  stop = new AbortController()
  running = Promise.resolve()
  world = new Map()
  synced = 0
  reports = []
})

afterEach(async () => {
  stop.abort()
  await running
  await transport.close()
  await proxy.close()
  await api.close()
})

describe.each([
  ['a server that streams snapshots', true],
  ['a server that only knows paged lists', false],
])('before %s', (_, watchList) => {
  beforeEach(() => begin({ watchList }))

  test('the world is complete after the snapshot and follows every change', async () => {
    for (const name of ['one', 'two', 'three', 'four', 'five']) api.put(collection, configMap(name))
    follow()
    await syncs(1)
    await watching()
    api.put(collection, configMap('one', 'b'))
    api.remove(collection, 'two')
    api.put(collection, configMap('six'))
    await worldIs({ one: 'b', three: 'a', four: 'a', five: 'a', six: 'a' })
  })

  test.each([
    ['the list is refused with 500', { type: 'status', code: 500, times: 3 }],
    ['the list is refused with 429', { type: 'status', code: 429, retryAfterSeconds: 0, times: 9 }],
    ['the list is refused with 401 twice in a row', { type: 'status', code: 401, times: 4 }],
    ['the connection is closed without an answer', { type: 'refuse', times: 5 }],
    ['the first answer is cut in the middle', { type: 'cut', afterBytes: 150 }],
    ['a line of the first answer is corrupt', { type: 'corrupt', line: 0 }],
  ] satisfies [string, Fault][])('it gets there although %s', async (_problem, fault) => {
    api.put(collection, configMap('one'))
    api.put(collection, configMap('two'))
    proxy.inject(fault)
    follow()
    await syncs(1)
    await watching()
    api.put(collection, configMap('three'))
    await worldIs({ one: 'a', two: 'a', three: 'a' })
    expect(failures().length).toBeGreaterThan(0)
  })

  test('a watch that is cut in the middle of a line goes on where it was, without another list', async () => {
    follow()
    await syncs(1)
    await watching()
    api.put(collection, configMap('one'))
    await worldIs({ one: 'a' })
    const listsBefore = reports.filter(({ type }) => type === 'list').length
    proxy.cutWatches()
    api.put(collection, configMap('two'))
    await worldIs({ one: 'a', two: 'a' })
    expect(reports.filter(({ type }) => type === 'list')).toHaveLength(listsBefore)
  })

  test('what was deleted while the version expired is found missing by the new snapshot', async () => {
    api.put(collection, configMap('one'))
    api.put(collection, configMap('two'))
    follow()
    await syncs(1)
    await watching()
    // It must not be back, nor the old connection still bring them, when the changes are made.
    proxy.inject({ match: 'watch', type: 'status', code: 503, times: 6 })
    proxy.cutWatches()
    await eventually(() => {
      expect(api.watchers).toBe(0)
    })
    api.remove(collection, 'one')
    api.put(collection, configMap('three'))
    api.compact()
    await syncs(2)
    await worldIs({ two: 'a', three: 'a' })
    expect(failures()).toContain('Expired')
  })

  test('a connection that has gone silent is replaced', async () => {
    follow({ silenceMs: 400 })
    await syncs(1)
    await watching()
    proxy.stallWatches()
    api.put(collection, configMap('one'))
    await worldIs({ one: 'a' })
    expect(failures()).toContain('Silent')
  })

  test('bookmarks move the version on: a quiet watch that is reopened after compaction needs no list', async () => {
    follow()
    await syncs(1)
    await watching()
    for (const value of ['b', 'c', 'd']) api.put('/api/v1/namespaces/elsewhere/configmaps', configMap('x', value))
    const alive = reports.filter(({ type }) => type === 'alive').length
    api.compact()
    api.bookmark()
    await eventually(() => {
      expect(reports.filter(({ type }) => type === 'alive').length).toBeGreaterThan(alive)
    })
    api.endWatches()
    await watching()
    api.put(collection, configMap('one'))
    await worldIs({ one: 'a' })
    expect(synced).toBe(1)
  })
})

test('a watch that opens and ends again and again is reopened with growing pauses', async () => {
  await begin({ watchList: false })
  const pauses: number[] = []
  const bounds = { baseMs: 10, maxMs: 80 }
  follow({
    backoff: bounds,
    random: () => 0.999,
    report: (report) => {
      if (report.type === 'failure') pauses.push(report.retryInMs)
      // Ends each watch right after it was opened.
      if (report.type === 'watch') void eventually(() => expect(api.watchers).toBe(1)).then(() => api.endWatches())
    },
  })
  await eventually(() => {
    expect(pauses.slice(0, 5)).toEqual([9, 19, 39, 79, 79])
  })
})

test('an exception of the consumer reaches the consumer and closes the connection', async () => {
  await begin()
  api.put(collection, configMap('one'))
  const consume = async (): Promise<void> => {
    const client = createKubeClient(transport)
    const options = { kind: kinds.ConfigMap, namespace: 'todo-app', signal: stop.signal }
    for await (const event of listWatch({ transport, client }, options))
      if (event.type === 'upsert') throw new RangeError('handler bug')
  }
  await expect(consume()).rejects.toThrow('handler bug')
  await eventually(() => {
    expect(api.watchers).toBe(0)
  })
})
