import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { IncidentStatus } from '../src/api/v1alpha1/incident.ts'
import { kinds, type ResourceKind } from '../src/kube/kinds.ts'
import { KubeError } from '../src/kube/kube-error.ts'
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

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespace = await cluster.namespace()
  const spec = { kafka: { mode: 'External' as const, bootstrapServers: [kafka.brokers] } }
  await applyBot(cluster.client, namespace, spec)
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(() => cluster.workloads.heal())

const incident = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'Incident',
  metadata: { name, namespace },
  spec: { system: 'todo', worker: 'audit', reason: 'looks odd', ...spec },
})
const apply = async (name: string, spec?: object): Promise<void> => {
  await cluster.client.apply(incident(name, spec), { fieldManager: 'admin' })
}
const get = (kind: ResourceKind, name: string): Promise<KubeObject | undefined> =>
  getOr(cluster.client, kind, { namespace, name })
const statusOf = async (name: string): Promise<IncidentStatus | undefined> =>
  (await get(kinds.Incident, name))?.['status'] as IncidentStatus | undefined
const finished = (name: string): Promise<IncidentStatus> =>
  until(`${name} is finished`, async () => {
    const status = await statusOf(name)
    return status?.finishedAt === undefined ? undefined : status
  })

describe('an Incident of a person', () => {
  test('collects, says where the archive is, belongs to its system, and takes the permissions of its Job back', async () => {
    await apply('odd')
    const status = await finished('odd')
    expect(status).toMatchObject({
      phase: 'Succeeded',
      observedGeneration: 1,
      summary: '2 files, 2 KiB',
      archive: { claim: 'todo-evidence', bytes: 2048, sha256: 'a'.repeat(64) },
      collected: [{ what: 'logs', files: 2, bytes: 4096 }],
    })
    expect(status.archive?.path).toMatch(/^odd-[0-9a-f]{8}\.tar\.gz$/)
    expect(status.conditions?.map(({ type, status: held }) => [type, held])).toEqual([
      ['Ready', 'True'],
      ['Reconciling', 'False'],
      ['Stalled', 'False'],
    ])
    expect((await get(kinds.Incident, 'odd'))?.metadata.ownerReferences).toMatchObject([
      { kind: 'TodoChatbot', name: 'todo' },
    ])
    await until('nobody may read for it any more', async () => {
      const left = await Promise.all(
        [kinds.Role, kinds.RoleBinding, kinds.ServiceAccount].map((kind) => get(kind, 'odd-evidence')),
      )
      return left.every((object) => object === undefined)
    })
    expect(await get(kinds.Job, 'odd-evidence')).toBeDefined()
  })

  test('keeps its archive when the system goes', async () =>
    expect((await get(kinds.PersistentVolumeClaim, 'todo-evidence'))?.metadata.ownerReferences).toBeUndefined())

  test('says what is missing', async () => {
    cluster.workloads.missEvidence([{ what: 'consumer offsets', why: 'Kafka did not answer within 15000 ms' }])
    await apply('partial')
    const status = await finished('partial')
    expect(status).toMatchObject({
      phase: 'PartiallySucceeded',
      missing: [{ what: 'consumer offsets', why: 'Kafka did not answer within 15000 ms' }],
      summary: '2 files, 2 KiB; 1 missing: consumer offsets',
    })
  })

  test('fails with the last words of its Job', async () => {
    cluster.workloads.misbehave('Job/full-evidence', { kind: 'Failed', message: 'no archive was written: ENOSPC' })
    await apply('full')
    const status = await finished('full')
    expect(status).toMatchObject({ phase: 'Failed', missing: [{ what: 'archive' }] })
    expect(status).not.toHaveProperty('archive')
    expect(status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'Failed' })
    expect(status.conditions?.[0]?.message).toContain('ENOSPC')
  })

  test('about a system that does not exist says so and waits for it until its deadline', async () => {
    await apply('lost', { system: 'other' })
    const status = await until('it says so', async () => {
      const now = await statusOf('lost')
      return now?.summary === 'TodoChatbot/other: does not exist' ? now : undefined
    })
    expect(status.phase).toBe('Pending')
    expect(Date.parse(status.deadline ?? '') - Date.parse(status.startedAt ?? '')).toBe(120_000)
  })

  test.each([
    ['another worker', { worker: 'postgresql' }, 'audit'],
    ['no reason', { reason: '' }, 'reason must be one line'],
    ['an unknown field', { force: true }, 'force'],
  ])('with %s is refused', async (_what, spec, says) => {
    const refused = await cluster.client
      .create(incident('wrong', spec), { fieldManager: 'admin' })
      .catch((error: unknown) => error)
    // A create without strict field validation drops unknown fields; kubectl asks for strict.
    if (!(refused instanceof KubeError)) expect((refused as KubeObject)['spec']).not.toHaveProperty(['force'])
    else expect(refused.message).toContain(says)
  })

  test('cannot be changed', async () => {
    await expect(apply('odd', { reason: 'another' })).rejects.toThrow('the spec of an Incident cannot be changed')
  })
})

test('an operator that is killed after any write of an Incident leaves one that its successor finishes', async () => {
  await operator.stop()
  let points = 0
  for (let n = 1; points === 0; n += 1) {
    const name = `crash-${n}`
    const first = startDoomedOperator(cluster, n, { WATCH_NAMESPACE: namespace })
    await apply(name)
    const whole = until('its permissions are withdrawn', async () => {
      const done = (await statusOf(name))?.phase === 'Succeeded'
      return done && (await get(kinds.RoleBinding, `${name}-evidence`)) === undefined
    })
    whole.catch(() => undefined)
    const crash = await Promise.race([first.crashed, whole.then(() => false)])
    await first.stop()
    if (!crash) points = n
    const second = startOperator(cluster, { env: { WATCH_NAMESPACE: namespace } })
    expect((await finished(name)).phase).toBe('Succeeded')
    await until('its permissions are withdrawn', async () => {
      const left = await Promise.all(
        [kinds.Role, kinds.RoleBinding, kinds.ServiceAccount].map((kind) => get(kind, `${name}-evidence`)),
      )
      return left.every((object) => object === undefined)
    })
    await second.stop()
  }
  process.stdout.write(`crash points of an Incident: ${points - 1}, all converged\n`)
  operator = startOperator(cluster)
})
