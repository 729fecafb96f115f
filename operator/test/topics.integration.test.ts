import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import { kafkaAdmin, KafkaUnreachable, type KafkaAdmin } from '../src/apply/kafka-admin.ts'
import { topicKeeper, topicKeeperDefaults } from '../src/apply/topic-keeper.ts'
import type { TopicSpec } from '../src/apply/topic-plan.ts'
import { until } from './support/harness.ts'

let kafka: KafkaServer
const withAdmin = kafkaAdmin({ clientId: 'test', deadline: 5_000, log: () => undefined })
const { signal } = new AbortController()

beforeAll(async () => {
  kafka = await startKafka()
})
afterAll(async () => kafka.stop())

const admin = <T>(work: (session: KafkaAdmin) => Promise<T>): Promise<T> =>
  withAdmin({ brokers: [kafka.brokers] }, work, signal)
const spec = (name: string, over: Partial<TopicSpec> = {}): TopicSpec => ({
  name,
  partitions: 2,
  replicationFactor: 1,
  config: { 'retention.ms': '1000' },
  ...over,
})
const topic = async (name: string): Promise<unknown> => (await admin((session) => session.describe([name]))).get(name)

describe('the admin port on a real broker', () => {
  test('creates, grows, configures and removes', async () => {
    await admin(async (session) => {
      expect(await session.create([spec('life')])).toEqual(new Map())
      expect(await session.create([spec('life')])).toEqual(new Map())
      expect(await session.grow([{ name: 'life', count: 4 }])).toEqual(new Map())
      expect(
        await session.configure([{ name: 'life', config: { 'retention.ms': '5', 'cleanup.policy': 'compact' } }]),
      ).toEqual(new Map())
    })
    const want = {
      name: 'life',
      partitions: 4,
      replicationFactor: 1,
      config: { 'retention.ms': '5', 'cleanup.policy': 'compact' },
    }
    // Brokers learn of a new partition and of a new setting at different times.
    await expect.poll(() => topic('life'), { timeout: 30_000 }).toEqual(want)
    expect(await admin((session) => session.remove(['life', 'never-was']))).toEqual(new Map())
    await until('it is gone', async () => (await topic('life')) === undefined)
  })

  test('tells which topic of a batch is at fault, and carries out the others', async () => {
    const failures = await admin((session) =>
      session.create([
        spec('good'),
        spec('too-many', { replicationFactor: 3 }),
        spec('nonsense', { config: { 'no.such.key': '1' } }),
      ]),
    )
    expect(Object.fromEntries(failures)).toEqual({
      'too-many': expect.stringMatching(/replication/i),
      nonsense: expect.stringMatching(/configuration/i),
    })
    await until('the good one is there', async () => (await topic('good')) !== undefined)
  })

  test('does not pin what a topic inherits from its broker', async () => {
    await admin((session) => session.create([spec('inherits', { config: {} })]))
    await until('it is there', async () => (await topic('inherits')) !== undefined)
    expect(await topic('inherits')).toMatchObject({ config: {} })
  })

  test.each([
    { name: 'nobody listens', brokers: ['127.0.0.1:9'], says: /127\.0\.0\.1:9.*ECONNREFUSED/ },
    { name: 'the name does not exist', brokers: ['kafka.invalid:9092'], says: /kafka\.invalid:9092.*ENOTFOUND/ },
  ])('says why no broker answered when $name', async ({ brokers, says }) => {
    const asked = withAdmin({ brokers }, (session) => session.describe(['x']), signal)
    await expect(asked).rejects.toThrow(KafkaUnreachable)
    await expect(asked).rejects.toThrow(says)
  })
})

test('a topic deleted by hand comes back by itself, with its settings', async () => {
  const keeper = topicKeeper({
    ...topicKeeperDefaults,
    withAdmin,
    onChange: () => undefined,
    log: () => undefined,
    now: () => performance.now(),
    checkPeriod: 300,
  })
  try {
    keeper.ensure('system', { brokers: [kafka.brokers] }, [spec('kept', { partitions: 3 })])
    await until('it is there', async () => (await topic('kept')) !== undefined)
    await admin((session) => session.remove(['kept']))
    await until('it is back', async () => {
      const back = (await topic('kept')) as { partitions: number; config: object } | undefined
      return back?.partitions === 3 && JSON.stringify(back.config) === '{"retention.ms":"1000"}'
    })
  } finally {
    await keeper.stop()
  }
})
