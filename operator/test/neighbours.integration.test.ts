import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../src/kube/kinds.ts'
import { kedaKinds, prunedKinds } from '../src/reconcile/todochatbot/informers.ts'
import {
  applyBot,
  getOr,
  startOperator,
  startTestCluster,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'

/** Ten systems of the same name in ten namespaces on one Kafka. */
const count = 10

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespaces: readonly string[]

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespaces = await Promise.all(Array.from({ length: count }, () => cluster.namespace()))
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})

const spec = (prefix: string): TodoChatbotSpecInput => ({
  kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: prefix, deletionPolicy: 'Delete' },
})

/** Every owned object with its uid and resource version: whatever was written to has another. */
const fingerprint = async (namespace: string): Promise<string[]> => {
  const served = prunedKinds.filter((kind) => !(kedaKinds as readonly string[]).includes(kind))
  const lists = await Promise.all(served.map((kind) => cluster.client.list(kinds[kind], { namespace })))
  return lists
    .flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`))
    .sort()
}
const topics = async (): Promise<string[]> => {
  const admin = new kafkajs.Kafka({ brokers: [kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return (await admin.listTopics()).filter((name) => !name.startsWith('__')).sort()
  } finally {
    await admin.disconnect()
  }
}

test('ten systems in ten namespaces on one Kafka become ready, each with topics of its own', async () => {
  for (const namespace of namespaces) await applyBot(cluster.client, namespace, spec(`${namespace}.`))
  await Promise.all(
    namespaces.map((namespace) =>
      untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 90_000 }),
    ),
  )
  const names = await topics()
  for (const namespace of namespaces) expect(names.filter((name) => name.startsWith(`${namespace}.`))).toHaveLength(6)
})

test('deleting one of them removes what is its own, topics included, and touches nothing of the others', async () => {
  const [gone = '', ...others] = namespaces
  const before = await Promise.all(others.map(fingerprint))
  const topicsBefore = await topics()
  await cluster.client.delete(kinds.TodoChatbot, { namespace: gone, name: 'todo' })
  await until(
    'the deleted system is gone',
    async () => (await getOr(cluster.client, kinds.TodoChatbot, { namespace: gone, name: 'todo' })) === undefined,
  )
  expect(await topics()).toEqual(topicsBefore.filter((name) => !name.startsWith(`${gone}.`)))
  expect(await Promise.all(others.map(fingerprint))).toEqual(before)
  expect(before.flat().length).toBeGreaterThan(others.length * 25)
})

test('a system that claims the topics of another waits and says whose they are, and the other goes on', async () => {
  const [, owner = ''] = namespaces
  const claimant = await cluster.namespace()
  await applyBot(cluster.client, claimant, spec(`${owner}.`))
  const condition = await untilCondition(cluster.client, claimant, {
    type: 'TopicsReady',
    status: 'False',
    reason: 'TopicConflict',
  })
  expect(condition.message).toContain(`${owner}/todo`)
  await untilCondition(cluster.client, owner, { type: 'Ready', status: 'True' })
})
