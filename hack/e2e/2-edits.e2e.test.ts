import { ConfigResourceTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { signUp } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import { kafkaOf, withKafkaAdmin } from './support/kafka.ts'
import { tagOnNode } from './support/node-images.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { deploymentOf, podUids } from './support/rollout.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

describe('an edit of the resource', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'edit')
    todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const partitionsOf = async (topic: string): Promise<number | undefined> => {
    const kafka = await kafkaOf(cluster, namespace.name, 'todo')
    const { topics } = await withKafkaAdmin(kafka, (admin) => admin.fetchTopicMetadata({ topics: [topic] }))
    return topics[0]?.partitions.length
  }
  const retentionOf = async (topic: string): Promise<string | undefined> => {
    const kafka = await kafkaOf(cluster, namespace.name, 'todo')
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }]
    const answer = await withKafkaAdmin(kafka, (admin) => admin.describeConfigs({ resources, includeSynonyms: false }))
    return answer.resources[0]?.configEntries[0]?.configValue
  }
  const logsOf = (worker: string): Promise<string> =>
    cluster.kubectl(['logs', '-n', namespace.name, `deployment/todo-${worker}`, '-c', worker, '--tail=500'])

  it('of replicas starts and stops pods of that worker and touches no other', async () => {
    const before = await podUids(cluster, namespace.name, 'todo', 'chat-api')
    await todo.edit({ services: { notification: { replicas: 2 } } })
    await todo.ready()
    expect((await deploymentOf(cluster, namespace.name, 'todo', 'notification'))?.status?.readyReplicas).toBe(2)
    expect((await todo.status()).services?.find(({ name }) => name === 'notification')).toMatchObject({
      desired: 2,
      ready: 2,
    })
    await todo.edit({ services: { notification: { replicas: 1 } } })
    await todo.ready()
    expect((await deploymentOf(cluster, namespace.name, 'todo', 'notification'))?.spec.replicas).toBe(1)
    expect(await podUids(cluster, namespace.name, 'todo', 'chat-api')).toEqual(before)
  })

  it('of the log level takes effect in the running pod', async () => {
    const before = await podUids(cluster, namespace.name, 'todo', 'recurring-task')
    await todo.edit({ services: { recurringTask: { logLevel: 'info' } } })
    // The kubelet refreshes mounted ConfigMaps about once a minute.
    await eventually(
      'the worker says so',
      async () => (await logsOf('recurring-task')).includes('log level changed'),
      180_000,
      2_000,
    )
    await todo.ready()
    expect(await podUids(cluster, namespace.name, 'todo', 'recurring-task')).toEqual(before)
  })

  it('of a hot-reloadable setting changes what the running pods do', async () => {
    const before = await podUids(cluster, namespace.name, 'todo', 'chat-api')
    const chatApi = await todo.worker('chat-api')
    await signUp(chatApi)
    await todo.edit({ services: { chatApi: { config: { signup: false } } } })
    await eventually(
      'sign-up refused',
      async () => {
        const body = { email: `late-${Date.now()}@example.com`, password: 'a long enough one' }
        return (await chatApi.call('/api/v1/auth/signup', { method: 'POST', body })).status === 403
      },
      180_000,
      1_000,
    )
    await todo.edit({ services: { chatApi: { config: null } } })
    await todo.ready()
    expect(await podUids(cluster, namespace.name, 'todo', 'chat-api')).toEqual(before)
  })

  it('of partitions grows the topic in Kafka', async () => {
    expect(await partitionsOf('task-updates')).toBe(3)
    await todo.edit({ kafka: { topics: { taskUpdates: { partitions: 5 } } } })
    await eventually('five partitions', async () => (await partitionsOf('task-updates')) === 5, 60_000)
    await todo.ready()
    expect((await todo.status()).topics?.find(({ name }) => name === 'task-updates')?.partitions).toBe(5)
  })

  it('of retention configures the topic in Kafka', async () => {
    await todo.edit({ kafka: { topics: { taskUpdates: { retention: '36h' } } } })
    await eventually('36 hours', async () => (await retentionOf('task-updates')) === String(36 * 3_600_000), 60_000)
    await todo.ready()
  })

  it('of the image rolls to it; an image that does not exist keeps the old pods serving and is named in the status', async () => {
    const containerOf = async (): Promise<string | undefined> => {
      const deployment = await deploymentOf(cluster, namespace.name, 'todo', 'audit')
      return deployment?.spec.template.spec.containers.find(({ name }) => name === 'audit')?.image
    }
    const image = (await containerOf()) ?? ''
    const before = await podUids(cluster, namespace.name, 'todo', 'audit')
    const repository = image.slice(0, image.lastIndexOf(':'))

    await todo.edit({ services: { audit: { image: { repository, tag: 'no-such-tag' } } } })
    await eventually(
      'the missing image in the status',
      async () => {
        const condition = await todo.condition('WorkersReady')
        expect(condition).toMatchObject({ reason: 'ImagePullFailed' })
        expect(condition?.message).toContain('audit')
        return true
      },
      120_000,
    )
    expect(await podUids(cluster, namespace.name, 'todo', 'audit')).toEqual(expect.arrayContaining([...before]))
    expect((await (await todo.worker('audit')).call('/readyz')).status).toBe(200)

    const other = `${repository}:e2e-other`
    await tagOnNode(image, other)
    await todo.edit({ services: { audit: { image: { repository, tag: 'e2e-other' } } } })
    await todo.ready()
    expect(await containerOf()).toBe(other)
    const pods = await cluster.list(kinds.Pod, namespace.name, 'app.kubernetes.io/name=audit')
    const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    expect(running.map(({ metadata }) => before.includes(metadata.uid ?? ''))).toEqual([false])
    await todo.edit({ services: { audit: { image: null } } })
    await todo.ready()
  })

  it('of restartedAt restarts the pods of that worker', async () => {
    const before = await podUids(cluster, namespace.name, 'todo', 'notification')
    await todo.edit({ services: { notification: { restartedAt: '2026-01-01T00:00:00Z' } } })
    await eventually(
      'a new pod',
      async () => (await podUids(cluster, namespace.name, 'todo', 'notification'))[0] !== before[0],
      60_000,
    )
    await todo.ready()
  })

  it('that pauses holds a rollout back until the pause is removed', async () => {
    const before = await podUids(cluster, namespace.name, 'todo', 'audit')
    const until = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')
    await todo.edit({ paused: { reason: 'e2e', by: 'e2e', until } })
    await todo.edit({ services: { audit: { restartedAt: '2026-01-02T00:00:00Z' } } })
    await eventually('the pause in the status', async () => (await todo.condition('Paused'))?.status === 'True', 30_000)
    await eventually(
      'the held change in the status',
      async () => (await todo.condition('UpToDate'))?.status === 'False',
      30_000,
    )
    expect(await podUids(cluster, namespace.name, 'todo', 'audit')).toEqual(before)
    await todo.edit({ paused: null })
    await eventually(
      'a new pod',
      async () => (await podUids(cluster, namespace.name, 'todo', 'audit'))[0] !== before[0],
      60_000,
    )
    await todo.ready()
  })

  describe('and what somebody deletes by hand', () => {
    it('comes back: a Deployment', async () => {
      const before = (await deploymentOf(cluster, namespace.name, 'todo', 'recurring-task'))?.metadata.uid
      await cluster.kubectl(['delete', 'deployment', 'todo-recurring-task', '-n', namespace.name])
      const back = await eventually(
        'a Deployment of that name',
        () => deploymentOf(cluster, namespace.name, 'todo', 'recurring-task'),
        30_000,
      )
      expect(back.metadata.uid).not.toBe(before)
      await todo.ready()
    })

    it('comes back: a Dapr Component, with what it said', async () => {
      const name = { namespace: namespace.name, name: 'todo-task-pubsub' }
      const before = await cluster.get(kinds.Component, name)
      await cluster.kubectl(['delete', 'components.dapr.io', name.name, '-n', name.namespace])
      const back = await eventually('a Component of that name', () => cluster.get(kinds.Component, name), 30_000)
      expect(back['spec']).toEqual(before?.['spec'])
      expect(back.metadata.uid).not.toBe(before?.metadata.uid)
      await todo.ready()
    })

    it('comes back: a topic, with its partitions and configuration', async () => {
      const kafka = await kafkaOf(cluster, namespace.name, 'todo')
      await withKafkaAdmin(kafka, (admin) => admin.deleteTopics({ topics: ['task-updates'] }))
      await eventually('the topic', async () => (await partitionsOf('task-updates')) === 5, 120_000, 1_000)
      expect(await retentionOf('task-updates')).toBe(String(36 * 3_600_000))
      await todo.ready()
    })

    it('is put right: a field changed by hand', async () => {
      await cluster.kubectl(['scale', 'deployment', 'todo-audit', '-n', namespace.name, '--replicas=3'])
      await eventually(
        'one replica again',
        async () => (await deploymentOf(cluster, namespace.name, 'todo', 'audit'))?.spec.replicas === 1,
        30_000,
      )
      await todo.ready()
    })

    it('stays: a label of somebody else', async () => {
      await cluster.kubectl(['label', 'deployment', 'todo-audit', '-n', namespace.name, 'team=payments'])
      await todo.edit({ services: { audit: { restartedAt: '2026-01-03T00:00:00Z' } } })
      await todo.ready()
      expect((await deploymentOf(cluster, namespace.name, 'todo', 'audit'))?.metadata.labels).toMatchObject({
        team: 'payments',
      })
    })
  })
})
