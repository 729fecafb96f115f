import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labelsFor } from '../../operator/src/api/v1alpha1/labels.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import type { CheckStatus } from '../../operator/src/api/v1alpha1/schema/status.ts'
import { signUp } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { databaseOf } from './support/database.ts'
import { eventually } from './support/eventually.ts'
import { kafkaOf, withKafkaAdmin } from './support/kafka.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { settled } from './support/settled.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/** ms; several intervals of the checks, on a machine that does other things as well. */
const SOON = 60_000

describe('the routine checks of a running system', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'checks')
    todo = systemIn(cluster, namespace.name, 'todo')
    const cleanup = { orphanTopics: 'Delete', orphanObjects: 'Delete' }
    await todo.apply({ maintenance: { checks: { interval: '10s' }, cleanup } })
    await todo.ready()
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const checks = async (): Promise<readonly CheckStatus[]> => (await todo.status()).checks ?? []
  const check = async (name: string, result: CheckStatus['result']): Promise<CheckStatus> =>
    eventually(
      `${name} ${result}`,
      async () => {
        const found = (await checks()).find((one) => one.name === name)
        if (found?.result !== result) throw new Error(JSON.stringify(found))
        return found
      },
      SOON,
    )
  const ask = async (request: string): Promise<void> => {
    await cluster.kubectl([
      'annotate',
      'tcb',
      'todo',
      '-n',
      namespace.name,
      `todochatbot.dev/check=${request}`,
      '--overwrite',
    ])
    await eventually(`${request} answered`, async () => (await todo.status()).lastCheck?.request === request, SOON)
  }

  it('all pass when asked for, the audit chain among them', async () => {
    const user = await signUp(await todo.worker('chat-api'))
    for (const title of ['a', 'b', 'c']) await user.change('/api/v1/tasks', { method: 'POST', body: { title } })
    const database = await databaseOf(cluster, namespace.name, 'todo')
    const audited = async (): Promise<boolean> =>
      Number((await database.query<{ n: string }>('SELECT count(*) AS n FROM audit_entries'))[0]?.n) >= 3
    await eventually('three entries are audited', audited, SOON)
    await ask('first')
    await eventually(
      'no check that fails or warns',
      async () => {
        const wrong = (await checks()).filter(({ result }) => result === 'Failed' || result === 'Warning')
        if (wrong.length > 0) throw new Error(JSON.stringify(wrong))
        return true
      },
      SOON,
    )
    expect((await check('audit-chain', 'Passed')).remedy).toBeUndefined()
    expect((await todo.condition('AuditIntact'))?.status).toBe('True')
  })

  it('a dropped index is found with the statement that heals it, and is told as an event', async () => {
    const database = await databaseOf(cluster, namespace.name, 'todo')
    await database.query('DROP INDEX tasks_by_due')
    const found = await check('database-indexes', 'Failed')
    const statement = /CREATE INDEX tasks_by_due .*$/.exec(found.message ?? '')?.[0] ?? ''
    expect(found.remedy).toBeDefined()
    await database.query(statement)
    await check('database-indexes', 'Passed')
    const events = await cluster.kubectl(['get', 'events', '-n', namespace.name, '-o', 'jsonpath={.items[*].reason}'])
    expect(events).toContain('CheckFailed')
    expect(events).toContain('CheckPassed')
  })

  it('an entry of the audit trail that somebody changed in the database is found by its number', async () => {
    const database = await databaseOf(cluster, namespace.name, 'todo')
    const forge = async (action: string): Promise<void> => {
      await database.query('ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_append_only')
      await database.query('UPDATE audit_entries SET action = $1 WHERE seq = 2', [action])
      await database.query('ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_append_only')
    }
    const [entry] = await database.query<{ action: string }>('SELECT action FROM audit_entries WHERE seq = 2')
    await forge('FORGED')
    expect((await check('audit-chain', 'Failed')).message).toBe('the content of entry 2 was changed')
    expect(await todo.condition('AuditIntact')).toMatchObject({ status: 'False', reason: 'AuditTrailDamaged' })
    await forge(entry?.action ?? '')
    await check('audit-chain', 'Passed')
    expect((await todo.condition('AuditIntact'))?.status).toBe('True')
  })

  it('an unused topic and an abandoned ConfigMap are reported, then deleted; what only looks like ours stays', async () => {
    const kafka = await kafkaOf(cluster, namespace.name, 'todo')
    await withKafkaAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic: 'scratch', numPartitions: 1 }] }))
    const configMap = (name: string, labels: Record<string, string>): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: namespace.name, labels } })
    const ours = labelsFor('todo', 'audit', 'worker', '0.1.0')
    for (const manifest of [
      configMap('abandoned', ours),
      configMap('foreign', { ...ours, 'app.kubernetes.io/managed-by': 'Helm' }),
    ])
      await cluster.kubectl(['apply', '-f', '-'], { input: manifest })
    const reported = new Set<string>()
    await eventually(
      'both are reported and gone',
      async () => {
        for (const { object } of (await todo.status()).leftovers ?? []) reported.add(object)
        const topics = await withKafkaAdmin(kafka, (admin) => admin.listTopics())
        const left = await cluster.get(kinds.ConfigMap, { namespace: namespace.name, name: 'abandoned' })
        return left === undefined && !topics.includes('scratch')
      },
      2 * SOON,
    )
    expect([...reported].toSorted()).toEqual(['ConfigMap/abandoned', 'Topic/scratch'])
    expect(await cluster.get(kinds.ConfigMap, { namespace: namespace.name, name: 'foreign' })).toBeDefined()
    await check('leftover-topics', 'Passed')
  })

  it('rounds that find nothing new write nothing', async () => {
    await check('leftover-objects', 'Passed')
    await settled(todo, 10_000)
    const before = await todo.resource()
    await sleep(30_000)
    // The whole resource, so that a failure names what was written.
    expect(await todo.resource()).toEqual(before)
  })

  it('the metrics of a sidecar are where the runbook says, and events are taken from it alone', async () => {
    const audit = await todo.worker('audit')
    expect((await audit.call('/v1.0/metrics')).body).toMatch(/^dapr_/m)
    expect((await audit.call('/events/bulk', { method: 'POST', body: { entries: [] } })).status).toBe(401)
  })
})
