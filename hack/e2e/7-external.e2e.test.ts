import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { signUp } from './support/account.ts'
import type { TaskBody } from './support/account.ts'
import { auditTrail } from './support/audit-trail.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { databaseOf, secretValue } from './support/database.ts'
import { eventually } from './support/eventually.ts'
import { externalServers } from './support/external-servers.ts'
import type { ExternalServers } from './support/external-servers.ts'
import { kafkaOf, withKafkaAdmin } from './support/kafka.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

const topicPrefix = 'team-a.'
const topics = ['task-events', 'task-reminders', 'task-updates'].flatMap((base) => [
  `${topicPrefix}${base}`,
  `${topicPrefix}${base}.dlq`,
])

/** One story in order: the tests build on one another. */
describe('a system on servers that are not its own, in a namespace that enforces Pod Security "restricted"', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let servers: ExternalServers
  let todo: System
  let taskId: string
  let before: readonly string[]
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'external')
    await cluster.kubectl(['label', 'namespace', namespace.name, 'pod-security.kubernetes.io/enforce=restricted'])
    servers = await externalServers(cluster, namespace.name)
    before = await servers.pods()
    todo = systemIn(cluster, namespace.name, 'todo')
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const topicNames = async (): Promise<string[]> => {
    const kafka = await kafkaOf(cluster, namespace.name, 'external')
    const all = await withKafkaAdmin(kafka, (admin) => admin.listTopics())
    return all.filter((name) => !name.startsWith('__')).toSorted()
  }
  const storedTitles = async (): Promise<string[]> => {
    const database = await databaseOf(cluster, namespace.name, 'external')
    const rows = await database.query<{ title: string }>('SELECT title FROM tasks WHERE id = $1', [taskId])
    return rows.map(({ title }) => title)
  }
  const spec = (deletionPolicy?: 'Delete') => ({
    ...servers.spec,
    kafka: { ...servers.spec.kafka, topicPrefix, ...(deletionPolicy === undefined ? {} : { deletionPolicy }) },
  })
  const remove = (): Promise<string> =>
    cluster.kubectl(['delete', 'tcb', 'todo', '-n', namespace.name, '--timeout=90s'], { timeout: 100_000 })

  it('says which Secret is missing, and starts no worker meanwhile', async () => {
    await todo.apply(spec())
    const condition = await eventually(
      'SecretMissing',
      async () => {
        const seen = await todo.condition('DatabaseReady')
        return seen?.reason === 'SecretMissing' ? seen : undefined
      },
      60_000,
    )
    expect(condition).toMatchObject({
      status: 'False',
      message: expect.stringContaining('external-database') as string,
    })
    expect(await cluster.list(kinds.Pod, namespace.name, 'app.kubernetes.io/part-of=todochatbot')).toEqual([])
  })

  it('becomes Ready by itself once the Secret is there, without a server of its own', async () => {
    const { generation } = (await todo.resource())?.metadata ?? {}
    await servers.offerDatabase()
    await todo.ready()
    expect((await todo.resource())?.metadata.generation).toBe(generation)
    for (const kind of [kinds.StatefulSet, kinds.PersistentVolumeClaim]) {
      expect(await cluster.list(kind, namespace.name)).toEqual([])
    }
  })

  it('runs where a pod with fewer restrictions is refused', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'careless' },
      spec: { containers: [{ name: 'careless', image: 'example.com/careless' }] },
    }
    const refused = cluster.kubectl(['apply', '--dry-run=server', '-n', namespace.name, '-f', '-'], {
      input: JSON.stringify(pod),
    })
    await expect(refused).rejects.toThrow(/violates PodSecurity "restricted/)
  })

  it('uses topics with the prefix only', async () => {
    expect(await topicNames()).toEqual(topics)
    const { topics: shown = [] } = await todo.status()
    expect(shown.map(({ name, state }) => `${name} ${state}`).toSorted()).toEqual(topics.map((name) => `${name} Ready`))
  })

  it('audits a task that was created through chat-api', async () => {
    const user = await signUp(await todo.worker('chat-api'))
    const created = await user.change('/api/v1/tasks', { method: 'POST', body: { title: 'lives elsewhere' } })
    taskId = (created.body as TaskBody).id
    const serviceToken = await secretValue(cluster, namespace.name, 'todo-auth', 'serviceToken')
    const audit = auditTrail(await todo.worker('audit'), serviceToken)
    const entries = await eventually(
      'an audit entry',
      async () => {
        const seen = await audit.ofTask(taskId)
        return seen.length > 0 ? seen : undefined
      },
      60_000,
    )
    expect(entries).toMatchObject([{ action: 'CREATED', taskId }])
  })

  it('leaves database, topics and servers alone when it is deleted', async () => {
    await remove()
    expect(await topicNames()).toEqual(topics)
    expect(await storedTitles()).toEqual(['lives elsewhere'])
    expect(await servers.pods()).toEqual(before)
  })

  it('removes its topics when the policy says Delete, and nothing else', async () => {
    await todo.apply(spec('Delete'))
    await eventually(
      'its topics taken up again',
      async () => (await todo.condition('TopicsReady'))?.status === 'True',
      90_000,
    )
    await remove()
    await eventually('no topic left', async () => (await topicNames()).length === 0, 30_000)
    expect(await storedTitles()).toEqual(['lives elsewhere'])
    expect(await servers.pods()).toEqual(before)
  })
})
