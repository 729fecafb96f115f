import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ReplayStatus } from '../../operator/src/api/v1alpha1/replay.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { databaseOf } from './support/database.ts'
import type { TestDatabase } from './support/database.ts'
import { eventually } from './support/eventually.ts'
import { kafkaOf, withKafkaAdmin } from './support/kafka.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/**
 * Dead letters of a real system are redriven with kubectl: counted first, then delivered once, paused and gone on with. What counts is what the
 * worker keeps in its database.
 */
let cluster: TestCluster
let namespace: TestNamespace
let todo: System
let database: TestDatabase

beforeAll(async () => {
  cluster = await testCluster()
  namespace = await testNamespace(cluster, 'replay')
  todo = systemIn(cluster, namespace.name, 'todo')
  await todo.apply()
  await todo.ready()
  database = await databaseOf(cluster, namespace.name, 'todo')
})
afterAll(async () => {
  await namespace.remove()
  await cluster.close()
})

const tomorrow = new Date(Date.now() + 86_400_000).toISOString()

/** An event of a task with one reminder, as chat-api writes it. */
const letter = (userId: string): { key: string; value: string } => {
  const [id, taskId, now] = [randomUUID(), randomUUID(), new Date().toISOString()]
  const task = {
    ...{ id: taskId, userId, title: 'lost and found', description: '', status: 'open', completedAt: null },
    ...{ priority: 'NONE', tags: [], dueAt: null, timezone: 'UTC', recurrence: null, version: 1, source: 'user' },
    reminders: [{ id: randomUUID(), type: 'absolute', at: tomorrow }],
    ...{ createdAt: now, updatedAt: now, deletedAt: null },
  }
  const data = {
    ...{ taskId, userId, action: 'CREATED', task, changes: {}, taskVersion: 1, correlationId: id },
    actor: { type: 'user', id: userId },
  }
  const event = {
    ...{ specversion: '1.0', id, source: '/services/todo-chat-api', type: 'com.todo.task.created', subject: taskId },
    ...{ time: now, datacontenttype: 'application/json', partitionkey: userId, correlationid: id, data },
  }
  return { key: userId, value: JSON.stringify(event) }
}
const deadLetter = async (messages: readonly { key: string; value: string }[]): Promise<void> => {
  const producer = (await kafkaOf(cluster, namespace.name, 'todo')).producer()
  await producer.connect()
  try {
    await producer.send({ topic: 'task-events.dlq', messages: [...messages] })
  } finally {
    await producer.disconnect()
  }
}
const reminders = async (userId: string): Promise<number> =>
  (await database.query('SELECT 1 FROM reminders WHERE user_id = $1', [userId])).length

const apply = async (name: string, spec: object): Promise<void> => {
  const basis = { system: 'todo', worker: 'notification', source: 'DeadLetters', topic: 'taskEvents' }
  const manifest = {
    ...{ apiVersion: 'todochatbot.dev/v1alpha1', kind: 'Replay', metadata: { name, namespace: namespace.name } },
    spec: { ...basis, ...spec },
  }
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) })
}
const edit = (name: string, spec: object): Promise<unknown> =>
  cluster.kubectl(['patch', 'tcreplay', name, '-n', namespace.name, '--type=merge', '-p', JSON.stringify({ spec })])
const reaches = (name: string, holds: (status: ReplayStatus) => boolean, deadline = 120_000): Promise<ReplayStatus> =>
  eventually(
    `Replay/${name}`,
    async () => {
      const replay = await cluster.get(kinds.Replay, { namespace: namespace.name, name })
      const status = (replay?.['status'] ?? { observedGeneration: -1 }) as ReplayStatus
      if (holds(status)) return status
      throw new Error(JSON.stringify(status))
    },
    deadline,
  )
const ended = (name: string): Promise<ReplayStatus> => reaches(name, ({ finishedAt }) => finishedAt !== undefined)

it('redrives a dead letter exactly once, after a dry run that changes nothing, and says what nobody can read', async () => {
  const user = randomUUID()
  await deadLetter([{ key: user, value: '{"poison": true' }, letter(user)])
  const select = { keys: [user] }

  await apply('look', { select, dryRun: true })
  expect(await ended('look')).toMatchObject({
    phase: 'Succeeded',
    summary: 'dry run: 2 matched, 2 would be delivered',
  })
  expect(await reminders(user)).toBe(0)

  await apply('redrive', { select })
  const status = await ended('redrive')
  expect(status).toMatchObject({ phase: 'PartiallySucceeded', summary: '2 matched, 1 delivered, 1 failed' })
  expect(status.failures?.[0]?.reason).toContain('cannot be understood')
  expect(await reminders(user)).toBe(1)

  await apply('again', { select })
  expect(await ended('again')).toMatchObject({ counts: { delivered: 0, duplicates: 1, failed: 1, redelivered: 1 } })
  expect(await reminders(user)).toBe(1)
  const table = await cluster.kubectl(['get', 'tcreplay', '-n', namespace.name])
  expect(table).toMatch(/redrive\s+todo\s+notification\s+DeadLetters\s+PartiallySucceeded/)
})

it('is paused and gone on with: every letter is delivered once, and no offset of a worker is moved by it', async () => {
  const user = randomUUID()
  const letters = Array.from({ length: 24 }, () => letter(user))
  await deadLetter(letters)
  const groups = await withKafkaAdmin(await kafkaOf(cluster, namespace.name, 'todo'), async (admin) =>
    admin.listGroups(),
  )

  await apply('slow', { select: { keys: [user] }, rate: 1 })
  await reaches('slow', ({ phase, counts }) => phase === 'Running' && (counts?.delivered ?? 0) > 1)
  await edit('slow', { paused: true })
  await reaches('slow', ({ phase }) => phase === 'Paused')
  const delivered = await reminders(user)
  expect(delivered).toBeGreaterThan(1)
  expect(delivered).toBeLessThan(letters.length)

  await edit('slow', { paused: false })
  const status = await ended('slow')
  expect(status).toMatchObject({ phase: 'Succeeded', counts: { matched: 24, delivered: 24, duplicates: 0, failed: 0 } })
  expect(await reminders(user)).toBe(letters.length)
  const after = await withKafkaAdmin(await kafkaOf(cluster, namespace.name, 'todo'), async (admin) =>
    admin.listGroups(),
  )
  expect(after.groups.map(({ groupId }) => groupId).toSorted()).toEqual(
    groups.groups.map(({ groupId }) => groupId).toSorted(),
  )
})
