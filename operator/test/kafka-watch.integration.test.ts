import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import { kafkaAdmin } from '../src/apply/kafka-admin.ts'
import { kafkaWatch, kafkaWatchDefaults, type KafkaWatch } from '../src/reconcile/kafka/kafka-watch.ts'
import { until } from './support/harness.ts'

let kafka: KafkaServer
let client: Kafka
let producer: Producer
let watch: KafkaWatch
const declaration = {
  consumers: [{ worker: 'audit' as const, group: 'ns.todo-audit', topics: ['events', 'never-made'] }],
  topics: ['events', 'events.dlq', 'never-made'],
  deadLetterTopics: ['events.dlq'],
}
const withAdmin = kafkaAdmin({ clientId: 'test', deadline: 5_000, log: () => undefined })

beforeAll(async () => {
  kafka = await startKafka()
  client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING })
  await withAdmin(
    { brokers: [kafka.brokers] },
    (admin) =>
      admin.create([
        { name: 'events', partitions: 3, replicationFactor: 1, config: { 'retention.ms': '3600000' } },
        { name: 'events.dlq', partitions: 1, replicationFactor: 1, config: {} },
      ]),
    new AbortController().signal,
  )
  // What is sent again after a lost answer must not count twice.
  producer = client.producer({ idempotent: true })
  await producer.connect()
  watch = kafkaWatch({
    ...kafkaWatchDefaults,
    withAdmin,
    onChange: () => undefined,
    onLook: () => undefined,
    period: 200,
    now: Date.now,
  })
})
afterAll(async () => {
  await watch.stop()
  await producer.disconnect()
  await kafka.stop()
})

const report = () => watch.ensure('ns/todo', { brokers: [kafka.brokers] }, declaration)
const events = () => report().consumers.audit?.topics.find(({ topic }) => topic === 'events')
const send = (topic: string, count: number): Promise<unknown> =>
  producer.send({ topic, messages: Array.from({ length: count }, (_, n) => ({ key: String(n), value: 'x' })) })

async function consume(take: (offset: string) => Promise<void>): Promise<Consumer> {
  const consumer = client.consumer({ groupId: 'ns.todo-audit' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'events', fromBeginning: true })
  await consumer.run({ autoCommitThreshold: 1, eachMessage: ({ message }) => take(message.offset) })
  return consumer
}

test('a group that nobody ever joined lags by everything there is', async () => {
  await send('events', 30)
  await until('the lag is seen', () => events()?.lag === 30)
  expect(report().consumers.audit).toMatchObject({ state: 'Dead', members: [] })
  expect(report().topics.get('events')).toMatchObject({
    partitions: [0, 1, 2].map((partition) => ({ partition, replicas: 1, inSync: 1 })),
    config: { 'retention.ms': '3600000', 'cleanup.policy': 'delete' },
  })
})

test('a topic that does not exist is left out, and not made by looking', () => {
  expect(report().topics.has('never-made')).toBe(false)
  expect(report().consumers.audit?.topics.map(({ topic }) => topic)).toEqual(['events'])
})

test('a system whose topics are all there is asked about at once, with the same answer', async () => {
  const topics = ['events', 'events.dlq']
  const consumers = [{ worker: 'audit' as const, group: 'ns.todo-audit', topics: ['events'] }]
  const whole = () => watch.ensure('ns/whole', { brokers: [kafka.brokers] }, { ...declaration, topics, consumers })
  await until('it is looked at', () => whole().consumers.audit?.state === 'Dead')
  expect(whole().topics).toEqual(report().topics)
  const { state, topics: [told] = [] } = whole().consumers.audit ?? {}
  expect({ state, told }).toMatchObject({
    state: 'Dead',
    told: { topic: 'events', end: 30, lag: 30 },
  })
  watch.release('ns/whole')
})

test('a consumer is seen with its member, its progress, and the lag that is gone', async () => {
  const consumer = await consume(() => Promise.resolve())
  await until('everything is taken', () => events()?.lag === 0 && report().consumers.audit?.state === 'Stable')
  expect(report().consumers.audit?.members).toMatchObject([{ partitions: 3 }])
  expect(events()).toMatchObject({ committed: 30, end: 30, maxPartitionLag: 0 })
  expect(events()?.stillSince).toBeUndefined()
  await consumer.disconnect()
  await until('the group is empty', () => report().consumers.audit?.state === 'Empty')
})

test('a consumer that cannot take an event stands still, and moves again afterwards', async () => {
  let poisoned = true
  const consumer = await consume(() => (poisoned ? Promise.reject(new Error('cannot take it')) : Promise.resolve()))
  await send('events', 9)
  const since = await until('it stands still', () => events()?.stillSince)
  await until('a later look says so, too', () => {
    const { at = 0 } = report()
    return at > since && events()?.stillSince === since
  })
  expect(events()?.lag).toBe(9)
  poisoned = false
  await until('it has caught up', () => events()?.lag === 0 && events()?.stillSince === undefined, 60_000)
  await consumer.disconnect()
}, 90_000)

test('dead letters are counted, and seen to grow', async () => {
  await send('events.dlq', 2)
  const dead = await until('they are counted', () => report().deadLetters.find(({ count }) => count === 2))
  expect(dead.growth?.added).toBe(2)
})
