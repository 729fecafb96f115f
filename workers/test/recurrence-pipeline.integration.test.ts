import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startKafka } from '../../hack/cluster/index.ts'
import type { KafkaServer } from '../../hack/cluster/index.ts'
import { toLocal } from '../lib/recurrence/index.ts'
import { completeTask } from '../lib/task/transitions.ts'
import { startTaskSystem } from './support/task-system.ts'
import type { TaskSystem } from './support/task-system.ts'
import { startWorkerProcess } from './support/worker-process.ts'
import type { WorkerProcess } from './support/worker-process.ts'

/** Both workers as processes with their sidecars, over a real broker: outbox → Dapr → Kafka → Dapr → effect. */
let system: TaskSystem
let kafka: KafkaServer
let workers: WorkerProcess[] = []
beforeAll(async () => {
  ;[system, kafka] = await Promise.all([startTaskSystem(), startKafka()])
  const admin = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const names = ['task-events', 'task-reminders', 'task-updates', 'task-events.dlq']
  await admin.createTopics({ topics: names.map((topic) => ({ topic, numPartitions: 3 })) })
  await admin.disconnect()
  const connection = { databaseUri: system.postgres.url, brokers: kafka.brokers }
  workers = await Promise.all([
    startWorkerProcess({ ...connection, worker: 'recurring-task' }),
    startWorkerProcess({ ...connection, worker: 'notification', settings: { pollInterval: 200 } }),
  ])
})
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()))
  await kafka.stop()
  await system.stop()
})

const eventually = { timeout: 90_000, interval: 100 }
const timezone = 'Europe/Berlin'

/** A daily task that is due now, with a reminder at its due time, and completes it unless told otherwise. */
async function addDaily(complete = true): Promise<{ userId: string; taskId: string }> {
  const userId = await system.addUser()
  const recurrenceId = toLocal(new Date().toISOString(), timezone)
  const { taskId } = (
    await system.create(userId, {
      dueAt: new Date().toISOString(),
      timezone,
      recurrence: { rrule: 'FREQ=DAILY', anchor: 'due', seriesId: randomUUID(), recurrenceId, count: 1 },
      reminders: [{ id: randomUUID(), type: 'relative', offset: 'PT0S' }],
    })
  ).data
  if (complete) {
    await system.change(taskId, userId, 'COMPLETED', (task) => completeTask(task, new Date().toISOString()))
  }
  return { userId, taskId }
}

async function count(table: 'tasks' | 'notifications' | 'outbox', condition = 'true'): Promise<number> {
  const { rows } = await system.database.query<{ count: number }>(`SELECT count(*) FROM ${table} WHERE ${condition}`)
  return rows[0]?.count ?? 0
}

const status = async (worker: WorkerProcess): Promise<number> =>
  fetch(`${worker.url}/health`).then(
    (response) => response.status,
    () => 0,
  )

const healthy = (): Promise<boolean> =>
  vi.waitUntil(async () => (await Promise.all(workers.map(status))).every((code) => code === 200), eventually)

describe('recurring-task and notification behind their sidecars', () => {
  it('become healthy', async () => {
    await healthy()
  })

  it('make the successor and fire the reminder of a task that only the outbox told them of', async () => {
    const reminded = await addDaily(false)
    const completed = await addDaily()
    await vi.waitUntil(async () => (await count('notifications', `user_id = '${reminded.userId}'`)) === 1, eventually)
    await vi.waitUntil(async () => (await count('tasks', `user_id = '${completed.userId}'`)) === 2, eventually)
  })

  it('make exactly one successor per completion and one notification per reminder while they are killed', async () => {
    const series = 150
    const users: { userId: string }[] = []
    for (let index = 0; index < series; index += 1) {
      users.push(await addDaily(index % 3 !== 0))
      if (index % 50 === 20) await workers[0]?.crash()
      if (index % 50 === 40) await workers[1]?.crash()
    }
    const ids = users.map(({ userId }) => `'${userId}'`).join(',')
    const completed = users.filter((_, index) => index % 3 !== 0).length
    await vi.waitUntil(async () => (await count('tasks', `user_id IN (${ids})`)) >= series + completed, eventually)
    await vi.waitUntil(
      async () => (await count('notifications', `user_id IN (${ids})`)) >= series - completed,
      eventually,
    )
    await vi.waitUntil(async () => (await count('outbox')) === 0, eventually)
    const { rows } = await system.database.query<{ tasks: number; series: number }>(
      `SELECT count(*) AS tasks, count(DISTINCT series_id) AS series FROM tasks WHERE user_id IN (${ids})`,
    )
    expect(rows[0]).toEqual({ tasks: series + completed, series })
    const { rows: twice } = await system.database.query(
      `SELECT reminder_id FROM notifications GROUP BY reminder_id, scheduled_for HAVING count(*) > 1`,
    )
    expect(twice).toEqual([])
  })

  it('stop with exit code 0 when told to', async () => {
    await healthy()
    expect(await Promise.all(workers.map((worker) => worker.terminate()))).toEqual([0, 0])
  })
})
