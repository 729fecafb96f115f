import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { RestoreStatus } from '../src/api/v1alpha1/restore.ts'
import type { TodoChatbotStatus } from '../src/api/v1alpha1/schema/status.ts'
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
import { isolated } from './support/isolation.ts'

/** The ledger of a Restore on a real API server; its Jobs are played, their work is proved by workers/test/restore.integration.test.ts. */
let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string

const spec = (services: object = {}) => ({
  ...services,
  backup: { destination: { volume: { claim: 'backups' } } },
  kafka: { mode: 'External' as const, bootstrapServers: [kafka.brokers] },
})

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespace = await cluster.namespace()
  await applyBot(cluster.client, namespace, spec())
  await ready()
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(() => cluster.workloads.heal())

const ready = (): Promise<unknown> => untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
const apply = async (name: string, more: object = {}): Promise<void> => {
  await cluster.client.apply(
    {
      apiVersion: 'todochatbot.dev/v1alpha1',
      kind: 'Restore',
      metadata: { name, namespace },
      spec: {
        system: 'todo',
        source: { path: 'app/todo/x' },
        safetyBackup: { skip: true, reason: 'a test' },
        ...more,
      },
    },
    { fieldManager: 'admin' },
  )
}
const statusOf = async (name: string): Promise<RestoreStatus | undefined> =>
  (await getOr(cluster.client, kinds.Restore, { namespace, name }))?.['status'] as RestoreStatus | undefined
const finished = (name: string): Promise<RestoreStatus> =>
  until(`${name} is finished`, async () => {
    const status = await statusOf(name)
    return status?.finishedAt === undefined ? undefined : status
  })
const isAt = (name: string, step: string): Promise<RestoreStatus> =>
  until(`${name} is at ${step}`, async () => {
    const status = await statusOf(name)
    return status?.steps?.some((one) => one.name === step && one.state === 'Running') === true ? status : undefined
  })
const stepsOf = ({ steps = [] }: RestoreStatus): string[] =>
  steps.filter(({ state }) => state !== 'Skipped').map(({ name, state }) => `${name} ${state}`)
const replicas = async (): Promise<number[]> => {
  const workers = ['chat-api', 'recurring-task', 'notification', 'audit']
  const all = await Promise.all(
    workers.map((worker) => cluster.client.get(kinds.Deployment, { namespace, name: `todo-${worker}` })),
  )
  return all.map((deployment) => (deployment['spec'] as { replicas: number }).replicas)
}
const remove = async (name: string): Promise<void> => {
  await cluster.client.delete(kinds.Restore, { namespace, name })
  await until(
    `${name} is gone`,
    async () => (await getOr(cluster.client, kinds.Restore, { namespace, name })) === undefined,
  )
}
const stuckAt = (name: string, job: string): void =>
  cluster.workloads.misbehave(`Job/${name}-${job}`, { kind: 'NotStarted' })

describe('a Restore', () => {
  test('holds every worker away while it replaces data, says so on the system, and brings them back', async () => {
    stuckAt('whole', 'topics')
    await apply('whole')
    await isAt('whole', 'Topics')
    expect(await replicas()).toEqual([0, 0, 0, 0])
    await untilCondition(cluster.client, namespace, { type: 'Restoring', status: 'True', reason: 'Restoring' })
    const status = await until('the operation says so', async () => {
      const bot = await cluster.client.get(kinds.TodoChatbot, { namespace, name: 'todo' })
      const now = bot['status'] as TodoChatbotStatus
      return now.operation?.kind === 'Restore' && now.phase === 'Restoring' ? now : undefined
    })
    expect(status.operation?.blockedBy).toMatchObject({ rule: 'Restoring', object: 'Restore/whole' })
    cluster.workloads.heal()
    const done = await finished('whole')
    expect(done).toMatchObject({
      phase: 'Succeeded',
      auditSequence: 7,
      databaseBefore: 'todo_before_12345678',
      manifestSha256: 'b'.repeat(64),
    })
    expect(stepsOf(done)).toEqual(
      ['Check', 'Database', 'Fence', 'Topics', 'Switch', 'Unfence', 'Validate'].map((name) => `${name} Succeeded`),
    )
    expect(done.measured?.rto).toBeGreaterThanOrEqual(done.measured?.outage ?? 0)
    expect(Math.min(...(await replicas()))).toBeGreaterThan(0)
    await ready()
  })

  test('takes a backup of the state before, and does not go on without it', async () => {
    await apply('safe', { safetyBackup: undefined })
    const { safetyBackup } = await isAt('safe', 'SafetyBackup')
    expect(safetyBackup ?? 'safe-safety').toBe('safe-safety')
    const backup = await until('the backup is asked for', () =>
      getOr(cluster.client, kinds.Backup, { namespace, name: 'safe-safety' }),
    )
    expect(backup['spec']).toMatchObject({ system: 'todo', trigger: 'Safety' })
    expect(Math.min(...(await replicas()))).toBeGreaterThan(0)
    await remove('safe')
  })

  test('whose Switch fails puts the state before back, lets the workers go and says what to do', async () => {
    cluster.workloads.misbehave('Job/torn-switch', { kind: 'Failed', message: 'StillConnected: psql by alice' })
    await apply('torn')
    const done = await finished('torn')
    expect(stepsOf(done).slice(-3)).toEqual(['Switch Failed', 'Undo Succeeded', 'Unfence Succeeded'])
    expect(done).toMatchObject({ phase: 'Failed' })
    expect(done.summary).toContain('StillConnected: psql by alice')
    expect(done.summary).toContain('the state before is in use')
    await ready()
  })

  test('that finds a damaged backup touches nothing', async () => {
    cluster.workloads.misbehave('Job/damaged-check', { kind: 'Failed', message: 'PartCorrupt: database.dump' })
    await apply('damaged')
    const done = await finished('damaged')
    expect(stepsOf(done)).toEqual(['Check Failed'])
    expect(done.summary).toContain('nothing of the system was touched')
  })

  test('that is aborted under way puts the state before back', async () => {
    stuckAt('aborted', 'topics')
    await apply('aborted')
    await isAt('aborted', 'Topics')
    const patch = { metadata: { annotations: { 'todochatbot.dev/abort': 'yes' } } }
    await cluster.client.patch(kinds.Restore, { namespace, name: 'aborted' }, patch, { fieldManager: 'admin' })
    const done = await finished('aborted')
    expect(stepsOf(done).slice(-3)).toEqual(['Topics Failed', 'Undo Succeeded', 'Unfence Succeeded'])
    expect(done.summary).toContain('todochatbot.dev/abort')
    await ready()
  })

  test('that is deleted under way undoes what it did before it goes, and the workers come back', async () => {
    stuckAt('deleted', 'topics')
    await apply('deleted')
    await isAt('deleted', 'Topics')
    await remove('deleted')
    await until('the workers are back', async () => Math.min(...(await replicas())) > 0)
    await ready()
  })

  test('waits for an older one, and for a worker that is isolated', async () => {
    stuckAt('older', 'database')
    await apply('older')
    await isAt('older', 'Database')
    await applyBot(cluster.client, namespace, spec({ services: { audit: { isolated: isolated('ScaleDown') } } }))
    await apply('younger')
    const says = (text: string): Promise<unknown> =>
      until(`younger says: ${text}`, async () => (await statusOf('younger'))?.summary?.includes(text))
    await says('waits for Restore/older')
    await remove('older')
    await says('waits until audit is not isolated any more')
    await applyBot(cluster.client, namespace, spec())
    expect(await finished('younger')).toMatchObject({ phase: 'Succeeded' })
    await ready()
  })
})

test('a drill touches no worker and cleans up', async () => {
  const before = await replicas()
  await apply('drill', { mode: 'Drill', safetyBackup: undefined })
  const done = await finished('drill')
  expect(stepsOf(done)).toEqual(
    ['Check', 'Database', 'Topics', 'Validate', 'CleanUp'].map((name) => `${name} Succeeded`),
  )
  expect(done).toMatchObject({ phase: 'Succeeded', summary: 'The backup can be restored' })
  expect(await replicas()).toEqual(before)
})

describe('until', () => {
  test('goes on after the cut before anybody uses the data, says up to where, and what had to be left out', async () => {
    await apply('goes-on', { until: { auditSequence: 10 } })
    const done = await finished('goes-on')
    expect(stepsOf(done)).toEqual(
      ['Check', 'Database', 'Fence', 'Reapply', 'Topics', 'Switch', 'Unfence', 'Validate'].map(
        (name) => `${name} Succeeded`,
      ),
    )
    expect(done).toMatchObject({
      phase: 'PartiallySucceeded',
      cutAt: '2026-01-01T00:00:00.000Z',
      auditSequence: 10,
      reapplied: { entries: 3, until: '2026-01-01T00:30:00.000Z' },
      violations: ['2 tasks are left out'],
      summary: 'Restored, but 2 tasks are left out',
    })
    const config = await cluster.client.get(kinds.ConfigMap, { namespace, name: 'goes-on-restore' })
    expect(JSON.parse((config['data'] as Record<string, string>)['config.json'] ?? '')).toMatchObject({
      restore: { until: { auditSequence: 10 } },
    })
  })

  test.each([
    [{ until: {} }, 'until needs exactly one of time and auditSequence'],
    [
      { until: { time: '2026-01-01T00:00:00Z', auditSequence: 1 } },
      'until needs exactly one of time and auditSequence',
    ],
    [{ until: { time: 'yesterday' } }, 'must be an RFC 3339 date-time with a zone'],
    [{ until: { auditSequence: 0 } }, 'should be greater than or equal to 1'],
    [{ mode: 'NewSystem', until: { auditSequence: 1 } }, 'use InPlace or Drill'],
  ])('%j is refused: %s', async (wrong, words) => expect(apply('wrong', wrong)).rejects.toThrow(words))
})
