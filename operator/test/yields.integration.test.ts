import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../src/kube/kinds.ts'
import {
  applyBot,
  startOperator,
  startTestCluster,
  statusOf,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'
import { isolated, isolationWorld, type IsolationWorld } from './support/isolation.ts'

/**
 * Which procedure yields to which, pair by pair: isolation > rollback > update and restart > remediation > scale; a pause holds all but isolation.
 * One procedure is going on at audit, the other one is asked for; then it is looked at what the Deployment holds.
 */
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
})

type Audit = NonNullable<NonNullable<TodoChatbotSpecInput['services']>['audit']>
type Asked = { readonly audit?: Audit; readonly paused?: TodoChatbotSpecInput['paused'] }

const edit = async ({ audit = {}, paused }: Asked): Promise<void> => {
  await applyBot(cluster.client, namespace, {
    update: { progressDeadline: '30s' },
    remediation: { unhealthyAfter: '10s', healthyDelay: '1s' },
    ...(paused === undefined ? {} : { paused }),
    services: { audit },
    kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `y${count}.` },
  })
}
/** What the Deployment of audit holds now. */
const held = async () => {
  const { replicas, paused, template } = (await world.deployment())['spec'] as {
    replicas: number
    paused?: boolean
    template: { metadata: { annotations: Record<string, string> } }
  }
  return { replicas, paused: paused === true, restart: template.metadata.annotations['todochatbot.dev/restarted-at'] }
}

const restart = { restartedAt: '2026-12-31T18:00:00Z' }
const scale = { replicas: 2 }
const pause = (): Asked['paused'] => ({ reason: 'freeze', by: 'bob', until: isolated('Network').until })
const condition = (type: string, status: string, reason?: string): Promise<unknown> =>
  untilCondition(cluster.client, namespace, { type, status, ...(reason === undefined ? {} : { reason }) })
const normal = { replicas: 1, paused: false, restart: undefined }

interface Pair {
  readonly first: string
  readonly then: string
  readonly begin: () => Asked
  readonly ask: (first: Asked) => Asked
  /** Waits until the operator has dealt with both. */
  readonly settled: () => Promise<unknown>
  readonly holds: object
}

const isolating = (mode: 'Network' | 'ScaleDown') => (): Asked => ({ audit: { isolated: isolated(mode) } })
const pausing = (): Asked => ({ paused: pause() })
const also =
  (more: Audit) =>
  ({ audit, ...rest }: Asked): Asked => ({ ...rest, audit: { ...audit, ...more } })
const andIsolate =
  (mode: 'Network' | 'ScaleDown') =>
  ({ audit, ...rest }: Asked): Asked => ({ ...rest, audit: { ...audit, isolated: isolated(mode) } })

const pairs: readonly Pair[] = [
  {
    first: 'a worker that is cut off',
    then: 'its restart waits',
    begin: isolating('Network'),
    ask: also(restart),
    settled: () => condition('UpToDate', 'False', 'Isolated'),
    holds: { ...normal, paused: true },
  },
  {
    first: 'a worker that is cut off',
    then: 'its scaling waits',
    begin: isolating('Network'),
    ask: also(scale),
    settled: () => condition('UpToDate', 'False', 'Isolated'),
    holds: { ...normal, paused: true },
  },
  {
    first: 'a worker that is scaled down',
    then: 'its scaling waits',
    begin: isolating('ScaleDown'),
    ask: also(scale),
    settled: () => condition('UpToDate', 'True'),
    holds: { ...normal, replicas: 0 },
  },
  {
    first: 'a worker that is scaled down',
    then: 'its restart disrupts nobody',
    begin: isolating('ScaleDown'),
    ask: also(restart),
    settled: () => condition('UpToDate', 'True'),
    holds: { ...normal, replicas: 0, restart: restart.restartedAt },
  },
  {
    first: 'a worker that is scaled down',
    then: 'a pause does not bring it back',
    begin: isolating('ScaleDown'),
    ask: (first) => ({ ...first, paused: pause() }),
    settled: () => condition('Paused', 'True'),
    holds: { ...normal, replicas: 0 },
  },
  {
    first: 'a paused system',
    then: 'a restart waits',
    begin: pausing,
    ask: also(restart),
    settled: () => condition('UpToDate', 'False', 'Paused'),
    holds: normal,
  },
  {
    first: 'a paused system',
    then: 'scaling waits',
    begin: pausing,
    ask: also(scale),
    settled: () => condition('UpToDate', 'False', 'Paused'),
    holds: normal,
  },
  {
    first: 'a paused system',
    then: 'a worker is scaled down all the same',
    begin: pausing,
    ask: andIsolate('ScaleDown'),
    settled: () => condition('Isolated', 'True'),
    holds: { ...normal, replicas: 0 },
  },
  {
    first: 'a paused system',
    then: 'a worker is cut off all the same',
    begin: pausing,
    ask: andIsolate('Network'),
    settled: () => condition('Isolated', 'True'),
    holds: { ...normal, paused: true },
  },
]

describe('of two procedures on one worker, the lesser one waits', () => {
  test.each(pairs)('$first: $then', async ({ begin, ask, settled, holds }) => {
    namespace = await cluster.namespace()
    world = isolationWorld(cluster, namespace)
    count += 1
    await edit({})
    await condition('Ready', 'True')
    const first = begin()
    await edit(first)
    await (first.paused === undefined ? condition('Isolated', 'True') : condition('Paused', 'True'))
    const both = ask(first)
    await edit(both)
    await settled()
    await until('the Deployment holds what the greater one wants', async () => {
      expect(await held()).toEqual(holds)
      return true
    })

    // Nothing is forgotten: when the greater one ends, the lesser one is carried out.
    const { replicas, restartedAt } = both.audit ?? {}
    await edit({
      audit: {
        ...(replicas === undefined ? {} : { replicas }),
        ...(restartedAt === undefined ? {} : { restartedAt }),
      },
    })
    await condition('Ready', 'True')
    expect(await held()).toEqual({ replicas: replicas ?? 1, paused: false, restart: restartedAt })
  })

  test('a worker in the middle of a rollout is cut off as it stands', async () => {
    namespace = await cluster.namespace()
    world = isolationWorld(cluster, namespace)
    count += 1
    await edit({})
    await condition('Ready', 'True')
    cluster.workloads.refuseTemplate('Deployment/todo-audit', restart.restartedAt, { kind: 'NotStarted' })
    await edit({ audit: restart })
    await condition('Ready', 'Unknown')
    await edit({ audit: { ...restart, isolated: isolated('Network') } })
    await condition('Isolated', 'True')
    await world.isCutOff()
  })
})

/** The operator goes on with a clock that is so far ahead of ours, in ms: deadlines pass without waiting for them. */
const timePasses = async (ahead: number): Promise<void> => {
  await operator.stop()
  operator = startOperator(cluster, { ahead })
}
const minute = 60_000
const aReadySystem = async (): Promise<void> => {
  namespace = await cluster.namespace()
  world = isolationWorld(cluster, namespace)
  count += 1
  await edit({})
  await condition('Ready', 'True')
}
const audit = async () => (await statusOf(cluster.client, namespace))?.services?.find(({ name }) => name === 'audit')

describe('a rollback', () => {
  const bad = { image: { tag: 'no-such-tag' } }
  const holdsBad = async (): Promise<boolean> =>
    JSON.stringify((await world.deployment())['spec']).includes('no-such-tag')
  /** What an admin may do; each of them is done in one of these tests. */
  const verbs = async () => (await statusOf(cluster.client, namespace))?.operation?.allowedVerbs
  const mayDo = (...expected: readonly string[]): Promise<unknown> =>
    until(`an admin may ${expected.join(', ')}`, async () => {
      expect(await verbs()).toEqual(expected)
      return true
    })
  const rolling = (): Promise<unknown> => until('it rolls', async () => (await audit())?.rollout !== undefined)
  const rolledBack = async (): Promise<void> => {
    await condition('UpToDate', 'False', 'RolledBack')
    await until('it holds what was healthy', async () => !(await holdsBad()))
  }
  beforeEach(async () => {
    await aReadySystem()
    const how = { kind: 'Waiting', reason: 'ImagePullBackOff', message: 'Back-off' } as const
    cluster.workloads.refuseTemplate('Deployment/todo-audit', 'no-such-tag', how)
    await edit({ audit: bad })
    await rolling()
  })
  afterEach(() => timePasses(0))

  test('waits while the system is paused, and then gives the change its whole time', async () => {
    await mayDo('Pause', 'Revert')
    await edit({ audit: bad, paused: pause() })
    await condition('Paused', 'True')
    await timePasses(minute)
    await until('its time stands still', async () => (await audit())?.rollout === undefined)
    await mayDo('Resume')
    expect(await holdsBad()).toBe(true)
    await edit({ audit: bad })
    await rolling()
    expect(await holdsBad()).toBe(true)
    await timePasses(2 * minute)
    await rolledBack()
    await mayDo('Pause', 'Revert', 'Retry')
    await edit({})
    await condition('Ready', 'True')
  })

  test('waits while its worker is cut off', async () => {
    await edit({ audit: { ...bad, isolated: isolated('Network') } })
    await condition('Isolated', 'True')
    await timePasses(minute)
    await until('its time stands still', async () => (await audit())?.rollout === undefined)
    await world.isCutOff()
    expect(await holdsBad()).toBe(true)
    await edit({ audit: bad })
    await rolling()
    await timePasses(2 * minute)
    await rolledBack()
  })

  test('is kept by scaling and by an isolation, and ended by a restart, which tries the change again', async () => {
    await timePasses(minute)
    await rolledBack()
    await edit({ audit: { ...bad, ...scale } })
    await until('it is scaled', async () => (await held()).replicas === 2)
    expect(await holdsBad()).toBe(false)
    await edit({ audit: { ...bad, ...scale, isolated: isolated('ScaleDown') } })
    await condition('Isolated', 'True')
    await world.isScaledDown()
    await edit({ audit: { ...bad, ...scale } })
    await world.isAsBefore(2)
    await rolledBack()
    await mayDo('Pause', 'Revert', 'Retry')
    await edit({ audit: { ...bad, ...restart } })
    await until('it is tried again', holdsBad)
    await rolling()
    await mayDo('Pause', 'Revert')
    await edit({})
    await condition('Ready', 'True')
  })
})

describe('remediation', () => {
  const failing = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'False' }],
    containerStatuses: ['audit', 'daprd'].map((name) => ({
      name,
      image: 'x',
      imageID: 'x',
      ready: name === 'daprd',
      restartCount: name === 'daprd' ? 0 : 5,
      started: true,
      state:
        name === 'daprd'
          ? { running: {} }
          : { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } },
    })),
  }
  const fails = (): Promise<void> => cluster.workloads.breakPods(namespace, 'Deployment/todo-audit', failing)
  const ledger = async () => (await statusOf(cluster.client, namespace))?.remediation ?? []
  const healed = async (): Promise<void> => {
    await until('it is healed', async () => (await ledger())[0]?.worker === 'audit')
    await condition('WorkersReady', 'True')
  }
  afterEach(() => timePasses(0))

  test('waits while the system is paused, and heals afterwards', async () => {
    await aReadySystem()
    await edit({ paused: pause() })
    await condition('Paused', 'True')
    await fails()
    await timePasses(minute)
    await until('it is held', async () => (await audit())?.unhealthy?.remediation === 'Held')
    expect((await audit())?.unhealthy).toMatchObject({
      signal: 'CrashLoop',
      because: expect.stringContaining('paused'),
    })
    expect(await ledger()).toEqual([])
    await edit({})
    await healed()
  })

  test('leaves an isolated worker alone, and heals it when the isolation ends', async () => {
    await aReadySystem()
    await edit({ audit: { isolated: isolated('Network') } })
    await condition('Isolated', 'True')
    await fails()
    await timePasses(minute)
    await until('its pod is seen to fail', async () => (await audit())?.ready === 0)
    expect([(await audit())?.unhealthy, await ledger()]).toEqual([undefined, []])
    await edit({})
    await healed()
  })

  test('leaves a worker that is being rolled out to its rollout', async () => {
    await aReadySystem()
    const loop = { kind: 'Waiting', reason: 'CrashLoopBackOff', message: 'back-off' } as const
    cluster.workloads.refuseTemplate('Deployment/todo-audit', restart.restartedAt, loop)
    await edit({ audit: restart })
    await until('it is held', async () => (await audit())?.unhealthy?.remediation === 'Held')
    expect((await audit())?.unhealthy?.because).toContain('being rolled out')
    await timePasses(minute)
    await condition('UpToDate', 'False', 'RolledBack')
    expect(await ledger()).toEqual([])
  })
})
