import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { RemediationStatus } from '../src/api/v1alpha1/schema/status.ts'
import { startOperator, startTestCluster, until, type RunningOperator, type TestCluster } from './support/harness.ts'
import {
  backsOff,
  withoutChecks,
  remediationWorld,
  type Failure,
  type Patient,
  type RemediationWorld,
} from './support/remediation-world.ts'

/**
 * Workers fail in every way that pods, sidecars and Kafka can show, and are healed; or are left alone, for each of the reasons there are. Two
 * workers of a system fail at once, so each healing shows, too, that the other one waits. How it waits for isolations, pauses and rollouts is
 * shown in yields.integration.test.ts.
 */
let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let world: RemediationWorld
let namespace: string
let ahead = 0

/** What operators of before served at /metrics. */
const served: string[] = []
const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The operator goes on with a clock that is so much further ahead: nobody waits, and it is restarted as well. */
const timePasses = async (ms: number): Promise<void> => {
  served.push(await operator.metrics())
  await operator.stop()
  ahead += ms
  operator = startOperator(cluster, { ahead, env: withoutChecks })
}

interface Case extends Patient {
  readonly signal: string
  readonly action: string
  readonly fail: (patient: Patient) => Promise<unknown>
}

const failing = (how: Failure) => (patient: Patient) => world.fail(patient, how)
/** A pod of a worker is replaced by one that has something wrong. */
const born =
  (how: Parameters<TestCluster['workloads']['bear']>[1]) =>
  async (patient: Patient): Promise<void> => {
    const [before] = await world.pods(patient)
    cluster.workloads.bear(`Deployment/${patient.system}-${patient.worker}`, how)
    await world.deletePod(patient)
    await until('it is replaced', async () => {
      const pods = await world.pods(patient)
      return pods.length === 1 && pods[0] !== before
    })
  }
const killed = { exitCode: 137, reason: 'OOMKilled' }

const cases: readonly Case[] = [
  { system: 'a', worker: 'audit', signal: 'CrashLoop', action: 'Recreate', fail: failing(backsOff) },
  { system: 'a', worker: 'notification', signal: 'NotReady', action: 'Recreate', fail: failing({}) },
  {
    system: 'b',
    worker: 'audit',
    signal: 'OOMKilled',
    action: 'RaiseMemory',
    fail: failing({ container: { restartCount: 2, lastState: { terminated: killed } } }),
  },
  {
    system: 'b',
    worker: 'notification',
    signal: 'Evicted',
    action: 'Recreate',
    fail: failing({ pod: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory' } }),
  },
  { system: 'c', worker: 'audit', signal: 'SidecarMissing', action: 'Recreate', fail: born({ kind: 'NoSidecar' }) },
  {
    system: 'c',
    worker: 'notification',
    signal: 'NodeNotReady',
    action: 'Recreate',
    fail: failing({ container: { ready: true }, conditions: [{ type: 'ContainersReady', status: 'True' }] }),
  },
  {
    system: 'd',
    worker: 'audit',
    signal: 'ComponentNotLoaded',
    action: 'Recreate',
    fail: born({ kind: 'MissingComponent', component: 'd-task-pubsub' }),
  },
  {
    system: 'd',
    worker: 'notification',
    signal: 'ImagePullFailed',
    action: 'RollBack',
    fail: failing({ container: { state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off' } } } }),
  },
  {
    system: 'e',
    worker: 'audit',
    signal: 'ConsumerStuck',
    action: 'Restart',
    fail: async ({ system }) => sendTo(`${system}.task-reminders`),
  },
  {
    system: 'e',
    worker: 'chat-api',
    signal: 'PoolExhausted',
    action: 'Restart',
    fail: born({ kind: 'PoolExhausted' }),
  },
]

const systems = ['a', 'b', 'c', 'd', 'e']

const client = (): Kafka => new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING })
const sendTo = async (topic: string): Promise<void> => {
  const producer = client().producer()
  await producer.connect()
  await producer.send({ topic, messages: Array.from({ length: 9 }, (_, n) => ({ key: String(n), value: 'x' })) })
  await producer.disconnect()
}

const annotationsOf = async (patient: Patient): Promise<Readonly<Record<string, string>>> =>
  ((await world.deployment(patient))['spec'] as { template: { metadata: { annotations: Record<string, string> } } })
    .template.metadata.annotations
/** On the template of a Deployment: which remediation restarted it. */
const restartedBy = 'todochatbot.dev/remediation'
interface Container {
  readonly image: string
  readonly resources: { readonly limits: { readonly memory: string } }
}

/** The part of a consumer that stands still and takes events again once it is restarted. */
const takeEventsAfterRestart = async (system: string): Promise<void> => {
  const restarted = async (): Promise<boolean> => restartedBy in (await annotationsOf({ system, worker: 'audit' }))
  await until('the consumer is restarted', restarted, 60_000)
  const admin = client().admin()
  await admin.connect()
  const topic = `${system}.task-reminders`
  const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, offset: high }))
  await admin.setOffsets({ groupId: `${namespace}.${system}-audit`, topic, partitions })
  await admin.disconnect()
}

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster, { env: withoutChecks })
  namespace = await cluster.namespace()
  world = remediationWorld(cluster, namespace, kafka.brokers)
  await Promise.all(systems.map((system) => world.apply(system)))
  await Promise.all(systems.map(world.ready))
  // An image that can be returned to.
  await world.apply('d', { services: { notification: { image: { tag: '0.2.0' } } } })
  await world.ready('d')
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})

describe('a worker that fails', () => {
  let ledgers: ReadonlyMap<string, readonly RemediationStatus[]>
  let metrics: string
  beforeAll(async () => {
    for (const one of cases) await one.fail(one)
    await world.untilSaid({ system: 'e', worker: 'chat-api' }, 'Pending')
    await timePasses(minute)
    const [ended] = await Promise.all([
      Promise.all(systems.map(async (system) => [system, await world.untilEnded(system, 2)] as const)),
      takeEventsAfterRestart('e'),
      until('brokers are watched', async () => (await world.ledger('b')).length > 0).then(() =>
        sendTo('b.task-reminders.dlq'),
      ),
    ])
    ledgers = new Map(ended)
    metrics = [...served, await operator.metrics()].join('\n')
  })
  const entryOf = ({ system, worker }: Patient): RemediationStatus | undefined =>
    ledgers.get(system)?.find((entry) => entry.worker === worker)

  test.each(cases)('because of $signal is healed by $action', async (one) => {
    const { system, worker, signal, action } = one
    expect(entryOf(one)).toMatchObject({ signal, action, step: 1, state: 'Succeeded', incident: expect.anything() })
    expect((await world.unhealthy(one))?.signal).not.toBe(signal)
    const told = `${action} of ${worker} because of ${signal}: `
    const events = (await world.events(system)).filter(({ note }) => note.startsWith(told))
    expect(events.map(({ reason }) => reason).sort()).toEqual(['RemediationStarted', 'RemediationSucceeded'])
    const counted = metrics
      .split('\n')
      .filter((line) => line.startsWith('todochatbot_remediation_actions_total{'))
      .filter((line) => line.includes(`system="${system}",worker="${worker}",signal="${signal}",action="${action}"`))
    expect(counted.map((line) => /result="(\w+)"\} (\d+)/.exec(line)?.slice(1))).toEqual([
      ['Started', '1'],
      ['Succeeded', '1'],
    ])
  })

  test('waits while another one of its system is healed', () => {
    for (const entries of ledgers.values()) {
      const [first, second] = entries
      expect(entries).toHaveLength(2)
      expect(Date.parse(second?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.finishedAt ?? ''))
    }
  })

  test('gets what its step says: another pod, more memory, the image of before', async () => {
    const containersOf = async (patient: Patient) =>
      ((await world.deployment(patient))['spec'] as { template: { spec: { containers: readonly Container[] } } })
        .template.spec.containers
    const [ordinary] = await containersOf({ system: 'a', worker: 'audit' })
    const [raised] = await containersOf({ system: 'b', worker: 'audit' })
    expect([ordinary?.resources.limits.memory, raised?.resources.limits.memory]).toEqual(['256Mi', '384Mi'])
    const [returned] = await containersOf({ system: 'd', worker: 'notification' })
    expect(returned?.image).toMatch(/:0\.1\.0$/)
    const recreated = entryOf({ system: 'a', worker: 'audit' })?.objects?.[0]
    const pods = await world.pods({ system: 'a', worker: 'audit' })
    expect(pods.map((name) => `Pod/${name}`)).not.toContain(recreated)
    expect(await annotationsOf({ system: 'a', worker: 'audit' })).not.toHaveProperty(restartedBy)
    const restarted = entryOf({ system: 'e', worker: 'audit' })?.id
    expect(await annotationsOf({ system: 'e', worker: 'audit' })).toMatchObject({ [restartedBy]: restarted })
  })

  test('because its events are refused is told of and left alone', async () => {
    const said = await world.untilSaid({ system: 'b', worker: 'audit' }, 'Impossible')
    expect(said).toMatchObject({ signal: 'DeadLettersGrowing', message: expect.stringContaining('b.task-reminders') })
    expect(await world.ledger('b')).toHaveLength(2)
  })
})

/** One thing after the other, in all systems at once: each jump in time serves all of them. */
describe('a worker that fails is left alone', () => {
  const audit = (system: string): Patient => ({ system, worker: 'audit' })
  const others = ['notification', 'chat-api']
  const before = new Map<string, number>()
  const newEntries = async (system: string): Promise<readonly RemediationStatus[]> =>
    (await world.ledger(system)).slice(before.get(system))
  const ended = async (system: string, count = 1): Promise<readonly RemediationStatus[]> => {
    await world.untilEnded(system, (before.get(system) ?? 0) + count)
    return newEntries(system)
  }
  const podsOf = (system: string, workers: readonly string[]): Promise<readonly (readonly string[])[]> =>
    Promise.all(workers.map((worker) => world.pods({ system, worker })))
  const told = (system: string, reason: string): Promise<string> =>
    until(`${reason} is told`, async () => (await world.events(system)).find((one) => one.reason === reason)?.note)
  const stepBack = { system: 'e', worker: 'recurring-task' }
  let pods: readonly (readonly string[])[]

  beforeAll(async () => {
    for (const system of systems) before.set(system, (await world.ledger(system)).length)
    // Longer than it takes to let them all fail.
    const unhealthyAfter = '2m'
    // An edit ends the episodes of before, two hours the budget they took.
    await world.apply('a', { remediation: { enabled: false, unhealthyAfter } })
    await world.apply('b', { remediation: { actionsPerHour: 1, unhealthyAfter } })
    await world.apply('c', { remediation: { minHealthy: 2, unhealthyAfter } })
    await world.apply('d', { remediation: { minHealthy: 2, unhealthyAfter, stormCooldown: '30m' } })
    await world.apply('e', { services: { recurringTask: { replicas: 2 } }, remediation: { unhealthyAfter: '5m' } })
    await until('it has two pods', async () => (await world.pods(stepBack)).length === 2)
    await Promise.all(systems.map(world.ready))
    cluster.workloads.misbehave('StatefulSet/c-postgresql', { kind: 'NotStarted' })
    await until('the database is down', async () =>
      (await world.status('c'))?.conditions?.some(({ type, status }) => type === 'DatabaseReady' && status === 'False'),
    )
    pods = [...(await podsOf('a', ['audit'])), ...(await podsOf('c', ['audit', ...others]))]
    const loop = { kind: 'Waiting', reason: 'CrashLoopBackOff', message: 'back-off' } as const
    cluster.workloads.bear('Deployment/e-recurring-task', loop, loop)
    await world.deletePod(stepBack)
    for (const system of ['a', 'c', 'd']) await world.fail(audit(system), backsOff)
    for (const system of ['b', 'c', 'd']) for (const worker of others) await world.fail({ system, worker }, backsOff)
    await timePasses(2 * hour)
  })

  test('while remediation is switched off', async () => {
    const said = await world.untilSaid(audit('a'), 'Disabled')
    expect(said.because).toBe('would Recreate; spec.remediation.enabled is false')
    expect(await told('a', 'RemediationDisabled')).toContain('audit: CrashLoop')
    expect([await podsOf('a', ['audit']), await newEntries('a')]).toEqual([pods.slice(0, 1), []])
  })

  test('while the database is down', async () => {
    for (const worker of ['audit', ...others]) {
      await until(`${worker} is held`, async () =>
        /^the cause lies outside: .*postgresql/.test((await world.unhealthy({ system: 'c', worker }))?.because ?? ''),
      )
    }
    expect([await podsOf('c', ['audit', ...others]), await newEntries('c')]).toEqual([pods.slice(1), []])
    expect((await world.status('c'))?.storm).toBeUndefined()
  })

  test('while more fail than minHealthy allows', async () => {
    expect(await told('d', 'RemediationStorm')).toContain('minHealthy')
    for (const worker of ['audit', ...others])
      expect((await world.untilSaid({ system: 'd', worker }, 'Held')).because).toMatch(/storm|minHealthy/)
    expect(await newEntries('d')).toEqual([])
  })

  test('when the budget of the hour is spent', async () => {
    const [first, ...more] = await ended('b')
    expect([first?.state, more]).toEqual(['Succeeded', []])
    const other = { system: 'b', worker: others.find((worker) => worker !== first?.worker) ?? '' }
    await until('the other one is held', async () => /budget of 1/.test((await world.unhealthy(other))?.because ?? ''))
  })

  test('when others are well again, until the storm has been over for a while', async () => {
    for (const worker of others) await world.deletePod({ system: 'd', worker })
    await until('the storm has an end', async () => (await world.status('d'))?.storm?.until !== undefined)
    const said = await world.untilSaid(audit('d'), 'Held')
    expect(said.because).toContain('until the storm is over')
  })

  test('for a pause after a step that did not help, also by an operator that was restarted in between', async () => {
    await until('its pod is recreated', async () => (await newEntries('e'))[0]?.state === 'Observing')
    await timePasses(9 * minute)
    expect(await ended('e')).toMatchObject([{ action: 'Recreate', step: 1, state: 'Failed' }])
    const next = async (): Promise<boolean> =>
      (await world.unhealthy(stepBack))?.because === 'Restart is next, after a pause'
    await until('it waits', next)
    await timePasses(minute)
    await until('the restarted operator has looked at all systems', async () =>
      /reconcile_total\{controller="todochatbot",result="\w+"\} ([5-9]|\d\d)/.test(await operator.metrics()),
    )
    await until('it still waits', next)
    expect(await newEntries('e')).toHaveLength(1)
    expect(await newEntries('d')).toEqual([])
  })

  test('and is healed when what held it is over', async () => {
    cluster.workloads.misbehave('StatefulSet/c-postgresql', undefined)
    for (const worker of others) await world.deletePod({ system: 'c', worker })
    await until('the database is back, and only audit fails', async () => {
      const { services = [], conditions = [] } = (await world.status('c')) ?? {}
      const failing = services.filter(({ unhealthy }) => unhealthy !== undefined).map(({ name }) => name)
      return failing.join() === 'audit' && conditions.find(({ type }) => type === 'DatabaseReady')?.status === 'True'
    })
    await timePasses(hour)
    const [, second] = await ended('b', 2)
    expect(second).toMatchObject({ action: 'Recreate', step: 1, state: 'Succeeded' })
    expect(await ended('c')).toMatchObject([{ worker: 'audit', action: 'Recreate', state: 'Succeeded' }])
    expect(await ended('d')).toMatchObject([{ worker: 'audit', action: 'Recreate', state: 'Succeeded' }])
    expect(await told('d', 'RemediationStormOver')).toBeDefined()
    const [, restarted] = await ended('e', 2)
    expect(restarted).toMatchObject({ action: 'Restart', step: 2, state: 'Succeeded' })
    expect(await newEntries('a')).toEqual([])
  })
})
