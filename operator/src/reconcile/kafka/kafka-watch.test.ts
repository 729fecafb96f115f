import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FiguresQuery, KafkaFigures } from '../../apply/kafka-figures.ts'
import type { KafkaAdmin, WithKafkaAdmin } from '../../apply/kafka-admin.ts'
import { kafkaMetrics } from './kafka-metrics.ts'
import { kafkaWatch, kafkaWatchDefaults, type KafkaWatch } from './kafka-watch.ts'

const connection = { brokers: ['kafka:9092'] }
const declare = (prefix = '') => ({
  consumers: [{ worker: 'audit' as const, group: `ns.${prefix}audit`, topics: [`${prefix}events`] }],
  topics: [`${prefix}events`, `${prefix}events.dlq`],
  deadLetterTopics: [`${prefix}events.dlq`],
})

describe('the Kafka watch', () => {
  let watch: KafkaWatch
  let registry: Registry
  let queries: FiguresQuery[]
  let changed: string[]
  let ends: Map<string, number>
  let open: number
  let mostOpen: number
  let down: boolean
  let sessions: number

  const figures = ({ topics, groups }: FiguresQuery): KafkaFigures => ({
    topics: new Map(
      topics.map((name) => [
        name,
        {
          name,
          partitions: [{ partition: 0, leader: 1, replicas: 1, inSync: 1, beginning: 0, end: ends.get(name) ?? 0 }],
          config: {},
        },
      ]),
    ),
    groups: new Map(groups.map(({ group }) => [group, { group, state: 'Stable', members: [], committed: new Map() }])),
  })
  const withAdmin: WithKafkaAdmin = async (_connection, work) => {
    open += 1
    sessions += 1
    mostOpen = Math.max(mostOpen, open)
    await new Promise((resolve) => setTimeout(resolve, 20))
    open -= 1
    if (down) throw new Error('kafka:9092: connect ECONNREFUSED')
    const looking = {
      figures: (query: FiguresQuery) => {
        queries.push(query)
        return Promise.resolve(figures(query))
      },
    }
    return work(looking as KafkaAdmin)
  }
  beforeEach(() => {
    vi.useFakeTimers()
    registry = new Registry()
    queries = []
    changed = []
    ends = new Map()
    open = 0
    mostOpen = 0
    down = false
    sessions = 0
    watch = kafkaWatch({
      ...kafkaWatchDefaults,
      withAdmin,
      onChange: (owner) => changed.push(owner),
      onLook: kafkaMetrics(registry),
      period: 15_000,
      now: Date.now,
    })
  })
  afterEach(async () => {
    const stopped = watch.stop()
    await vi.advanceTimersByTimeAsync(500)
    await stopped
    vi.useRealTimers()
  })
  const pass = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms)
  }

  test('looks soon, tells its owner, and keeps quiet while nothing changes', async () => {
    expect(watch.ensure('ns/a', connection, declare()).at).toBeUndefined()
    await pass(200)
    expect(changed).toEqual(['ns/a'])
    await pass(60_000)
    expect(queries.length).toBeGreaterThanOrEqual(4)
    expect(changed).toEqual(['ns/a'])
  })

  test('tells of lag at the next look', async () => {
    watch.ensure('ns/a', connection, declare())
    await pass(200)
    ends.set('events', 500)
    await pass(17_000)
    expect(changed).toEqual(['ns/a', 'ns/a'])
    expect(watch.peek('ns/a')?.consumers.audit?.topics[0]?.lag).toBe(500)
  })

  test('looks at all systems of a cluster in one session', async () => {
    for (const name of ['a', 'b', 'c']) watch.ensure(`ns/${name}`, connection, declare(`${name}-`))
    await pass(200)
    expect(queries).toHaveLength(1)
    expect(queries[0]?.groups.map(({ group }) => group)).toEqual(['ns.a-audit', 'ns.b-audit', 'ns.c-audit'])
  })

  test('keeps the number of open sessions within its limit', async () => {
    for (let n = 0; n < 20; n += 1) watch.ensure(`ns/${n}`, { brokers: [`kafka-${n}:9092`] }, declare())
    await pass(1_000)
    expect(queries).toHaveLength(20)
    expect(mostOpen).toBe(kafkaWatchDefaults.parallelSessions)
  })

  test('says nothing of a look that failed when the next one is answered', async () => {
    watch.ensure('ns/a', connection, declare())
    await pass(200)
    down = true
    for (const before = sessions; sessions === before;) await pass(100)
    await pass(50)
    expect(watch.peek('ns/a')?.unreachable).toBeUndefined()
    down = false
    await pass(3_000)
    expect(queries.length).toBeGreaterThan(1)
    expect(changed).toEqual(['ns/a'])
  })

  test('keeps what it knew and says so when the brokers do not answer, asking less and less often', async () => {
    ends.set('events', 3)
    watch.ensure('ns/a', connection, declare())
    await pass(200)
    down = true
    await pass(20_000)
    expect(watch.peek('ns/a')).toMatchObject({
      unreachable: 'kafka:9092: connect ECONNREFUSED',
      consumers: { audit: { topics: [{ lag: 3 }] } },
    })
    expect(changed).toEqual(['ns/a', 'ns/a'])
    down = false
    await pass(40_000)
    expect(watch.peek('ns/a')?.unreachable).toBeUndefined()
    expect(changed).toEqual(['ns/a', 'ns/a', 'ns/a'])
  })

  test('rests while an owner is suspended, and looks at once afterwards', async () => {
    watch.ensure('ns/a', connection, declare())
    await pass(200)
    watch.suspend('ns/a')
    const before = queries.length
    await pass(60_000)
    expect(queries).toHaveLength(before)
    expect(watch.peek('ns/a')?.at).toBeDefined()
    watch.ensure('ns/a', connection, declare())
    await pass(200)
    expect(queries).toHaveLength(before + 1)
  })

  test('publishes exact figures, and takes the series away with the system', async () => {
    ends.set('events', 123_456).set('events.dlq', 2)
    watch.ensure('ns/a', connection, declare())
    await pass(200)
    const text = await registry.metrics()
    expect(text).toContain('todochatbot_consumer_lag{namespace="ns",system="a",worker="audit",topic="events"} 123456')
    expect(text).toContain('todochatbot_dead_letters{namespace="ns",system="a",topic="events.dlq"} 2')
    watch.release('ns/a')
    expect(await registry.metrics()).not.toContain('system="a"')
    const count = queries.length
    await pass(60_000)
    expect(queries).toHaveLength(count)
  })
})
