import { describe, expect, test } from 'vitest'
import { anObserved, aPod, now } from '../../../test/support/observed.ts'
import type { KafkaReport } from '../kafka/kafka-report.ts'
import { judgeCertificates } from './certificates.ts'
import { judgeControlPlane } from './dapr-control-plane.ts'
import { judgeDiagnostics, type Diagnostics } from './diagnostics.ts'
import { judgeDeadLetters, judgeGroups, judgeLag, judgeLeaders, judgeReplicas, judgeRetention } from './kafka.ts'
import { amountOf, judgeUse } from './resource-use.ts'
import { judgeSubscriptions } from './sidecars.ts'
import { judgeStorage } from './storage.ts'
import { watchedWorkers } from './watched-workers.ts'
import { judgePools, slowShare } from './worker-database.ts'
import { judgeHealth } from './worker-health.ts'
import type { Vitals } from './worker-vitals.ts'

const observed = anObserved()
const workers = watchedWorkers(observed)
const [worker] = workers
const vitals = (answer: Vitals['answer'], pod = aPod('audit-1')): Vitals => ({ worker: worker!, pod, answer })
const well = { checks: { database: 'ok' }, pool: { total: 5, idle: 4, waiting: 0 } }

describe('worker-health', () => {
  test.each([
    ['all healthy', [vitals(well)], 'Passed', undefined],
    [
      'Ready and without an answer',
      [vitals({ problem: 'no answer in time' })],
      'Failed',
      /audit-1 is Ready, and says: no answer/,
    ],
    ['Ready and unhealthy', [vitals({ ...well, checks: { database: 'refused' } })], 'Failed', /database: refused/],
    ['not Ready for long', [vitals(well, aPod('audit-1', { ready: false }))], 'Warning', /is not Ready/],
    [
      'not Ready and young',
      [vitals(well, aPod('a', { ready: false, createdAt: new Date(now).toISOString() }))],
      'Passed',
      undefined,
    ],
  ] as const)('%s', (_what, said, result, message) => {
    const outcome = judgeHealth(said, now)
    expect(outcome.result).toBe(result)
    if (message !== undefined) expect(outcome.message).toMatch(message)
  })
})

describe('database-pools and slow statements', () => {
  const pool = (waiting: number, total = 5) =>
    judgePools([vitals({ checks: {}, pool: { total, idle: 0, waiting } })]).result
  test('callers that wait are a warning, more than there are connections a failure', () =>
    expect([pool(0), pool(3), pool(6)]).toEqual(['Passed', 'Warning', 'Failed']))
  test('a share is of the statements since the last look; a process that started anew counts from zero', () => {
    const counts = (total: number, slow: number) => new Map([['a', { total, slow }]])
    expect(slowShare(counts(1000, 0), counts(1100, 5))).toBe(0.05)
    expect(slowShare(counts(1000, 900), counts(100, 1))).toBe(0.01)
    expect(slowShare(counts(1000, 0), counts(1010, 10))).toBeUndefined()
  })
})

const healthy: Diagnostics = {
  connections: { used: 10, limit: 100 },
  databaseBytes: 1,
  running: [],
  slowest: null,
  oldestTransaction: 0,
  indexes: { missing: [], invalid: [], expected: 3 },
  outbox: { pending: 0, oldestAge: 0 },
  overdueReminders: { count: 0, oldestAge: 0 },
  bloatedTables: [],
}

test('the database: each figure beyond its bound turns its own check and no other', () => {
  expect(judgeDiagnostics(healthy, 0).filter(({ result }) => result !== 'Passed')).toEqual([])
  const turned = (over: Partial<Diagnostics>, share?: number): string[] =>
    judgeDiagnostics({ ...healthy, ...over }, share).flatMap(({ name, result }) =>
      result === 'Passed' ? [] : [`${name} ${result}`],
    )
  expect(turned({ connections: { used: 85, limit: 100 } })).toEqual(['database-connections Warning'])
  expect(turned({ connections: { used: 96, limit: 100 } })).toEqual(['database-connections Failed'])
  expect(turned({ running: [{ statement: 'SELECT', seconds: 3 }] })).toEqual(['slow-queries Warning'])
  expect(turned({}, 0.2)).toEqual(['slow-queries Failed'])
  expect(turned({ oldestTransaction: 61 })).toEqual(['long-transactions Warning'])
  expect(
    turned({ indexes: { missing: [{ name: 'i', statement: 'CREATE INDEX i' }], invalid: [], expected: 3 } }),
  ).toEqual(['database-indexes Failed'])
  expect(turned({ outbox: { pending: 9, oldestAge: 301 } })).toEqual(['outbox Failed'])
  expect(turned({ overdueReminders: { count: 1, oldestAge: 61 } })).toEqual(['overdue-reminders Warning'])
  expect(turned({ bloatedTables: ['tasks'] })).toEqual(['database-vacuum Warning'])
})

describe('Kafka', () => {
  const partition = (over: object = {}) => ({
    partition: 0,
    leader: 1,
    replicas: 1,
    inSync: 1,
    beginning: 0,
    end: 10,
    ...over,
  })
  const topic = (...partitions: ReturnType<typeof partition>[]) => ({
    name: 'task-events',
    partitions,
    config: { 'min.insync.replicas': '2' },
  })
  const consumer = (over: object = {}) => ({
    group: 'g',
    state: 'Stable',
    members: [{ clientId: 'c', host: 'h', partitions: 1 }],
    topics: [],
    ...over,
  })
  const place = (over: object = {}) => ({
    topic: 'task-events',
    committed: 5,
    end: 10,
    lag: 5,
    maxPartitionLag: 5,
    shown: 5,
    rounded: 5,
    partitions: [],
    ...over,
  })
  const report = (audit: object, over: Partial<KafkaReport> = {}): KafkaReport => ({
    at: now,
    consumers: { audit: consumer(audit) },
    deadLetters: [],
    topics: new Map(),
    ...over,
  })
  const auditOnly = workers.filter(({ field }) => field === 'audit')

  test('a partition without leader, replicas behind, and too few of them', () => {
    expect(judgeLeaders([topic(partition())]).result).toBe('Passed')
    expect(judgeLeaders([topic(partition({ leader: -1 }))]).result).toBe('Failed')
    expect(judgeReplicas([topic(partition({ replicas: 3, inSync: 2 }))]).result).toBe('Warning')
    expect(judgeReplicas([topic(partition({ replicas: 3, inSync: 1 }))]).result).toBe('Failed')
  })
  test('a group without members although its pods are Ready', () => {
    expect(judgeGroups(report({}), auditOnly, now).result).toBe('Passed')
    expect(judgeGroups(report({ state: 'Empty', members: [] }), auditOnly, now)).toMatchObject({
      result: 'Failed',
      message: /audit: 1 Ready pod/,
    })
    expect(judgeGroups(report({ state: 'PreparingRebalance', members: [] }), auditOnly, now).result).toBe('Passed')
  })
  test('lag that does not move for five minutes', () => {
    const still = (minutes: number) =>
      judgeLag(report({ topics: [place({ stillSince: now - minutes * 60_000 })] }), auditOnly, now).result
    expect([still(1), still(5)]).toEqual(['Passed', 'Failed'])
    expect(judgeLag(report({ topics: [place({ lag: 5_000 })] }), auditOnly, now).result).toBe('Warning')
  })
  test('events that left the topic before they were taken', () => {
    const lost = report(
      { topics: [place({ partitions: [{ partition: 0, position: 3, lag: 7 }] })] },
      { topics: new Map([['task-events', topic(partition({ beginning: 5 }))]]) },
    )
    expect(judgeRetention(lost)).toMatchObject({ result: 'Failed', message: /2 events are gone/ })
  })
  test('dead letters warn, and fail while they grow', () => {
    const letters = (over: object) =>
      report({}, { deadLetters: [{ topic: 'task-events.dlq', count: 2, end: 2, shown: 2, rounded: 2, ...over }] })
    expect(judgeDeadLetters(letters({ count: 0 })).result).toBe('Passed')
    expect(judgeDeadLetters(letters({})).result).toBe('Warning')
    expect(judgeDeadLetters(letters({ growth: { since: 0, latest: 0, added: 2 } })).result).toBe('Failed')
  })
})

test('subscriptions: one that daprd lacks is named although its object exists, and an object that is gone, too', () => {
  const expected = [
    { appId: 'todo-audit', object: 'todo-audit-task-events', pubsub: 'todo-task-pubsub', topic: 'task-events' },
  ]
  expect(judgeSubscriptions(observed, expected, () => true)).toMatchObject({
    result: 'Failed',
    message: /daprd of Pod\/todo-audit-0 has not loaded/,
  })
  expect(judgeSubscriptions(observed, expected, () => false).message).toMatch(
    /Subscription\/todo-audit-task-events does not exist/,
  )
})

test('an isolated worker and one that is scaled to nothing are not expected to work', () => {
  const until = new Date(now + 60_000).toISOString()
  const isolated = { mode: 'Network' as const, reason: 'r', by: 'b', until }
  const seen = anObserved({ spec: { services: { audit: { isolated } } } })
  expect(watchedWorkers(seen).map(({ field }) => field)).not.toContain('audit')
})

test('resources, storage, certificates and the control plane by their bounds', () => {
  expect(['250m', '12345678n', '64Mi', '1', 'x'].map(amountOf)).toEqual([0.25, 0.012345678, 64 * 2 ** 20, 1, undefined])
  const use = (memory: number) =>
    judgeUse([{ pod: 'p', container: 'c', use: { memory }, limits: { memory: 100 } }]).result
  expect([use(50), use(86), use(96)]).toEqual(['Passed', 'Warning', 'Failed'])
  const stored = (share: number) => judgeStorage([{ object: 'StatefulSet/x', stored: share, capacity: 1 }]).result
  expect([stored(0.5), stored(0.8), stored(0.95)]).toEqual(['Passed', 'Warning', 'Failed'])
  const ends = (days: number) =>
    judgeCertificates([{ server: 's', subject: 'c', validTo: now + days * 86_400_000 }], now).result
  expect([ends(30), ends(10), ends(1), ends(-1)]).toEqual(['Passed', 'Warning', 'Failed', 'Failed'])
  expect(judgeCertificates([{ server: 's', problem: 'refused' }], now).result).toBe('Unknown')
  expect(judgeControlPlane({ problem: 'forbidden' }).map(({ result }) => result)).toEqual(['Unknown', 'Unknown'])
  expect(judgeControlPlane({ pods: [] }).map(({ result }) => result)).toEqual(['Failed', 'Warning'])
})
