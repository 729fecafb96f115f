import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CloudEvent } from '../lib/cloud-event.ts'
import type { ReminderEventData } from '../lib/reminder-event.ts'
import type { Reminder, Task } from '../lib/task/task.ts'
import { completeTask, deleteTask, reopenTask } from '../lib/task/transitions.ts'
import { registerNotification } from '../notification/app.ts'
import { notificationSettingsSchema } from '../notification/config.ts'
import { crashAt, deliver, startTaskSystem } from './support/task-system.ts'
import type { Replica, TaskEvent, TaskSystem } from './support/task-system.ts'

let system: TaskSystem
let first: Worker
let second: Worker
beforeAll(async () => {
  system = await startTaskSystem()
  first = await addWorker()
  second = await addWorker()
})
afterAll(async () => {
  await first.stop()
  await second.stop()
  await system.stop()
})

/** A replica whose scheduler runs only between `start` and `stop`, so that a test decides when reminders may fire. */
interface Worker extends Replica {
  start(): void
  stop(): Promise<void>
}

async function addWorker(): Promise<Worker> {
  const replica = await system.replica()
  let loop: ((signal: AbortSignal) => Promise<void>) | undefined
  registerNotification({
    ...replica,
    lifecycle: { background: (_, run) => (loop = run) },
    service: 'todo-notification',
    settings: notificationSettingsSchema.parse({ pollInterval: 200, batchSize: 10 }),
    now: () => new Date(),
  })
  let running: { abort: AbortController; ended: Promise<void> | undefined } | undefined
  return {
    ...replica,
    start: () => {
      const abort = new AbortController()
      running = { abort, ended: loop?.(abort.signal) }
    },
    stop: async () => {
      running?.abort.abort()
      await running?.ended
      running = undefined
    },
  }
}

const inMilliseconds = (ms: number): string => new Date(Date.now() + ms).toISOString()
const hour = 3_600_000
const eventually = { timeout: 15_000, interval: 20 }

const absolute = (at: string): Reminder => ({ id: randomUUID(), type: 'absolute', at })
const relative = (offset: string): Reminder => ({ id: randomUUID(), type: 'relative', offset })

interface StoredTask {
  userId: string
  taskId: string
  created: TaskEvent
}

async function addTask(fields: Partial<Task>): Promise<StoredTask> {
  const userId = await system.addUser()
  const created = await system.create(userId, fields)
  return { userId, taskId: created.data.taskId, created }
}

const change = (
  { taskId, userId }: StoredTask,
  action: 'UPDATED' | 'COMPLETED' | 'REOPENED' | 'DELETED',
  apply: (task: Task) => Task,
): Promise<TaskEvent> => system.change(taskId, userId, action, apply)
const complete = (task: StoredTask): Promise<TaskEvent> =>
  change(task, 'COMPLETED', (before) => completeTask(before, inMilliseconds(0)))

async function reminders(userId: string): Promise<{ state: string; scheduledFor: string }[]> {
  const { rows } = await system.database.query<{ state: string; scheduled_for: Date }>(
    'SELECT state, scheduled_for FROM reminders WHERE user_id = $1 ORDER BY scheduled_for',
    [userId],
  )
  return rows.map((row) => ({ state: row.state, scheduledFor: row.scheduled_for.toISOString() }))
}

interface Notification {
  reminder_id: string
  title: string
  body: string
  scheduled_for: Date
  fired_at: Date
  late: boolean
}

async function inbox(userId: string): Promise<Notification[]> {
  const { rows } = await system.database.query<Notification>(
    'SELECT * FROM notifications WHERE user_id = $1 ORDER BY scheduled_for',
    [userId],
  )
  return rows
}

async function reminderEvents(userId: string): Promise<CloudEvent<ReminderEventData>[]> {
  const events = await system.outbox<ReminderEventData>(userId)
  return events.filter(({ type }) => type.startsWith('com.todo.reminder.'))
}
const actions = async (userId: string): Promise<string[]> =>
  (await reminderEvents(userId)).map(({ data }) => data.action)

describe('the reminders of a task', () => {
  it('are stored with their time and announced', async () => {
    const dueAt = inMilliseconds(10 * hour)
    const task = await addTask({ dueAt, reminders: [relative('-PT1H'), absolute(inMilliseconds(2 * hour))] })
    expect(await deliver(first.server, task.created)).toBe('SUCCESS')
    const stored = await reminders(task.userId)
    expect(stored.map(({ state }) => state)).toEqual(['pending', 'pending'])
    expect(stored[1]?.scheduledFor).toBe(new Date(Date.parse(dueAt) - hour).toISOString())
    const events = await reminderEvents(task.userId)
    expect(events.map(({ type }) => type)).toEqual(['com.todo.reminder.scheduled', 'com.todo.reminder.scheduled'])
    expect(events[0]).toMatchObject({
      subject: task.taskId,
      partitionkey: task.userId,
      causationid: task.created.id,
      correlationid: task.created.data.correlationId,
      source: '/services/todo-notification',
    })
  })

  it('follow the due time, are cancelled at completion and come back at reopening', async () => {
    const task = await addTask({ dueAt: inMilliseconds(5 * hour), reminders: [relative('-PT1H')] })
    await deliver(first.server, task.created)
    const dueAt = inMilliseconds(9 * hour)
    await deliver(second.server, await change(task, 'UPDATED', (before) => ({ ...before, dueAt })))
    const scheduledFor = new Date(Date.parse(dueAt) - hour).toISOString()
    expect(await reminders(task.userId)).toEqual([{ state: 'pending', scheduledFor }])
    await deliver(first.server, await complete(task))
    expect(await reminders(task.userId)).toEqual([{ state: 'cancelled', scheduledFor }])
    await deliver(second.server, await change(task, 'REOPENED', reopenTask))
    expect(await reminders(task.userId)).toEqual([{ state: 'pending', scheduledFor }])
    await deliver(first.server, await change(task, 'DELETED', (before) => deleteTask(before, inMilliseconds(0))))
    expect(await reminders(task.userId)).toEqual([{ state: 'cancelled', scheduledFor }])
    expect(await actions(task.userId)).toEqual(['SCHEDULED', 'SCHEDULED', 'CANCELLED', 'SCHEDULED', 'CANCELLED'])
  })

  it('end as the newest event says, in whatever order and however often the events come', async () => {
    const shuffled = async (): Promise<void> => {
      const task = await addTask({ dueAt: inMilliseconds(5 * hour), reminders: [relative('-PT1H')] })
      const dueAt = inMilliseconds(8 * hour)
      const events = [
        task.created,
        await change(task, 'UPDATED', (before) => ({ ...before, dueAt: inMilliseconds(7 * hour) })),
        await complete(task),
        await change(task, 'REOPENED', reopenTask),
        await change(task, 'UPDATED', (before) => ({ ...before, dueAt })),
      ]
      const deliveries = [...events, ...events].sort(() => Math.random() - 0.5)
      const answers = await Promise.all(
        deliveries.map((event, index) => deliver((index % 2 ? first : second).server, event)),
      )
      expect(new Set(answers)).toEqual(new Set(['SUCCESS']))
      const scheduledFor = new Date(Date.parse(dueAt) - hour).toISOString()
      expect(await reminders(task.userId)).toEqual([{ state: 'pending', scheduledFor }])
    }
    await Promise.all(Array.from({ length: 15 }, shuffled))
  })

  it('are dropped to the dead letters when an id belongs to another task', async () => {
    const reminder = absolute(inMilliseconds(hour))
    const own = await addTask({ reminders: [reminder] })
    await deliver(first.server, own.created)
    const foreign = await addTask({ reminders: [reminder] })
    expect(await deliver(first.server, foreign.created)).toBe('DROP')
    expect(await reminders(foreign.userId)).toEqual([])
    expect(await reminders(own.userId)).toHaveLength(1)
  })
})

describe('the scheduler', () => {
  it('fires at the time, not before it, into the inbox, with its events', async () => {
    first.start()
    const dueAt = inMilliseconds(hour)
    const reminder = absolute(inMilliseconds(400))
    const task = await addTask({ title: 'Call Ada', dueAt, timezone: 'UTC', reminders: [reminder] })
    await deliver(first.server, task.created)
    const [notification] = await vi.waitUntil(async () => {
      const found = await inbox(task.userId)
      return found.length > 0 && found
    }, eventually)
    await first.stop()
    expect(notification).toMatchObject({ reminder_id: reminder.id, title: 'Call Ada', late: false })
    expect(notification?.body).toBe(`Due ${dueAt.slice(0, 16).replace('T', ' ')} (UTC)`)
    expect(notification!.fired_at.getTime()).toBeGreaterThanOrEqual(notification!.scheduled_for.getTime())
    const events = await reminderEvents(task.userId)
    expect(events.map(({ data }) => data.action)).toEqual(['SCHEDULED', 'TRIGGERED', 'DELIVERED'])
    expect(events.map(({ correlationid }) => correlationid)).toEqual(events.map(() => task.created.data.correlationId))
    expect(events[2]?.data).toMatchObject({ channel: 'in-app', late: false, reminderId: reminder.id })
  })

  it('notices a reminder that another replica stored', async () => {
    first.start()
    const task = await addTask({ reminders: [absolute(inMilliseconds(300))] })
    await deliver(second.server, task.created)
    await vi.waitUntil(async () => (await inbox(task.userId)).length === 1, eventually)
    await first.stop()
  })

  it('delivers what became due during an outage, marked late', async () => {
    const task = await addTask({ reminders: [absolute(inMilliseconds(-hour)), absolute(inMilliseconds(-1000))] })
    await deliver(first.server, task.created)
    second.start()
    await vi.waitUntil(async () => (await inbox(task.userId)).length === 2, eventually)
    await second.stop()
    expect((await inbox(task.userId)).map(({ late }) => late)).toEqual([true, false])
  })

  it('fires each of many reminders once, however many replicas compete', async () => {
    const tasks = await Promise.all(
      Array.from({ length: 60 }, () =>
        addTask({
          reminders: [absolute(inMilliseconds(-100)), absolute(inMilliseconds(-50)), absolute(inMilliseconds(50))],
        }),
      ),
    )
    await Promise.all(tasks.map(({ created }) => deliver(first.server, created)))
    const third = await addWorker()
    for (const worker of [first, second, third]) worker.start()
    await vi.waitUntil(async () => {
      const counts = await Promise.all(tasks.map(async ({ userId }) => (await inbox(userId)).length))
      return counts.every((count) => count >= 3)
    }, eventually)
    for (const worker of [first, second, third]) await worker.stop()
    for (const { userId } of tasks) {
      expect(await inbox(userId)).toHaveLength(3)
      expect((await actions(userId)).sort()).toEqual(
        ['DELIVERED', 'SCHEDULED', 'TRIGGERED'].flatMap((action) => [action, action, action]),
      )
    }
  })

  it('either fires or is cancelled, never both, when completion and time meet', async () => {
    const tasks = await Promise.all(
      Array.from({ length: 40 }, (_, index) => addTask({ reminders: [absolute(inMilliseconds(600 + index * 5))] })),
    )
    await Promise.all(tasks.map(({ created }) => deliver(first.server, created)))
    first.start()
    second.start()
    const completions = await Promise.all(tasks.map(complete))
    await vi.waitUntil(() => Date.now() >= Date.parse(tasks[10]!.created.time) + 600, eventually)
    await Promise.all(completions.map((event, index) => deliver((index % 2 ? first : second).server, event)))
    await vi.waitUntil(async () => {
      const states = await Promise.all(tasks.map(({ userId }) => reminders(userId)))
      return states.flat().every(({ state }) => state !== 'pending')
    }, eventually)
    await first.stop()
    await second.stop()
    for (const { userId } of tasks) {
      const [reminder] = await reminders(userId)
      const told = await actions(userId)
      expect(await inbox(userId)).toHaveLength(reminder?.state === 'fired' ? 1 : 0)
      expect(told).toEqual(
        reminder?.state === 'fired' ? ['SCHEDULED', 'TRIGGERED', 'DELIVERED'] : ['SCHEDULED', 'CANCELLED'],
      )
    }
  })

  it.each([
    ['notifications', 'insert'],
    ['outbox', 'insert'],
    ['notifications', 'commit'],
  ] as const)('fires once when its session dies at %s, %s', async (table, moment) => {
    const task = await addTask({ reminders: [absolute(inMilliseconds(-10))] })
    await deliver(first.server, task.created)
    await crashAt(system, table, moment, 5)
    first.start()
    await vi.waitUntil(async () => (await inbox(task.userId)).length > 0, eventually)
    await first.stop()
    expect(await actions(task.userId)).toEqual(['SCHEDULED', 'TRIGGERED', 'DELIVERED'])
  })

  it('goes on after PostgreSQL crashed and came back', async () => {
    first.start()
    const task = await addTask({ reminders: [absolute(inMilliseconds(300))] })
    await deliver(first.server, task.created)
    // The test server acknowledges commits before they are written: this writes them, so that the crash may not lose one.
    await system.admin('CHECKPOINT')
    await system.postgres.kill()
    await system.postgres.restart()
    await vi.waitUntil(async () => (await inbox(task.userId).catch(() => [])).length === 1, eventually)
    await first.stop()
    expect(await actions(task.userId)).toEqual(['SCHEDULED', 'TRIGGERED', 'DELIVERED'])
  })
})
