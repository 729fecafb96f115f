import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KafkaUnreachable, type KafkaAdmin, type WithKafkaAdmin } from './kafka-admin.ts'
import type { ActualTopic, TopicSpec } from './topic-plan.ts'
import { topicKeeper, type TopicKeeper, type TopicReport } from './topic-keeper.ts'

/** Brokers in memory behind the admin port: what a session does to them is what the tests assert. */
function brokers() {
  const topics = new Map<string, ActualTopic>()
  const state = { sessions: 0, open: 0, mostOpen: 0, down: false, refuse: new Set<string>() }
  const done = Promise.resolve(new Map<string, string>())
  const admin: KafkaAdmin = {
    describe: (names) => Promise.resolve(new Map([...topics].filter(([name]) => names.includes(name)))),
    create: (specs) => {
      for (const spec of specs) if (!state.refuse.has(spec.name)) topics.set(spec.name, spec)
      const refused = specs.filter(({ name }) => state.refuse.has(name))
      return Promise.resolve(new Map(refused.map(({ name }) => [name, 'Replication-factor is invalid'])))
    },
    grow: (grown) => {
      for (const { name, count } of grown) topics.set(name, { ...topics.get(name)!, partitions: count })
      return done
    },
    configure: (changed) => {
      for (const { name, config } of changed) topics.set(name, { ...topics.get(name)!, config })
      return done
    },
    list: () => Promise.resolve([]),
    figures: () => Promise.resolve({ topics: new Map(), groups: new Map() }),
    remove: (names) => {
      for (const name of names) topics.delete(name)
      return done
    },
  }
  const withAdmin: WithKafkaAdmin = async (connection, work) => {
    state.sessions += 1
    state.open += 1
    state.mostOpen = Math.max(state.mostOpen, state.open)
    try {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (state.down) throw new KafkaUnreachable(connection.brokers, new Error('connect ECONNREFUSED'))
      return await work(admin)
    } finally {
      state.open -= 1
    }
  }
  return { topics, state, withAdmin }
}

const connection = { brokers: ['kafka:9092'] }
const spec = (name: string, over: Partial<TopicSpec> = {}): TopicSpec => ({
  name,
  partitions: 3,
  replicationFactor: 1,
  config: {},
  ...over,
})

describe('the topic keeper', () => {
  let keeper: TopicKeeper
  let kafka: ReturnType<typeof brokers>
  let changed: string[]
  beforeEach(() => {
    vi.useFakeTimers()
    kafka = brokers()
    changed = []
    keeper = topicKeeper({
      withAdmin: kafka.withAdmin,
      onChange: (owner) => changed.push(owner),
      log: () => undefined,
      checkPeriod: 30_000,
      now: () => performance.now(),
      batchSize: 100,
      linger: 50,
      firstBackoff: 1_000,
      maxBackoff: 8_000,
      parallelSessions: 2,
    })
  })
  afterEach(async () => {
    await keeper.stop()
    vi.useRealTimers()
  })
  const pass = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms)
  }
  const ensure = (owner: string, ...topics: TopicSpec[]): TopicReport => keeper.ensure(owner, connection, topics)

  test('creates what is missing and tells the owner once', async () => {
    expect(ensure('a', spec('t1'))).toEqual({ pending: true, topics: new Map() })
    await pass(60)
    expect(changed).toEqual(['a'])
    expect(ensure('a', spec('t1'))).toEqual({
      pending: false,
      topics: new Map([['t1', { name: 't1', state: 'Ready', partitions: 3, replicationFactor: 1 }]]),
    })
    expect(kafka.topics.get('t1')?.partitions).toBe(3)
  })

  test('carries out the topics of a hundred owners in one session', async () => {
    for (let owner = 0; owner < 100; owner += 1) ensure(`o${owner}`, spec(`t${owner}`))
    await pass(60)
    expect(kafka.topics.size).toBe(100)
    expect(kafka.state.sessions).toBe(1)
    expect(changed).toHaveLength(100)
  })

  test('looks only at what is new when one more owner arrives, and at most at a batch in one session', async () => {
    for (let owner = 0; owner < 150; owner += 1) ensure(`o${owner}`, spec(`t${owner}`))
    await pass(200)
    expect(kafka.topics.size).toBe(150)
    expect(kafka.state.sessions).toBe(2)
    kafka.topics.delete('t0')
    ensure('late', spec('late'))
    await pass(60)
    expect(kafka.topics.has('late')).toBe(true)
    expect(kafka.topics.has('t0')).toBe(false)
    await pass(34_000)
    expect(kafka.topics.has('t0')).toBe(true)
  })

  test('brings back a topic that somebody deleted, without telling anybody, because nothing is different afterwards', async () => {
    ensure('a', spec('t1'))
    await pass(60)
    kafka.topics.clear()
    await pass(34_000)
    expect(kafka.topics.has('t1')).toBe(true)
    expect(changed).toEqual(['a'])
  })

  test('refuses to shrink, keeps the rest in shape and says so', async () => {
    kafka.topics.set('t1', spec('t1', { partitions: 6 }))
    ensure('a', spec('t1', { config: { 'retention.ms': '5' } }), spec('t2'))
    await pass(60)
    const report = ensure('a', spec('t1', { config: { 'retention.ms': '5' } }), spec('t2'))
    expect(report.topics.get('t1')).toMatchObject({
      state: 'ShrinkRefused',
      partitions: 6,
      message: expect.stringContaining('6'),
    })
    expect(report.topics.get('t2')).toMatchObject({ state: 'Ready' })
    expect(kafka.topics.get('t1')).toMatchObject({ partitions: 6, config: { 'retention.ms': '5' } })
  })

  test('reports a topic the brokers refuse with their words, and the others as ready', async () => {
    kafka.state.refuse.add('bad')
    ensure('a', spec('bad'), spec('good'))
    await pass(60)
    const { topics } = ensure('a', spec('bad'), spec('good'))
    expect(topics.get('bad')).toMatchObject({
      state: 'Failed',
      partitions: 0,
      message: 'Replication-factor is invalid',
    })
    expect(topics.get('good')).toMatchObject({ state: 'Ready' })
  })

  test('tells the owner when the brokers are away, tries again with growing pauses and recovers', async () => {
    kafka.state.down = true
    ensure('a', spec('t1'))
    await pass(60)
    expect(ensure('a', spec('t1'))).toMatchObject({
      pending: false,
      unreachable: expect.stringContaining('kafka:9092'),
    })
    await pass(20_000)
    expect(changed).toEqual(['a'])
    expect(kafka.state.sessions).toBeGreaterThanOrEqual(4)
    expect(kafka.state.sessions).toBeLessThanOrEqual(7)
    kafka.state.down = false
    await pass(10_000)
    expect(changed).toEqual(['a', 'a'])
    expect(ensure('a', spec('t1')).topics.get('t1')?.state).toBe('Ready')
  })

  test('an edit keeps the old knowledge visible as pending until it is carried out', async () => {
    ensure('a', spec('t1'))
    await pass(60)
    const report = ensure('a', spec('t1', { partitions: 5 }))
    expect(report).toMatchObject({ pending: true })
    expect(report.topics.get('t1')?.partitions).toBe(3)
    await pass(60)
    expect(ensure('a', spec('t1', { partitions: 5 })).topics.get('t1')?.partitions).toBe(5)
  })

  test('asks nobody about the topics of an owner that was released', async () => {
    ensure('a', spec('t1'))
    await pass(60)
    keeper.release('a')
    kafka.topics.clear()
    await pass(120_000)
    expect(kafka.state.sessions).toBe(1)
    expect(kafka.topics.size).toBe(0)
  })

  test('looks again at once when an owner comes back after its release', async () => {
    ensure('a', spec('t1'))
    await pass(60)
    keeper.release('a')
    kafka.topics.clear()
    expect(ensure('a', spec('t1'))).toEqual({ pending: true, topics: new Map() })
    await pass(60)
    expect(kafka.topics.has('t1')).toBe(true)
  })

  test('keeps what it knows of a suspended owner, asks nobody meanwhile, and looks again at once afterwards', async () => {
    ensure('a', spec('t1'))
    await pass(60)
    keeper.suspend('a')
    kafka.topics.clear()
    await pass(120_000)
    expect(kafka.state.sessions).toBe(1)
    expect(keeper.peek('a')?.topics.get('t1')?.state).toBe('Ready')
    expect(ensure('a', spec('t1'))).toMatchObject({ pending: true })
    await pass(60)
    expect(kafka.topics.has('t1')).toBe(true)
  })

  test('keeps the number of sessions over all clusters within its limit', async () => {
    for (let n = 0; n < 6; n += 1) keeper.ensure(`o${n}`, { brokers: [`k${n}:9092`] }, [spec(`t${n}`)])
    await pass(200)
    expect(kafka.topics.size).toBe(6)
    expect(kafka.state.mostOpen).toBe(2)
  })

  test('a changed password is tried at once', async () => {
    kafka.state.down = true
    const sasl = { mechanism: 'plain', username: 'u' } as const
    keeper.ensure('a', { ...connection, sasl: { ...sasl, password: 'old' } }, [spec('t1')])
    await pass(60)
    kafka.state.down = false
    keeper.ensure('a', { ...connection, sasl: { ...sasl, password: 'new' } }, [spec('t1')])
    await pass(60)
    expect(kafka.topics.has('t1')).toBe(true)
  })
})
