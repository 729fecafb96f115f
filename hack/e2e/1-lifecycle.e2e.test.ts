import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { signUp } from './support/account.ts'
import type { TaskBody } from './support/account.ts'
import { auditTrail } from './support/audit-trail.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { secretValue } from './support/database.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

const workers = ['audit', 'chat-api', 'notification', 'recurring-task']

describe('a system from one resource', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'life')
    todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  it('has every worker running with its sidecar, every topic and every Dapr component when it says Ready', async () => {
    const status = await todo.status()
    expect(status.services?.map(({ name }) => name).toSorted()).toEqual(workers)
    for (const service of status.services ?? []) expect(service).toMatchObject({ ready: 1, sidecar: 'Loaded' })
    expect(status.topics?.map(({ name, state }) => `${name} ${state}`).toSorted()).toEqual([
      'task-events Ready',
      'task-events.dlq Ready',
      'task-reminders Ready',
      'task-reminders.dlq Ready',
      'task-updates Ready',
      'task-updates.dlq Ready',
    ])
    expect(status.components?.map(({ name }) => name).toSorted()).toEqual(['todo-statestore', 'todo-task-pubsub'])
    for (const component of status.components ?? []) expect(component.missingIn ?? []).toEqual([])
  })

  it('says what it runs in one line of kubectl get tcb', async () => {
    const lines = (await cluster.kubectl(['get', 'tcb', '-n', namespace.name])).trim().split('\n')
    expect(lines[0]).toMatch(/^NAME +PROFILE +VERSION +READY +STATUS/)
    expect(lines[1]).toMatch(/^todo +Development +0\.1\.0 +True +\S/)
  })

  it('runs every pod without root, without privilege and without a needless token', async () => {
    for (const pod of await cluster.list(kinds.Pod, namespace.name)) {
      const spec = pod['spec'] as {
        automountServiceAccountToken?: boolean
        containers: { name: string; securityContext?: Record<string, unknown> }[]
      }
      for (const container of spec.containers.filter(({ name }) => name !== 'daprd')) {
        expect(container.securityContext, `${pod.metadata.name}/${container.name}`).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
      expect(spec.automountServiceAccountToken, pod.metadata.name).toBe(false)
    }
  })

  it('plays the tour: a recurring task by chat, its next instance, a reminder, the audit trail, a clean verification', async () => {
    const chatApi = await todo.worker('chat-api')
    const user = await signUp(chatApi)
    const chat = async (message: string): Promise<{ reply: string; taskIds: string[] }> =>
      (await user.change('/api/v1/chat', { method: 'POST', body: { message } })).body as {
        reply: string
        taskIds: string[]
      }
    const tasks = async (query = ''): Promise<TaskBody[]> =>
      ((await user.call(`/api/v1/tasks${query}`)).body as { items: TaskBody[] }).items

    const added = await chat('add water the plants every day at 8am')
    const [taskId] = added.taskIds
    expect(taskId, added.reply).toBeDefined()
    await chat('complete water the plants')
    const successor = await eventually(
      'the next instance',
      async () => (await tasks('?status=open')).find(({ title }) => title === 'water the plants'),
      20_000,
    )
    const first = (await user.call(`/api/v1/tasks/${taskId ?? ''}`)).body as TaskBody
    expect(successor.recurrence).toMatchObject({ seriesId: first.recurrence?.seriesId, count: 2 })
    expect(Date.parse(successor.dueAt ?? '') - Date.parse(first.dueAt ?? '')).toBe(86_400_000)

    const dueAt = new Date(Date.now() + 4_000).toISOString()
    const reminders = [{ type: 'relative', offset: '-PT1S' }]
    const reminded = (await user.change('/api/v1/tasks', { method: 'POST', body: { title: 'tea', dueAt, reminders } }))
      .body as TaskBody
    const notification = await eventually(
      'the reminder in the inbox',
      async () => {
        const inbox = (await user.call('/api/v1/notifications')).body as { items: { taskId: string; late: boolean }[] }
        return inbox.items.find((item) => item.taskId === reminded.id)
      },
      30_000,
    )
    expect(notification).toMatchObject({ reminderId: reminded.reminders[0]?.id, late: false })

    const token = await secretValue(cluster, namespace.name, 'todo-auth', 'serviceToken')
    const trail = auditTrail(await todo.worker('audit'), token)
    const actions = await eventually(
      'the audit trail of the task',
      async () => {
        const seen = (await trail.ofTask(taskId ?? '')).map(({ action }) => action)
        return seen.includes('COMPLETED') && seen
      },
      20_000,
    )
    expect(actions).toEqual(['CREATED', 'COMPLETED'])
    expect(await trail.verify()).toMatchObject({ ok: true, gaps: [], duplicates: [], hashBreaks: [] })
  })

  it('answers health, readiness and metrics on every worker, and logs JSON with a correlation id that the caller chose', async () => {
    for (const worker of workers) {
      const client = await todo.worker(worker as 'audit')
      expect((await client.call('/health')).body, worker).toMatchObject({
        status: 'healthy',
        service: `todo-${worker}`,
      })
      expect((await client.call('/readyz')).status, worker).toBe(200)
      expect(String((await client.call('/metrics')).body), worker).toContain('process_cpu_seconds_total')
    }
    const chatApi = await todo.worker('chat-api')
    const user = await signUp(chatApi)
    const correlation = `e2e-${Date.now()}`
    await user.change('/api/v1/tasks', {
      method: 'POST',
      body: { title: 'trace me' },
      headers: { 'x-correlation-id': correlation },
    })
    await eventually(
      'the correlation id in the logs of chat-api and audit',
      async () => {
        for (const worker of ['chat-api', 'audit']) {
          const logs = await cluster.kubectl([
            'logs',
            '-n',
            namespace.name,
            `deployment/todo-${worker}`,
            '-c',
            worker,
            '--tail=200',
          ])
          const line = logs.split('\n').find((text) => text.includes(correlation))
          expect(JSON.parse(line ?? 'null'), worker).toMatchObject({ correlationId: correlation })
        }
        return true
      },
      30_000,
      1_000,
    )
  })
})
