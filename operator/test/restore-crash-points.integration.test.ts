import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { RestoreStatus } from '../src/api/v1alpha1/restore.ts'
import { kinds } from '../src/kube/kinds.ts'
import { crashesAfter, crashPointsTaken, crashStride, withOperator } from './support/doomed-operator.ts'
import { applyBot, getOr, startTestCluster, until, untilCondition } from './support/harness.ts'
import type { TestCluster } from './support/harness.ts'

/**
 * The operator is stopped after single writes of a Restore, in turn (which ones: crashStride): the API server has carried out the write, the
 * answer never reaches the operator, and it sends nothing more. A second operator has to bring the Restore to its end each time: one safety
 * backup, no step done that was not asked for, every worker back, and no Job left that works.
 */
let cluster: TestCluster
let kafka: KafkaServer

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
})
afterAll(async () => {
  await Promise.all([cluster.stop(), kafka.stop()])
})

interface Story {
  readonly name: string
  readonly spec: object
  /** A step of which the Job fails. */
  readonly fails?: string
  /** How it has to end: phase, and the steps that were done or failed. */
  readonly phase: RestoreStatus['phase']
  readonly steps: readonly string[]
}

const succeeded = (...names: readonly string[]): string[] => names.map((name) => `${name} Succeeded`)

const stories: readonly Story[] = [
  {
    name: 'onward',
    spec: { until: { auditSequence: 10 } },
    phase: 'PartiallySucceeded',
    steps: succeeded(
      ...['Check', 'Database', 'SafetyBackup', 'Fence', 'Reapply', 'Topics', 'Switch', 'Unfence', 'Validate'],
    ),
  },
  {
    name: 'undone',
    spec: { safetyBackup: { skip: true, reason: 'a test' } },
    fails: 'switch',
    phase: 'Failed',
    steps: [...succeeded('Check', 'Database', 'Fence', 'Topics'), 'Switch Failed', ...succeeded('Undo', 'Unfence')],
  },
  {
    name: 'drill',
    spec: { mode: 'Drill' },
    phase: 'Succeeded',
    steps: succeeded('Check', 'Database', 'Topics', 'Validate', 'CleanUp'),
  },
]

/** One system, and operators that look after its namespace only: the stories are gone through side by side. */
async function startWorld() {
  const namespace = await cluster.namespace()
  const env = { WATCH_NAMESPACE: namespace }
  const ready = (): Promise<unknown> =>
    untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 90_000 })
  const statusOf = async (name: string): Promise<RestoreStatus> =>
    ((await getOr(cluster.client, kinds.Restore, { namespace, name }))?.['status'] ?? {}) as RestoreStatus
  const apply = async (name: string, spec: object): Promise<void> => {
    const restore = { apiVersion: 'todochatbot.dev/v1alpha1', kind: 'Restore', metadata: { name, namespace } }
    const source = { path: 'app/todo/x' }
    await cluster.client.apply({ ...restore, spec: { system: 'todo', source, ...spec } }, { fieldManager: 'admin' })
  }
  const over = async (name: string): Promise<void> => {
    await until(`${name} is over`, async () => (await statusOf(name)).finishedAt, 90_000)
    await ready()
  }
  /** Workers that are still held away, and Jobs of the Restore that have not ended. */
  const leftovers = async (name: string): Promise<{ stopped: number; working: string[] }> => {
    const deployments = (await cluster.client.list(kinds.Deployment, { namespace })).items
    const jobs = (await cluster.client.list(kinds.Job, { namespace })).items
    const isOver = ({ status }: { status?: { conditions?: unknown } }): boolean => status?.conditions !== undefined
    return {
      stopped: deployments.filter((item) => (item['spec'] as { replicas: number }).replicas === 0).length,
      working: jobs
        .filter((job) => job.metadata.name.startsWith(name) && !isOver(job as object))
        .map(({ metadata }) => metadata.name),
    }
  }
  const safetyBackups = async (name: string): Promise<number> =>
    (await cluster.client.list(kinds.Backup, { namespace })).items.filter(({ metadata }) =>
      metadata.name.startsWith(name),
    ).length
  await applyBot(cluster.client, namespace, {
    backup: { destination: { volume: { claim: 'backups' } } },
    kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `${namespace}.` },
  })
  await withOperator(cluster, { env }, ready)
  return { env, statusOf, apply, over, leftovers, safetyBackups }
}

test.concurrent.each(stories)(
  '$name survives an operator that is killed after any write',
  { timeout: 900_000 },
  async (story) => {
    const world = await startWorld()
    let points = 0
    let going = true
    for (let n = 1; going; n += crashStride) {
      const name = `${story.name}-${n}`
      if (story.fails !== undefined)
        cluster.workloads.misbehave(`Job/${name}-${story.fails}`, { kind: 'Failed', message: 'StillConnected: psql' })
      await world.apply(name, story.spec)
      going = await crashesAfter(cluster, n, () => world.over(name), world.env)
      if (going) points += 1
      await withOperator(cluster, { env: world.env }, () => world.over(name))
      const { phase, steps = [] } = await world.statusOf(name)
      const told = steps.filter(({ state }) => state !== 'Skipped').map((step) => `${step.name} ${step.state}`)
      expect({ name, phase, told }).toEqual({ name, phase: story.phase, told: story.steps })
      expect(await world.leftovers(name)).toEqual({ stopped: 0, working: [] })
      expect(await world.safetyBackups(name)).toBe(story.steps.includes('SafetyBackup Succeeded') ? 1 : 0)
    }
    expect(points).toBeGreaterThan(1)
    // The number belongs to what has to be shown.
    process.stdout.write(`crash points of a Restore (${story.name}): ${points}, ${crashPointsTaken}; all converged\n`)
  },
)
