import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { signUp } from './support/account.ts'
import type { Account, TaskBody } from './support/account.ts'
import { auditTrail } from './support/audit-trail.ts'
import type { AuditTrail } from './support/audit-trail.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { secretValue } from './support/database.ts'
import { eventually } from './support/eventually.ts'
import { externalServers } from './support/external-servers.ts'
import { kafkaOf, withKafkaAdmin } from './support/kafka.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/** One story in order: the tests build on one another. */
describe('two systems in one namespace on one Kafka', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let red: System
  let blue: System
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'neighbours')
    const { spec } = await externalServers(cluster, namespace.name)
    red = systemIn(cluster, namespace.name, 'red')
    blue = systemIn(cluster, namespace.name, 'blue')
    const sharing = (topicPrefix: string) => ({ kafka: { ...spec.kafka, topicPrefix, deletionPolicy: 'Delete' } })
    await red.apply(sharing('red.'))
    await blue.apply(sharing('blue.'))
    await Promise.all([red.ready(), blue.ready()])
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const auditOf = async (system: System): Promise<AuditTrail> =>
    auditTrail(
      await system.worker('audit'),
      await secretValue(cluster, namespace.name, `${system.name}-auth`, 'serviceToken'),
    )
  const create = async (user: Account, title: string): Promise<string> =>
    ((await user.change('/api/v1/tasks', { method: 'POST', body: { title } })).body as TaskBody).id
  const audited = async (system: System, taskId: string): Promise<void> => {
    const audit = await auditOf(system)
    await eventually(
      `${taskId} audited by ${system.name}`,
      async () => (await audit.ofTask(taskId)).length === 1,
      60_000,
    )
  }
  const topicNames = async (): Promise<string[]> => {
    const kafka = await kafkaOf(cluster, namespace.name, 'external')
    const all = await withKafkaAdmin(kafka, (admin) => admin.listTopics())
    return all.filter((name) => !name.startsWith('__')).toSorted()
  }
  /** Every object of a system with its uid and version: an object that was touched has another. */
  const fingerprint = async (system: System): Promise<string[]> => {
    const selector = `app.kubernetes.io/instance=${system.name}`
    const watched = ['ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'Component', 'Subscription', 'Pod'] as const
    const lists = await Promise.all(watched.map((kind) => cluster.list(kinds[kind], namespace.name, selector)))
    return lists
      .flatMap((items) => items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.uid}`))
      .toSorted()
  }
  let blueUser: Account
  let before: string[]

  it('keep their tasks, events and audit trails apart', async () => {
    const redUser = await signUp(await red.worker('chat-api'))
    blueUser = await signUp(await blue.worker('chat-api'))
    const redTask = await create(redUser, 'red')
    const blueTask = await create(blueUser, 'blue')
    await Promise.all([audited(red, redTask), audited(blue, blueTask)])
    expect(await (await auditOf(red)).ofTask(blueTask)).toEqual([])
    expect(await (await auditOf(blue)).ofTask(redTask)).toEqual([])
    expect((await redUser.call(`/api/v1/tasks/${blueTask}`)).status).toBe(404)
    const foreign = await (await red.worker('chat-api')).call('/api/v1/tasks', { token: blueUser.token })
    expect(foreign.status).toBe(401)
  })

  it('have topics and consumer groups of their own', async () => {
    const names = await topicNames()
    expect(names.filter((name) => name.startsWith('red.'))).toHaveLength(6)
    expect(names.filter((name) => name.startsWith('blue.'))).toHaveLength(6)
    const kafka = await kafkaOf(cluster, namespace.name, 'external')
    const { groups } = await withKafkaAdmin(kafka, (admin) => admin.listGroups())
    const ids = groups.map(({ groupId }) => groupId)
    for (const system of ['red', 'blue']) {
      for (const worker of ['audit', 'recurring-task', 'notification'])
        expect(ids).toContain(`${namespace.name}.${system}-${worker}`)
    }
  })

  it('stay apart when one is edited and then deleted with its topics: nothing of the other is touched, and it goes on', async () => {
    before = await fingerprint(blue)
    await red.edit({ services: { audit: { replicas: 2 } } })
    await red.ready()
    await cluster.kubectl(['delete', 'tcb', 'red', '-n', namespace.name, '--timeout=90s'], { timeout: 100_000 })
    await eventually(
      'the topics of red gone',
      async () => !(await topicNames()).some((name) => name.startsWith('red.')),
      30_000,
    )
    expect(await fingerprint(blue)).toEqual(before)
    expect((await topicNames()).filter((name) => name.startsWith('blue.'))).toHaveLength(6)
    const task = await create(blueUser, 'still here')
    await audited(blue, task)
    expect(await (await auditOf(blue)).verify()).toMatchObject({ ok: true, count: 2 })
  })
})
