import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds, type ResourceKind } from '../src/kube/kinds.ts'
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
  const { items } = await cluster.client.list(kinds.TodoChatbot)
  for (const { metadata } of items) await cluster.client.delete(kinds.TodoChatbot, metadata)
  await until('every system is gone', async () => (await cluster.client.list(kinds.Deployment)).items.length === 0)
})

/** PostgreSQL and Redis are Embedded and simulated, Kafka is a real broker outside; each system has topics of its own. */
const spec = (
  over: TodoChatbotSpecInput = {},
  kafkaOver: TodoChatbotSpecInput['kafka'] = {},
): TodoChatbotSpecInput => ({
  ...over,
  kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `t${count}.`, ...kafkaOver },
})

/** A system that is ready, in a namespace of its own. */
const aReadySystem = async (over?: TodoChatbotSpecInput, kafkaOver?: TodoChatbotSpecInput['kafka']): Promise<void> => {
  await aSystem(over, kafkaOver)
  await ready()
}
const aSystem = async (over?: TodoChatbotSpecInput, kafkaOver?: TodoChatbotSpecInput['kafka']): Promise<void> => {
  namespace = await cluster.namespace()
  count += 1
  await applyBot(cluster.client, namespace, spec(over, kafkaOver))
}
const ready = async (): Promise<void> => {
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
}
const edit = async (over?: TodoChatbotSpecInput, kafkaOver?: TodoChatbotSpecInput['kafka']): Promise<void> => {
  await applyBot(cluster.client, namespace, spec(over, kafkaOver))
}
const get = (kind: ResourceKind, name: string): Promise<KubeObject | undefined> =>
  getOr(cluster.client, kind, { namespace, name })
const replicasOf = async (name: string): Promise<number | undefined> =>
  ((await get(kinds.Deployment, name))?.['spec'] as { replicas?: number } | undefined)?.replicas

describe('a system that comes up', () => {
  test('is not ready from the first look on, says what it waits for, and becomes ready', async () => {
    cluster.workloads.misbehave('StatefulSet/todo-postgresql', { kind: 'NotStarted' })
    await aSystem()
    await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'Unknown', reason: 'Starting' })
    const waiting = await until('the pod is named, and topics are there meanwhile', async () => {
      const status = await statusOf(cluster.client, namespace)
      const blocker = status?.operation?.blockedBy?.object
      return (
        status?.topics?.every(({ state }) => state === 'Ready') === true &&
        blocker === 'Pod/todo-postgresql-0' &&
        status
      )
    })
    expect(waiting).toMatchObject({
      phase: 'Installing',
      observedGeneration: 1,
      operation: {
        kind: 'Install',
        step: 'Migration',
        blockedBy: { rule: 'Starting', object: 'Pod/todo-postgresql-0' },
      },
    })
    expect(await get(kinds.Deployment, 'todo-audit')).toBeUndefined()
    expect((await cluster.client.list(kinds.Job, { namespace })).items).toEqual([])

    cluster.workloads.misbehave('StatefulSet/todo-postgresql', undefined)
    await ready()
    const status = await statusOf(cluster.client, namespace)
    expect(status).toMatchObject({ phase: 'Ready', version: '0.1.0', summary: 'Version 0.1.0 runs' })
    expect(status?.operation).toBeUndefined()
    expect(
      status?.services?.map(({ name, ready: pods, desired, sidecar }) => ({ name, pods, desired, sidecar })),
    ).toEqual(
      ['audit', 'recurring-task', 'notification', 'chat-api'].map((name) => ({
        name,
        pods: 1,
        desired: 1,
        sidecar: 'Loaded',
      })),
    )
    expect(status?.components).toContainEqual(expect.objectContaining({ name: 'todo-task-pubsub', missingIn: [] }))
  })

  test('starts chat-api only after the consumers', async () => {
    cluster.workloads.misbehave('Deployment/todo-audit', {
      kind: 'Waiting',
      reason: 'ImagePullBackOff',
      message: 'Back-off pulling image',
    })
    await aSystem()
    const condition = await untilCondition(cluster.client, namespace, {
      type: 'WorkersReady',
      status: 'False',
      reason: 'ImagePullFailed',
    })
    expect(condition.message).toMatch(
      /^Pod\/todo-audit-\S+: container audit: Back-off pulling image\. Check spec\.images/,
    )
    expect(await get(kinds.Deployment, 'todo-chat-api')).toBeUndefined()
    expect((await statusOf(cluster.client, namespace))?.operation).toMatchObject({
      step: 'ChatApi',
      blockedBy: { rule: 'ImagePullFailed' },
    })
    cluster.workloads.misbehave('Deployment/todo-audit', undefined)
    await ready()
  })

  test('reports a sidecar that was not injected, and a component that was not loaded', async () => {
    cluster.workloads.misbehave('Deployment/todo-audit', { kind: 'NoSidecar' })
    cluster.workloads.misbehave('Deployment/todo-chat-api', { kind: 'MissingComponent', component: 'todo-statestore' })
    await aSystem()
    const missing = await untilCondition(cluster.client, namespace, {
      type: 'DaprReady',
      status: 'False',
      reason: 'SidecarMissing',
    })
    expect(missing.message).toMatch(/Pod\/todo-audit-/)
    cluster.workloads.misbehave('Deployment/todo-audit', undefined)
    const unloaded = await untilCondition(cluster.client, namespace, {
      type: 'DaprReady',
      status: 'False',
      reason: 'ComponentNotLoaded',
    })
    expect(unloaded.message).toMatch(/Pod\/todo-chat-api-\S+: daprd has not loaded todo-statestore/)
    const { components } = (await statusOf(cluster.client, namespace)) ?? {}
    expect(components).toContainEqual(
      expect.objectContaining({ name: 'todo-statestore', loadedBy: [], missingIn: ['todo-chat-api'] }),
    )
    cluster.workloads.misbehave('Deployment/todo-chat-api', undefined)
    await ready()
  })

  test('names the last error of a migration that failed, and runs it again when asked', async () => {
    cluster.workloads.misbehave('Job', { kind: 'Failed', message: 'relation "tasks" already exists' })
    await aSystem()
    const failed = await untilCondition(cluster.client, namespace, {
      type: 'DatabaseReady',
      status: 'False',
      reason: 'MigrationFailed',
    })
    expect(failed.message).toContain('relation "tasks" already exists')
    await untilCondition(cluster.client, namespace, { type: 'Stalled', status: 'True' })
    expect(await get(kinds.Deployment, 'todo-audit')).toBeUndefined()
    cluster.workloads.misbehave('Job', undefined)
    await applyBot(cluster.client, namespace, spec(), 'todo', { 'todochatbot.dev/retry-migration': '1' })
    await ready()
    expect((await cluster.client.list(kinds.Job, { namespace })).items).toHaveLength(1)
  })
})

describe('a system that runs', () => {
  test('costs no request while nothing changes, resyncs included', async () => {
    await aReadySystem()
    const idle = startOperator(cluster, { env: { RESYNC_PERIOD: '1s' } })
    try {
      await until('the second operator has settled', () => idle.requests.length > 0)
      let last = -1
      await until('no more requests', async () => {
        const settled = idle.requests.filter(notWatch).length === last
        last = idle.requests.filter(notWatch).length
        await new Promise((resolve) => setTimeout(resolve, 1_500))
        return settled
      })
      const before = { idle: idle.requests.length, first: operator.requests.length }
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      expect(idle.requests.slice(before.idle)).toEqual([])
      expect(operator.requests.slice(before.first)).toEqual([])
    } finally {
      await idle.stop()
    }
  })

  test('follows edits of replicas and of partitions', async () => {
    await aReadySystem()
    await edit({ services: { audit: { replicas: 2 } } }, { topics: { taskEvents: { partitions: 5 } } })
    await ready()
    expect(await replicasOf('todo-audit')).toBe(2)
    expect((await statusOf(cluster.client, namespace))?.topics).toContainEqual(
      expect.objectContaining({ alias: 'taskEvents', partitions: 5 }),
    )
  })

  test.each([
    { kind: kinds.Deployment, name: 'todo-audit' },
    { kind: kinds.Service, name: 'todo-chat-api' },
    { kind: kinds.ConfigMap, name: 'todo-audit-config' },
    { kind: kinds.Component, name: 'todo-statestore' },
    { kind: kinds.Subscription, name: 'todo-audit-task-events' },
    { kind: kinds.StatefulSet, name: 'todo-redis' },
  ])('gets back a $kind.kind that somebody deleted', async ({ kind, name }) => {
    await aReadySystem()
    const before = await get(kind, name)
    await cluster.client.delete(kind, { namespace, name })
    await until('it is back', async () => {
      const now = await get(kind, name)
      return now !== undefined && now.metadata.uid !== before?.metadata.uid
    })
    await ready()
  })

  test('has hand-made changes undone and foreign ones left alone', async () => {
    await aReadySystem()
    const patch = { metadata: { labels: { mine: 'yes' } }, spec: { replicas: 3 } }
    await cluster.client.patch(kinds.Deployment, { namespace, name: 'todo-audit' }, patch, { fieldManager: 'somebody' })
    await until('replicas are as specified', async () => (await replicasOf('todo-audit')) === 1)
    expect((await get(kinds.Deployment, 'todo-audit'))?.metadata.labels?.['mine']).toBe('yes')
  })

  test('loses what is no longer desired', async () => {
    await aReadySystem()
    const stray: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'todo-of-an-older-version',
        namespace,
        labels: { 'app.kubernetes.io/managed-by': 'todochatbot-operator', 'app.kubernetes.io/instance': 'todo' },
        ownerReferences: (await get(kinds.ConfigMap, 'todo-audit-config'))?.metadata.ownerReferences ?? [],
      },
    }
    await cluster.client.create(stray, { fieldManager: 'test' })
    await until('it is pruned', async () => (await get(kinds.ConfigMap, stray.metadata.name)) === undefined)
  })

  test('keeps its workers untouched while a dependency is down, and says which', async () => {
    await aReadySystem()
    const before = await get(kinds.Deployment, 'todo-audit')
    cluster.workloads.misbehave('StatefulSet/todo-redis', {
      kind: 'Waiting',
      reason: 'CrashLoopBackOff',
      message: 'back-off',
    })
    await untilCondition(cluster.client, namespace, { type: 'Degraded', status: 'True', reason: 'CrashLoop' })
    expect(await statusOf(cluster.client, namespace)).toMatchObject({
      phase: 'Degraded',
      operation: { kind: 'Recover' },
    })
    expect((await get(kinds.Deployment, 'todo-audit'))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion)
    cluster.workloads.misbehave('StatefulSet/todo-redis', undefined)
    await ready()
  })

  test('changes nothing while it is paused, and goes on when the pause ends', async () => {
    await aReadySystem()
    const until_ = new Date(Date.now() + 4_000).toISOString().replace(/\.\d+Z$/, 'Z')
    await edit({ services: { audit: { replicas: 2 } }, paused: { reason: 'inventory', by: 'ada', until: until_ } })
    const paused = await untilCondition(cluster.client, namespace, { type: 'Paused', status: 'True' })
    expect(paused.message).toContain('ada')
    expect(await replicasOf('todo-audit')).toBe(1)
    await untilCondition(cluster.client, namespace, { type: 'UpToDate', status: 'False', reason: 'Paused' })
    await until('the change is carried out', async () => (await replicasOf('todo-audit')) === 2)
    await untilCondition(cluster.client, namespace, { type: 'Paused', status: 'False' })
  })
})

describe('what only the world can refute', () => {
  test('settings a worker would refuse change nothing, and the condition names field and problem', async () => {
    await aReadySystem()
    const before = await get(kinds.ConfigMap, 'todo-chat-api-config')
    await edit({ services: { chatApi: { config: { noSuchSetting: 1 } }, audit: { replicas: 3 } } })
    const condition = await untilCondition(cluster.client, namespace, {
      type: 'ConfigValid',
      status: 'False',
      reason: 'ConfigInvalid',
    })
    expect(condition.message).toContain('spec.services.chatApi.config.noSuchSetting')
    await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'False' })
    expect(await replicasOf('todo-audit')).toBe(1)
    expect((await get(kinds.ConfigMap, 'todo-chat-api-config'))?.metadata.resourceVersion).toBe(
      before?.metadata.resourceVersion,
    )
    await edit({ services: { audit: { replicas: 3 } } })
    await ready()
    expect(await replicasOf('todo-audit')).toBe(3)
  })

  test('a missing Secret is named with the field that wants it, and found when it is there', async () => {
    const database = { database: { mode: 'External', secretRef: { name: 'my-database' } } } as const
    await aSystem(database)
    const missing = await untilCondition(cluster.client, namespace, {
      type: 'DatabaseReady',
      status: 'False',
      reason: 'SecretMissing',
    })
    expect(missing.message).toMatch(/Secret\/my-database: does not exist, and spec\.database\.secretRef names it/)
    const secret = (stringData: Record<string, string>): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'my-database', namespace },
      stringData,
    })
    await cluster.client.create(secret({ url: 'postgresql://db/todo' }), { fieldManager: 'admin' })
    // Touching the spec is one of the reasons to read a Secret again.
    await edit({ ...database, services: { audit: { logLevel: 'warn' } } })
    const incomplete = await untilCondition(cluster.client, namespace, {
      type: 'DatabaseReady',
      status: 'False',
      reason: 'SecretKeyMissing',
    })
    expect(incomplete.message).toMatch(/has no key uri.*it has url/)
    await cluster.client.apply(secret({ uri: 'postgresql://app@db/todo' }), { fieldManager: 'admin' })
    await edit({ ...database, services: { audit: { logLevel: 'info' } } })
    await ready()
  })

  test('a broker that does not answer is named, and nothing waits for it', async () => {
    await aSystem({}, { bootstrapServers: ['127.0.0.1:9'] })
    const condition = await untilCondition(cluster.client, namespace, {
      type: 'KafkaReady',
      status: 'False',
      reason: 'BrokerUnreachable',
    })
    expect(condition.message).toContain('127.0.0.1:9')
    expect(await get(kinds.StatefulSet, 'todo-postgresql')).toBeDefined()
    await edit()
    await ready()
  })

  test('fewer partitions than a topic has are refused while everything keeps running', async () => {
    await aReadySystem()
    await edit({ services: { audit: { replicas: 2 } } }, { topics: { taskEvents: { partitions: 1 } } })
    const condition = await untilCondition(cluster.client, namespace, {
      type: 'TopicsReady',
      status: 'False',
      reason: 'TopicShrinkRefused',
    })
    expect(condition.message).toMatch(/has 3 partitions, 1 are asked for/)
    await until('the rest of the edit is carried out', async () => (await replicasOf('todo-audit')) === 2)
    await untilCondition(cluster.client, namespace, { type: 'WorkersReady', status: 'True' })
  })

  test('a topic of an older system is not touched, until that system is gone', async () => {
    await aReadySystem()
    await applyBot(cluster.client, namespace, spec({}, { topics: { taskEvents: { partitions: 7 } } }), 'younger')
    const condition = await untilCondition(
      cluster.client,
      namespace,
      { type: 'TopicsReady', status: 'False', reason: 'TopicConflict' },
      { name: 'younger' },
    )
    expect(condition.message).toContain(`${namespace}/todo`)
    expect((await statusOf(cluster.client, namespace))?.topics).toContainEqual(
      expect.objectContaining({ alias: 'taskEvents', partitions: 3 }),
    )
    await cluster.client.delete(kinds.TodoChatbot, { namespace, name: 'todo' })
    await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { name: 'younger' })
    expect((await statusOf(cluster.client, namespace, 'younger'))?.topics).toContainEqual(
      expect.objectContaining({ alias: 'taskEvents', partitions: 7 }),
    )
  })
})

const notWatch = ({ method }: { method: string }): boolean => method !== 'WATCH'
