import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kafkaAdmin } from '../src/apply/kafka-admin.ts'
import { kinds } from '../src/kube/kinds.ts'
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

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string
const withAdmin = kafkaAdmin({ clientId: 'test', deadline: 10_000, log: () => undefined })

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
beforeEach(async () => {
  namespace = await cluster.namespace()
})

const spec = (deletionPolicy: 'Retain' | 'Delete', over: TodoChatbotSpecInput['kafka'] = {}): TodoChatbotSpecInput => ({
  kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `${namespace}.`, deletionPolicy, ...over },
})
const topics = async (): Promise<string[]> => {
  const names = ['task-events', 'task-events.dlq', 'task-reminders'].map((name) => `${namespace}.${name}`)
  const found = await withAdmin(
    { brokers: [kafka.brokers] },
    (admin) => admin.describe(names),
    new AbortController().signal,
  )
  return [...found.keys()]
}
const remove = async (): Promise<void> => {
  await cluster.client.delete(kinds.TodoChatbot, { namespace, name: 'todo' })
}
const gone = async (deadline = 30_000): Promise<void> => {
  await until(
    'the resource is gone',
    async () => (await getOr(cluster.client, kinds.TodoChatbot, { namespace, name: 'todo' })) === undefined,
    deadline,
  )
}
const ready = async (): Promise<void> => {
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
}

describe('deleting a TodoChatbot', () => {
  test('keeps the topics when the policy says Retain, and needs no finalizer for it', async () => {
    await applyBot(cluster.client, namespace, spec('Retain'))
    await ready()
    expect(
      (await getOr(cluster.client, kinds.TodoChatbot, { namespace, name: 'todo' }))?.metadata.finalizers ?? [],
    ).toEqual([])
    await remove()
    await gone()
    await until(
      'what it owned is gone',
      async () => (await cluster.client.list(kinds.Deployment, { namespace })).items.length === 0,
    )
    expect(await topics()).toHaveLength(3)
  })

  test('removes the topics when the policy says Delete', async () => {
    await applyBot(cluster.client, namespace, spec('Delete'))
    await ready()
    expect(await topics()).toHaveLength(3)
    await remove()
    await gone()
    await until('the topics are gone', async () => (await topics()).length === 0)
  })

  test('takes the finalizer away when the policy becomes Retain', async () => {
    await applyBot(cluster.client, namespace, spec('Delete'))
    await ready()
    await applyBot(cluster.client, namespace, spec('Retain'))
    await until('no finalizer', async () => {
      const bot = await getOr(cluster.client, kinds.TodoChatbot, { namespace, name: 'todo' })
      return bot !== undefined && (bot.metadata.finalizers ?? []).length === 0
    })
    await remove()
    await gone()
    expect(await topics()).toHaveLength(3)
  })

  test('ends although Kafka is gone, and says what may be left behind', async () => {
    await applyBot(cluster.client, namespace, spec('Delete', { bootstrapServers: ['127.0.0.1:9'] }))
    await untilCondition(cluster.client, namespace, {
      type: 'KafkaReady',
      status: 'False',
      reason: 'BrokerUnreachable',
    })
    await remove()
    const workers = { namespace, labelSelector: 'app.kubernetes.io/component=worker' }
    await until('the workers are gone', async () => (await cluster.client.list(kinds.Pod, workers)).items.length === 0)
    expect(await getOr(cluster.client, kinds.TodoChatbot, { namespace, name: 'todo' })).toBeDefined()
    // For the next operator the minute that Kafka is given is over: it counts from the deletion, not from its own start.
    await operator.stop()
    operator = startOperator(cluster, { ahead: 60_000 })
    await gone()
    await until('an event says so', async () => {
      const { items } = await cluster.client.list(kinds.Event, { namespace })
      return items.some(
        (event) => event['reason'] === 'TopicsLeftBehind' && String(event['note']).includes('task-events'),
      )
    })
  })
})
