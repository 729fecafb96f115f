import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotStatus } from '../src/api/v1alpha1/schema/status.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
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
import { incidentsOf, isolated, isolationWorld, type IsolationWorld } from './support/isolation.ts'

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let world: IsolationWorld
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
  await until('the system is gone', async () => {
    const { items } = await cluster.client.list(kinds.Deployment, { namespace })
    return items.length === 0
  })
})

const edit = async (over: TodoChatbotSpecInput = {}): Promise<void> => {
  const mine = { mode: 'External' as const, bootstrapServers: [kafka.brokers], topicPrefix: `t${count}.` }
  await applyBot(cluster.client, namespace, { ...over, kafka: mine })
}
const ready = async (): Promise<unknown> =>
  untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 60_000 })
const aReadySystem = async (): Promise<void> => {
  namespace = await cluster.namespace()
  world = isolationWorld(cluster, namespace)
  count += 1
  await edit()
  await ready()
}
const inForce = async () => untilCondition(cluster.client, namespace, { type: 'Isolated', status: 'True' })
const notIsolated = async (reason = 'NotIsolated') =>
  untilCondition(cluster.client, namespace, { type: 'Isolated', status: 'False', reason })
const status = async (): Promise<TodoChatbotStatus | undefined> => statusOf(cluster.client, namespace)
const audit = async () => (await status())?.services?.find(({ name }) => name === 'audit')
const eventsOf = async (reason: string): Promise<string[]> => {
  const { items } = await cluster.client.list(kinds.Event, { namespace })
  return items.filter((event) => event['reason'] === reason).map((event) => event['note'] as string)
}

describe('a worker that is scaled down', () => {
  test('leaves after its evidence was taken, comes back when the field is removed, and everybody is told', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('ScaleDown') } } })
    const condition = await inForce()
    expect(condition.message).toMatch(
      /^audit: ScaleDown by alice until \S+: looks odd \(Incident\/todo-audit-\S+: 2 files/,
    )
    await world.isScaledDown()
    expect(await status()).toMatchObject({ phase: 'Isolated' })
    await until('nothing is under way', async () => (await status())?.operation === undefined, 60_000)
    const conditions = (await status())?.conditions?.map(({ type, status: held, reason }) => [type, held, reason])
    expect(conditions).toEqual(
      expect.arrayContaining([
        ['Ready', 'False', 'Isolated'],
        ['Reconciling', 'False', 'Done'],
        ['Stalled', 'False', 'AsExpected'],
        ['WorkersReady', 'False', 'Isolated'],
        ['UpToDate', 'True', 'Applied'],
      ]),
    )
    const [incident] = await incidentsOf(cluster, namespace)
    expect(incident).toMatchObject({
      spec: { system: 'todo', worker: 'audit', trigger: 'Isolation', reason: 'looks odd', by: 'alice' },
    })

    await edit()
    await ready()
    await world.isAsBefore()
    expect(await audit()).toMatchObject({ desired: 1, ready: 1, isolation: { state: 'Ended', by: 'alice' } })
    await until('the events are written', async () => (await eventsOf('IsolationEnded')).length === 1)
    expect((await eventsOf('Isolated'))[0]).toMatch(/^audit: ScaleDown by alice until/)
    expect((await eventsOf('IsolationEnded'))[0]).toBe(
      'audit: ScaleDown withdrawn: spec.services.audit.isolated was removed; isolated by alice: looks odd',
    )
  })

  test('is scaled down again when somebody scales it up, and ends by itself', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('ScaleDown') } } })
    await inForce()
    await world.isScaledDown()
    const audit = { namespace, name: 'todo-audit' }
    await cluster.client.patch(kinds.Deployment, audit, { spec: { replicas: 3 } }, { fieldManager: 'kubectl' })
    await world.isScaledDown()
    await edit({ services: { audit: { isolated: isolated('ScaleDown', 3_000) } } })
    await notIsolated('Expired')
    await ready()
    await world.isAsBefore()
    await until('the event is written', async () => (await eventsOf('IsolationEnded')).length === 1)
    expect((await eventsOf('IsolationEnded'))[0]).toContain('ended: its time was up; isolated by alice')
  })

  test('keeps its evidence when the end is moved, and takes new one when it is isolated again', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('ScaleDown') } } })
    await inForce()
    await edit({ services: { audit: { isolated: isolated('ScaleDown', 7_200_000) } } })
    await inForce()
    expect(await incidentsOf(cluster, namespace)).toHaveLength(1)
    await edit()
    await ready()
    await edit({ services: { audit: { isolated: isolated('ScaleDown') } } })
    await inForce()
    expect(await incidentsOf(cluster, namespace)).toHaveLength(2)
  })

  test('leaves although its evidence failed, and that is said', async () => {
    await aReadySystem()
    cluster.workloads.misbehave('Job', { kind: 'Failed', message: 'no archive was written: ENOSPC' })
    await edit({ services: { audit: { isolated: isolated('ScaleDown') } } })
    expect((await inForce()).message).toContain('ENOSPC')
    await world.isScaledDown()
  })
})

describe('a worker that is cut off', () => {
  test('stands still, is allowed nothing, serves nobody, and takes what was changed meanwhile when it comes back', async () => {
    await aReadySystem()
    const before = await world.deployment()
    await edit({ services: { audit: { isolated: isolated('Network') } } })
    await inForce()
    await world.isCutOff()
    const [pod] = await world.pods()
    const policy = await getOr(cluster.client, kinds.NetworkPolicy, { namespace, name: 'todo-audit-isolated' })
    expect(policy?.metadata.ownerReferences).toContainEqual(
      expect.objectContaining({ kind: 'Pod', uid: pod?.metadata.uid }),
    )

    const change = { restartedAt: '2026-12-31T18:00:00Z', replicas: 2 }
    await edit({ services: { audit: { ...change, isolated: isolated('Network') } } })
    const waits = await untilCondition(cluster.client, namespace, {
      type: 'UpToDate',
      status: 'False',
      reason: 'Isolated',
    })
    expect(waits.message).toContain('Deployment/todo-audit: is changed when the isolation of its worker ends')
    await world.isCutOff()
    expect((await world.deployment())['spec']).toEqual({ ...(before['spec'] as object), paused: true })
    expect((await world.pods()).map(({ metadata }) => metadata.uid)).toEqual([pod?.metadata.uid])

    await edit({ services: { audit: change } })
    await ready()
    await world.isAsBefore(2)
    expect((await world.pods()).map(({ metadata }) => metadata.uid)).not.toContain(pod?.metadata.uid)
  })

  test('is warned of when a policy of somebody else lets it through', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('Network') } } })
    await inForce()
    const allowAll = (name: string, spec: object): KubeObject => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace },
      spec: { policyTypes: ['Ingress'], ...spec },
    })
    const admin = { fieldManager: 'admin' }
    await cluster.client.create(allowAll('deny', { podSelector: {} }), admin)
    await cluster.client.create(allowAll('other', { podSelector: { matchLabels: { a: 'b' } }, ingress: [{}] }), admin)
    await cluster.client.create(allowAll('monitoring', { podSelector: {}, ingress: [{}] }), admin)
    const message = await until('it says so', async () => {
      const { message = '' } = (await status())?.conditions?.find(({ type }) => type === 'Isolated') ?? {}
      return message.includes('NetworkPolicy/') && message
    })
    expect(message).toContain('NetworkPolicy/monitoring is not ours and allows traffic of its pods')
    expect(message).not.toMatch(/NetworkPolicy\/(deny|other)/)
  })

  test('and is then scaled down keeps its policy until its last pod is gone', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('Network') } } })
    await inForce()
    await world.isCutOff()
    await edit({ services: { audit: { isolated: isolated('ScaleDown') } } })
    await world.isScaledDown()
    expect(await incidentsOf(cluster, namespace)).toHaveLength(1)
    await edit()
    await ready()
    await world.isAsBefore()
  })
})

describe('an isolation', () => {
  test.each(['ScaleDown', 'Network'] as const)(
    'by %s works while the system is paused, and carries out nothing else',
    async (mode) => {
      await aReadySystem()
      const paused = { reason: 'freeze', by: 'bob', until: new Date(Date.now() + 3_600_000).toISOString() }
      const held = { restartedAt: '2026-12-31T18:00:00Z' }
      await edit({ paused, services: { audit: { ...held, isolated: isolated(mode) }, notification: held } })
      await inForce()
      await (mode === 'Network' ? world.isCutOff() : world.isScaledDown())
      await edit({ paused, services: { audit: held, notification: held } })
      await notIsolated()
      await world.isAsBefore()
      for (const worker of ['audit', 'notification'])
        expect(JSON.stringify(await world.deployment(worker))).not.toContain('2026-12-31')
      expect(await status()).toMatchObject({ phase: 'Paused' })
    },
  )

  test('works while an edit is refused', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('ScaleDown'), config: { nonsense: 1 } } } })
    await untilCondition(cluster.client, namespace, { type: 'ConfigValid', status: 'False' })
    await inForce()
    await world.isScaledDown()
  })

  test('works while PostgreSQL is down', async () => {
    await aReadySystem()
    cluster.workloads.misbehave('StatefulSet/todo-postgresql', { kind: 'NotStarted' })
    await untilCondition(cluster.client, namespace, { type: 'DatabaseReady', status: 'False' })
    await edit({ services: { audit: { isolated: isolated('Network') } } })
    await inForce()
    await world.isCutOff()
  })

  test('whose end is past is none, and the condition says so', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('ScaleDown', -60_000) } } })
    expect((await notIsolated('Expired')).message).toContain('spec.services.audit.isolated.until is past')
    await ready()
    expect(await incidentsOf(cluster, namespace)).toEqual([])
  })

  test('survives a restart of the operator, and costs no request while it lasts', async () => {
    await aReadySystem()
    await edit({ services: { audit: { isolated: isolated('Network') } } })
    await inForce()
    await operator.stop()
    operator = startOperator(cluster)
    await until('the new operator has looked', () => operator.requests.length > 0)
    let last = -1
    await until('nothing more is asked', async () => {
      const settled = operator.requests.length === last
      last = operator.requests.length
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      return settled
    })
    await world.isCutOff()
    // Only the status is told again, until the sidecars have been asked.
    const writes = operator.requests.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/status'))
    expect(writes).toEqual([])
    expect(await incidentsOf(cluster, namespace)).toHaveLength(1)
  })
})
