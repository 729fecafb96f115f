import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { workerFields } from '../src/api/v1alpha1/schema/services.ts'
import { workerNames } from '../src/api/v1alpha1/names.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import {
  applyBot,
  getOr,
  startOperator,
  startTestCluster,
  statusOf,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string
let count = 0

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(async () => {
  cluster.workloads.heal()
  await cluster.client.delete(kinds.TodoChatbot, { namespace, name: 'todo' })
})

const spec = (over: TodoChatbotSpecInput = {}): TodoChatbotSpecInput => ({
  update: { progressDeadline: '30s' },
  ...over,
  kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `r${count}.` },
})
const edit = async (over?: TodoChatbotSpecInput, annotations?: Record<string, string>): Promise<void> => {
  await applyBot(cluster.client, namespace, spec(over), 'todo', annotations)
}
const ready = (): Promise<unknown> =>
  untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 60_000 })
const aReadySystem = async (over?: TodoChatbotSpecInput): Promise<void> => {
  namespace = await cluster.namespace()
  count += 1
  await edit(over)
  await ready()
}
const deployment = (worker: string): Promise<KubeObject | undefined> =>
  getOr(cluster.client, kinds.Deployment, { namespace, name: `todo-${worker}` })
const templateOf = async (worker: string): Promise<string> =>
  (await deployment(worker))?.metadata.annotations?.['todochatbot.dev/template-hash'] ?? ''
const templates = (): Promise<string[]> => Promise.all(workerFields.map((field) => templateOf(workerNames[field])))
const serviceOf = async (worker: string) =>
  (await statusOf(cluster.client, namespace))?.services?.find(({ name }) => name === worker)
const podsOf = async (worker: string): Promise<string[]> => {
  const labelSelector = `app.kubernetes.io/name=${worker}`
  const { items } = await cluster.client.list(kinds.Pod, { namespace, labelSelector })
  return items.map(({ metadata }) => metadata.uid ?? '').sort()
}
const eventsOf = async (reason: string): Promise<string[]> => {
  const { items } = await cluster.client.list(kinds.Event, { namespace })
  return items.filter((event) => event['reason'] === reason).map((event) => String(event['note']))
}

describe('a change of every worker', () => {
  test('goes from worker to worker in order, each only when the one before is healthy', async () => {
    await aReadySystem()
    const before = await templates()
    cluster.workloads.misbehave('Deployment/todo-recurring-task', { kind: 'NotStarted' })
    await untilCondition(cluster.client, namespace, { type: 'Degraded', status: 'True' })
    cluster.workloads.misbehave('Deployment/todo-audit', { kind: 'NotStarted' })
    await edit({}, { 'todochatbot.dev/restart': '1' })
    await until('audit is restarted', async () => (await templateOf('audit')) !== before[0])
    const waiting = await until('the others wait for it', async () => {
      const status = await statusOf(cluster.client, namespace)
      return status?.operation?.kind === 'Restart' && status
    })
    expect(waiting.operation).toMatchObject({ step: 'Rollout/audit' })
    expect((await templates()).slice(1)).toEqual(before.slice(1))
    cluster.workloads.misbehave('Deployment/todo-audit', undefined)
    await until('the next one is restarted', async () => (await templateOf('recurring-task')) !== before[1])
    expect((await templates()).slice(2)).toEqual(before.slice(2))
    cluster.workloads.misbehave('Deployment/todo-recurring-task', undefined)
    await ready()
    for (const [index, template] of (await templates()).entries()) expect(template).not.toBe(before[index])
  })

  test('stops between two workers when it is paused, and goes on when the pause ends', async () => {
    await aReadySystem()
    const before = await templates()
    cluster.workloads.misbehave('Deployment/todo-audit', { kind: 'NotStarted' })
    await edit({ database: { pool: { max: 7 } } })
    await until('audit is changed', async () => (await templateOf('audit')) !== before[0])
    const paused = { reason: 'inventory', by: 'ada', until: '2099-01-01T00:00:00Z' }
    await edit({ database: { pool: { max: 7 } }, paused })
    await untilCondition(cluster.client, namespace, { type: 'Paused', status: 'True' })
    cluster.workloads.misbehave('Deployment/todo-audit', undefined)
    await until('audit is known to be healthy', async () => {
      const audit = await serviceOf('audit')
      return audit?.lastHealthy?.template === (await templateOf('audit')) && audit.lastHealthy.template !== before[0]
    })
    expect((await templates()).slice(1)).toEqual(before.slice(1))
    await edit({ database: { pool: { max: 7 } } })
    await ready()
    expect(await templateOf('chat-api')).not.toBe(before[3])
  })
})

describe('a change that does not come up', () => {
  const bad = { services: { audit: { image: { tag: 'no-such-tag' } } } } as const
  const pull = { kind: 'Waiting', reason: 'ImagePullBackOff', message: 'Back-off pulling image' } as const

  test('is rolled back with its configuration, is not tried again, and leaves the others untouched', async () => {
    await aReadySystem()
    const [pods, before] = [await podsOf('audit'), await templates()]
    cluster.workloads.refuseTemplate('Deployment/todo-audit', 'no-such-tag', pull)
    await edit({ ...bad, database: { pool: { max: 7 } } })
    const refused = await untilCondition(
      cluster.client,
      namespace,
      { type: 'UpToDate', status: 'False', reason: 'RolledBack' },
      { deadline: 60_000 },
    )
    expect(refused.message).toContain('Back-off pulling image')
    await until('audit is what it was', async () => (await templateOf('audit')) === before[0])
    await until('its new pod is gone', async () => JSON.stringify(await podsOf('audit')) === JSON.stringify(pods))
    expect(await templates()).toEqual(before)
    await untilCondition(cluster.client, namespace, { type: 'WorkersReady', status: 'True' })
    await untilCondition(cluster.client, namespace, { type: 'Stalled', status: 'True', reason: 'RolledBack' })
    const status = await statusOf(cluster.client, namespace)
    expect(status?.blockedRevisions).toMatchObject([{ worker: 'audit' }])
    const config = (await deployment('audit'))?.metadata.annotations?.['todochatbot.dev/config'] ?? ''
    expect(await getOr(cluster.client, kinds.ConfigMap, { namespace, name: config })).toBeDefined()
    await until('an Event says so', async () => (await eventsOf('RolledBack')).length > 0)

    const { generation } = (await deployment('audit'))?.metadata ?? {}
    await operator.stop()
    operator = startOperator(cluster)
    await edit({
      ...bad,
      database: { pool: { max: 7 } },
      services: { ...bad.services, audit: { ...bad.services.audit, logLevel: 'warn' } },
    })
    await until('the new operator has looked', async () => (await serviceOf('audit'))?.config?.logLevel === 'warn')
    expect((await deployment('audit'))?.metadata.generation).toBe(generation)
    expect(await templates()).toEqual(before)

    await edit({ database: { pool: { max: 7 } } })
    await ready()
    expect((await statusOf(cluster.client, namespace))?.blockedRevisions).toBeUndefined()
    expect(await templateOf('chat-api')).not.toBe(before[3])
  })

  test('stays for a person where rollback is Never, and stops there', async () => {
    const update = { progressDeadline: '30s', rollback: 'Never' } as const
    await aReadySystem({ update })
    const before = await templates()
    cluster.workloads.refuseTemplate('Deployment/todo-audit', 'no-such-tag', pull)
    await edit({ ...bad, update, database: { pool: { max: 7 } } })
    await untilCondition(
      cluster.client,
      namespace,
      { type: 'UpToDate', status: 'False', reason: 'RolloutFailed' },
      { deadline: 60_000 },
    )
    expect(await templateOf('audit')).not.toBe(before[0])
    expect((await templates()).slice(1)).toEqual(before.slice(1))
    await edit({ update })
    await ready()
  })
})

describe('temporary settings', () => {
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z$/, 'Z')
  const levelOf = async (worker: string): Promise<string> => {
    const config = await getOr(cluster.client, kinds.ConfigMap, { namespace, name: `todo-${worker}-config` })
    return (JSON.parse((config?.['data'] as Record<string, string>)['hot.json'] ?? '{}') as { logLevel: string })
      .logLevel
  }

  test('debug logging begins and ends by itself, also while the system is paused, and no pod is replaced', async () => {
    const services = (debugUntil?: string) => ({
      audit: { logLevel: 'warn' as const, ...(debugUntil ? { debugUntil } : {}) },
    })
    await aReadySystem({ services: services() })
    const pods = await podsOf('audit')
    const until_ = soon(15_000)
    const paused = { reason: 'inventory', by: 'ada', until: '2099-01-01T00:00:00Z' }
    await edit({ services: services(until_), paused })
    await until('it logs at debug', async () => (await levelOf('audit')) === 'debug')
    await until('the status says so', async () => (await serviceOf('audit'))?.temporary?.[0]?.kind === 'Debug')
    await until('it ends', async () => (await levelOf('audit')) === 'warn')
    await until('the status says so', async () => (await serviceOf('audit'))?.temporary === undefined)
    expect(await podsOf('audit')).toEqual(pods)
    await until('both Events are there', async () => (await eventsOf('DebugEnded')).length > 0)
    expect(await eventsOf('DebugStarted')).toEqual([expect.stringContaining(`until ${until_}`)])
  })

  test('a boost raises the resources and ends by itself', async () => {
    await aReadySystem()
    const memory = async (): Promise<string | undefined> => {
      const { template } = (await deployment('audit'))?.['spec'] as {
        template: { spec: { containers: { resources: { limits?: { memory?: string } } }[] } }
      }
      return template.spec.containers[0]?.resources.limits?.memory
    }
    const ordinary = await memory()
    await edit({ services: { audit: { boost: { memory: '2Gi', reason: 'month end', until: soon(15_000) } } } })
    await until('it is boosted', async () => (await memory()) === '2Gi')
    await until('it is not any more', async () => (await memory()) === ordinary)
    await ready()
    await until('both Events are there', async () => (await eventsOf('BoostEnded')).length > 0)
    expect(await eventsOf('BoostStarted')).toEqual([expect.stringContaining('month end')])
  })
})

test('a change of the configuration is told as a difference, and the pods confirm what they take over', async () => {
  await aReadySystem()
  const before = await templates()
  await edit({ services: { audit: { config: { verifyBatchSize: 50 } } } })
  await until('every pod confirms it', async () => {
    const config = (await serviceOf('audit'))?.config
    const text = await getOr(cluster.client, kinds.ConfigMap, { namespace, name: 'todo-audit-config' })
    const data = (text?.['data'] as Record<string, string>)['hot.json'] ?? ''
    return data.includes('50') && config?.confirmed === 1 && data.includes(config.revision)
  })
  expect(await templates()).toEqual(before)
  await edit({ services: { audit: { config: { verifyBatchSize: 50 } } }, database: { pool: { max: 7 } } })
  await until('every worker is changed', async () => (await templateOf('chat-api')) !== before[3])
  await ready()
  const notes = await until('Events tell the differences', async () => {
    const found = await eventsOf('ConfigurationChanged')
    return found.length >= 5 && found
  })
  expect(notes).toContainEqual('audit: settings.verifyBatchSize unset → 50; taken over without a restart')
  expect(notes).toContainEqual('chat-api: database.pool.max 5 → 7; takes effect with new pods')
})
