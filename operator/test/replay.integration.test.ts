import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { ReplayPhase, ReplayStatus } from '../src/api/v1alpha1/replay.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import { startDoomedOperator } from './support/doomed-operator.ts'
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
import { isolated } from './support/isolation.ts'
import { simulatedReplay } from './support/simulated-reports.ts'
import { wrongReplays } from './support/wrong-replays.ts'

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespace = await cluster.namespace()
  await configure()
  // Its deadline passes while the other tests run.
  await apply('lost', { system: 'other', deadline: '30s' })
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(() => cluster.workloads.heal())

const configure = async (services: object = {}): Promise<void> => {
  const spec = { kafka: { mode: 'External' as const, bootstrapServers: [kafka.brokers] }, services }
  await applyBot(cluster.client, namespace, spec)
}
const basis = { system: 'todo', worker: 'notification', source: 'DeadLetters', topic: 'taskEvents' }
const apply = async (name: string, spec: object = {}): Promise<void> => {
  const object: KubeObject = {
    apiVersion: 'todochatbot.dev/v1alpha1',
    kind: 'Replay',
    metadata: { name, namespace },
    spec: { ...basis, ...spec },
  }
  await cluster.client.apply(object, { fieldManager: 'admin' })
}
const edit = (name: string, spec: object): Promise<unknown> =>
  cluster.client.patch(kinds.Replay, { namespace, name }, { spec }, { fieldManager: 'admin' })
const statusOf = async (name: string): Promise<ReplayStatus | undefined> =>
  (await getOr(cluster.client, kinds.Replay, { namespace, name }))?.['status'] as ReplayStatus | undefined
const reaches = (name: string, phase: ReplayPhase, summary = ''): Promise<ReplayStatus> =>
  until(`${name} is ${phase} ${summary}`, async () => {
    const status = await statusOf(name)
    return status?.phase === phase && (status.summary ?? '').includes(summary) ? status : undefined
  })
const job = (name: string): Promise<KubeObject | undefined> =>
  getOr(cluster.client, kinds.Job, { namespace, name: `${name}-replay` })
const stopJobs = (): void => cluster.workloads.misbehave('Job', { kind: 'NotStarted' })
const jobExists = (name: string): Promise<KubeObject> => until(`${name} has a Job`, () => job(name))

describe('a Replay', () => {
  test('says what became of the events, in a Job without rights and with the Secrets it needs', async () => {
    await apply('dead')
    const status = await reaches('dead', 'Succeeded')
    expect(status).toMatchObject({
      observedGeneration: 1,
      summary: '3 matched, 2 delivered, 1 handled before',
      counts: simulatedReplay.counts,
      types: simulatedReplay.types,
      progress: { percent: 100 },
    })
    expect(status.conditions?.map(({ type, status: held }) => [type, held])).toEqual([
      ['Ready', 'True'],
      ['Reconciling', 'False'],
      ['Stalled', 'False'],
    ])
    const made = await job('dead')
    const { template } = made?.['spec'] as {
      template: { spec: { automountServiceAccountToken: boolean; volumes: { secret?: object }[] } }
    }
    expect(template.spec.automountServiceAccountToken).toBe(false)
    expect(template.spec.volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret]))).toMatchObject([
      { secretName: 'todo-database', items: [{ key: 'uri', path: 'uri' }] },
      { secretName: 'todo-app-token', items: [{ key: 'token', path: 'token' }] },
    ])
    expect(
      (await getOr(cluster.client, kinds.Replay, { namespace, name: 'dead' }))?.metadata.ownerReferences,
    ).toMatchObject([{ kind: 'TodoChatbot', name: 'todo' }])
  })

  test('pauses, goes on and is aborted by an edit; its spec is otherwise fixed', async () => {
    stopJobs()
    await apply('steered')
    await jobExists('steered')
    await edit('steered', { paused: true })
    await reaches('steered', 'Paused')
    expect(await job('steered')).toBeUndefined()
    await edit('steered', { paused: false })
    await jobExists('steered')
    await edit('steered', { aborted: true })
    const status = await reaches('steered', 'Aborted')
    expect(status.finishedAt).toBeDefined()
    expect(await job('steered')).toBeUndefined()
    await expect(edit('steered', { aborted: false })).rejects.toThrow('a Replay that was aborted cannot go on')
    await expect(edit('steered', { rate: 7 })).rejects.toThrow('cannot be changed but for paused and aborted')
    await expect(edit('steered', { select: { keys: ['ada'] } })).rejects.toThrow('cannot be changed')
  })

  test('waits for another one to the same worker, and not for one to another', async () => {
    stopJobs()
    await apply('first')
    await jobExists('first')
    await apply('second')
    await apply('elsewhere', { worker: 'audit' })
    await reaches('second', 'Pending', 'waits for Replay/first')
    await jobExists('elsewhere')
    expect(await job('second')).toBeUndefined()
    cluster.workloads.heal()
    await reaches('second', 'Succeeded')
  })

  test('yields to an isolation of its worker, before it starts and while it runs', async () => {
    stopJobs()
    await apply('yielding')
    await jobExists('yielding')
    await configure({ notification: { isolated: isolated('ScaleDown') } })
    await reaches('yielding', 'Pending', 'waits until the isolation of notification ends')
    expect(await job('yielding')).toBeUndefined()
    cluster.workloads.heal()
    await configure()
    await reaches('yielding', 'Succeeded')
    await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
  })

  test('fails with the last words of its Job', async () => {
    cluster.workloads.misbehave('Job/broken-replay', { kind: 'Failed', message: 'the worker is away' })
    await apply('broken')
    expect((await reaches('broken', 'Failed')).summary).toContain('the worker is away')
  })

  test('about a system that does not exist says so, and ends at its deadline', async () => {
    const status = await until(
      'it is given up',
      async () => {
        const now = await statusOf('lost')
        return now?.phase === 'Failed' ? now : undefined
      },
      45_000,
    )
    expect(status.summary).toBe('not done within 30s: TodoChatbot/other: does not exist')
  })

  test.each(wrongReplays)('with $what is refused and told why', async ({ spec, says }) => {
    await expect(apply('wrong', spec)).rejects.toThrow(says)
  })
})

test(
  'an operator that is killed after any write of a Replay, of its pause and of its end leaves one that its successor finishes',
  { timeout: 600_000 },
  async () => {
    await operator.stop()
    const env = { WATCH_NAMESPACE: namespace }
    const points: Record<string, number> = {}
    const stories: Record<string, (name: string) => Promise<unknown>> = {
      pause: async (name) => {
        stopJobs()
        await apply(name)
        await jobExists(name)
        await edit(name, { paused: true })
        await reaches(name, 'Paused')
        cluster.workloads.heal()
        await edit(name, { paused: false })
        return reaches(name, 'Succeeded')
      },
      abort: async (name) => {
        stopJobs()
        await apply(name)
        await jobExists(name)
        await edit(name, { aborted: true })
        return reaches(name, 'Aborted')
      },
    }
    for (const [story, play] of Object.entries(stories)) {
      // Up to the Job an abort is written like a pause.
      const first = story === 'abort' ? 6 : 1
      for (let n = first; points[story] === undefined; n += 1) {
        const doomed = startDoomedOperator(cluster, n, env)
        const whole = play(`${story}-${n}`)
        whole.catch(() => undefined)
        const crashed = await Promise.race([doomed.crashed, whole.then(() => false)])
        await doomed.stop()
        if (!crashed) points[story] = n - first
        const successor = startOperator(cluster, { env })
        await whole
        await successor.stop()
        cluster.workloads.heal()
      }
    }
    process.stdout.write(`crash points of a Replay: ${JSON.stringify(points)}, all converged\n`)
    expect(Math.min(...Object.values(points))).toBeGreaterThan(3)
    operator = startOperator(cluster)
  },
)
