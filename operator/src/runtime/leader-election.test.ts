import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { startFlakyApiServer } from '../../test/support/flaky-api-server.ts'
import type { FlakyApiServer } from '../../test/support/flaky-api-server.ts'
import { startTinyApiServer } from '../../test/support/tiny-api-server.ts'
import type { TinyApiServer } from '../../test/support/tiny-api-server.ts'
import { createCredentials } from '../kube/credentials.ts'
import { createKubeClient } from '../kube/http-client.ts'
import { createTransport } from '../kube/transport.ts'
import type { Transport } from '../kube/transport.ts'
import { acquireLeadership } from './leader-election.ts'
import type { LeaderElectionOptions, Leadership } from './leader-election.ts'
import { createMetrics } from './metrics.ts'

const collection = '/apis/coordination.k8s.io/v1/namespaces/todochatbot-system/leases'
const timing = { durationMs: 1500, renewMs: 1000, retryMs: 30 }
const metrics = createMetrics()

// Leases run out in real time.
vi.setConfig({ testTimeout: 30_000 })

let api: TinyApiServer
/** Each candidate has a proxy of its own, so that one can be cut off. */
let proxies: FlakyApiServer[]
let transports: Transport[]
let stop: AbortController

beforeEach(async () => {
  api = await startTinyApiServer()
  proxies = []
  transports = []
  stop = new AbortController()
})

afterEach(async () => {
  stop.abort(new Error('end of test'))
  await Promise.all(transports.map((transport) => transport.close()))
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await api.close()
})

const candidate = async (
  identity: string,
  options: Partial<LeaderElectionOptions> = {},
): Promise<{ elected: Promise<Leadership>; proxy: FlakyApiServer }> => {
  const proxy = await startFlakyApiServer({ server: api.url, tls: {}, headers: {} })
  const credentials = createCredentials(() => Promise.resolve({ server: proxy.url, tls: {}, headers: {} }))
  const transport = createTransport({ credentials, userAgent: 'test/0' })
  proxies.push(proxy)
  transports.push(transport)
  const elected = acquireLeadership(
    {
      namespace: 'todochatbot-system',
      name: 'operator',
      identity,
      fieldManager: 'todochatbot-operator',
      ...timing,
      ...options,
    },
    { client: createKubeClient(transport), metrics, logger: pino({ level: 'silent' }) },
    stop.signal,
  )
  elected.catch(() => undefined)
  return { elected, proxy }
}

const lease = (): Record<string, unknown> =>
  (api.get(collection, 'operator')?.['spec'] ?? {}) as Record<string, unknown>
const isSettled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), 1))])

test('the first candidate creates the lease with times the API server accepts', async () => {
  const { elected } = await candidate('one')
  await elected
  expect(lease()).toMatchObject({ holderIdentity: 'one', leaseDurationSeconds: 2, leaseTransitions: 0 })
  for (const field of ['acquireTime', 'renewTime'])
    expect(lease()[field]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
})

test('of many candidates that start together one leads', async () => {
  const candidates = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((identity) => candidate(identity)))
  const winner = await Promise.race(candidates.map(({ elected }) => elected))
  expect(winner).toBeDefined()
  await eventually(async () => {
    const settled = await Promise.all(candidates.map(({ elected }) => isSettled(elected)))
    expect(settled.filter(Boolean)).toHaveLength(1)
  })
})

test('a leader that goes on renewing keeps the lease', async () => {
  const one = await candidate('one')
  await one.elected
  const two = await candidate('two')
  // More than the lease's duration: each look takes a retry period.
  await eventually(() => {
    expect(two.proxy.seen.length).toBeGreaterThan(70)
  }, 20_000)
  expect(await isSettled(two.elected)).toBe(false)
  expect(lease()['holderIdentity']).toBe('one')
})

test('a released lease is taken over at once, without waiting for it to run out', async () => {
  const one = await candidate('one', { durationMs: 60_000 })
  const leadership = await one.elected
  const two = await candidate('two', { durationMs: 60_000 })
  await eventually(() => {
    expect(two.proxy.seen.length).toBeGreaterThan(1)
  })
  await leadership.release()
  await two.elected
  expect(lease()).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 })
})

test('a leader that is cut off knows that it is none before another one leads', async () => {
  const one = await candidate('one')
  const leadership = await one.elected
  let endedAt = Infinity
  void leadership.lost.then(() => {
    endedAt = performance.now()
  })
  const two = await candidate('two', { durationMs: 2000 })
  one.proxy.inject({ type: 'stall', afterBytes: 0, times: 1000 })
  await two.elected
  const tookOverAt = performance.now()
  await leadership.lost
  expect(endedAt).toBeLessThan(tookOverAt)
})

test('a leader survives an API server that is down for a moment', async () => {
  const one = await candidate('one', { renewMs: 3000, durationMs: 4000 })
  const leadership = await one.elected
  const before = lease()['renewTime']
  one.proxy.inject({ type: 'status', code: 500, times: 5 })
  await eventually(() => {
    expect(lease()['renewTime']).not.toBe(before)
  })
  expect(await isSettled(leadership.lost)).toBe(false)
})

test('a leader whose lease somebody else holds stops leading', async () => {
  const { elected } = await candidate('one')
  const leadership = await elected
  const live = api.get(collection, 'operator')
  if (live === undefined) throw new Error('no lease')
  api.put(collection, { ...live, spec: { ...lease(), holderIdentity: 'thief' } })
  await leadership.lost
  await leadership.release()
  expect(lease()['holderIdentity']).toBe('thief')
})

test('waiting for the lease ends when it is no longer wanted', async () => {
  await (
    await candidate('one')
  ).elected
  const { elected } = await candidate('two')
  stop.abort(new Error('shutdown'))
  await expect(elected).rejects.toThrow('shutdown')
})
