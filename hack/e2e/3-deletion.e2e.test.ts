import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import type { ResourceKind } from '../../operator/src/kube/kinds.ts'
import { signUp } from './support/account.ts'
import type { TaskBody } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { systemIn } from './support/system.ts'

/** Everything a system owns is of one of these kinds. */
const ownedKinds: readonly ResourceKind[] = [
  ...[kinds.Deployment, kinds.StatefulSet, kinds.Job, kinds.Service, kinds.ConfigMap, kinds.ServiceAccount, kinds.Pod],
  ...[kinds.Component, kinds.Subscription, kinds.Resiliency, kinds.Configuration],
]

describe('deleting the resource', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'delete')
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const remaining = async (): Promise<string[]> => {
    const lists = await Promise.all(
      ownedKinds.map((kind) => cluster.list(kind, namespace.name, 'app.kubernetes.io/managed-by=todochatbot-operator')),
    )
    return lists.flat().map(({ kind, metadata }) => `${kind}/${metadata.name}`)
  }
  const claims = async (): Promise<string[]> =>
    (await cluster.list(kinds.PersistentVolumeClaim, namespace.name)).map(({ metadata }) => metadata.name).toSorted()
  const remove = (name: string): Promise<string> =>
    cluster.kubectl(['delete', 'tcb', name, '-n', namespace.name, '--timeout=90s'], { timeout: 100_000 })

  it('removes everything it owned and keeps the data: applied again, the tasks are there', async () => {
    const todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
    const user = await signUp(await todo.worker('chat-api'))
    const task = (await user.change('/api/v1/tasks', { method: 'POST', body: { title: 'survive' } })).body as TaskBody
    await remove('todo')
    await eventually('nothing left', async () => (await remaining()).length === 0, 120_000)
    expect(await claims()).toEqual(['data-todo-kafka-0', 'data-todo-postgresql-0', 'data-todo-redis-0'])

    await todo.apply()
    await todo.ready()
    const chatApi = await todo.worker('chat-api')
    // The keys of tokens are no data: they went with the resource, so the user logs in again.
    const { email, password } = user
    const login = await chatApi.call('/api/v1/auth/login', { method: 'POST', body: { email, password } })
    const { token } = login.body as { token: string }
    const again = await chatApi.call(`/api/v1/tasks/${task.id}`, { token })
    expect(again).toMatchObject({ status: 200, body: { title: 'survive' } })
  })

  it('removes the volumes when the policy says Delete, even while Kafka is gone', async () => {
    const todo = systemIn(cluster, namespace.name, 'todo')
    const deletionPolicy = 'Delete'
    await todo.edit({ kafka: { deletionPolicy }, database: { deletionPolicy }, stateStore: { deletionPolicy } })
    await todo.ready()
    await cluster.kubectl(['delete', 'statefulset', 'todo-kafka', '-n', namespace.name, '--wait=false'])
    await remove('todo')
    await eventually('nothing left', async () => (await remaining()).length === 0, 120_000)
    await eventually('no claim left', async () => (await claims()).length === 0, 60_000)
  })
})
