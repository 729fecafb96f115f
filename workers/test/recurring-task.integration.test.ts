import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recurringTaskSettingsSchema } from '../recurring-task/config.ts'
import type { RecurringTaskSettings } from '../recurring-task/config.ts'
import { registerRecurringTask } from '../recurring-task/app.ts'
import { toInstant } from '../lib/recurrence/index.ts'
import { taskFromRow } from '../lib/task/row.ts'
import type { Task, TaskRecurrence } from '../lib/task/task.ts'
import { completeTask, deleteTask, reopenTask } from '../lib/task/transitions.ts'
import { uuidv5 } from '../lib/uuid.ts'
import { crashAt, deliver, startTaskSystem } from './support/task-system.ts'
import type { Replica, TaskEvent, TaskSystem } from './support/task-system.ts'

let system: TaskSystem
let first: Replica
let second: Replica
beforeAll(async () => {
  system = await startTaskSystem()
  first = await startWorker()
  second = await startWorker()
})
afterAll(() => system.stop())

async function startWorker(settings: Partial<RecurringTaskSettings> = {}): Promise<Replica> {
  const replica = await system.replica()
  registerRecurringTask({
    ...replica,
    service: 'todo-recurring-task',
    settings: { ...recurringTaskSettingsSchema.parse({}), ...settings },
    now: () => new Date(),
  })
  return replica
}

interface Series {
  userId: string
  taskId: string
  seriesId: string
  created: TaskEvent
}

async function startSeries(
  rrule: string,
  dtstart: string,
  fields: Partial<Task> = {},
  recurrence: Partial<TaskRecurrence> = {},
): Promise<Series> {
  const userId = await system.addUser()
  const seriesId = randomUUID()
  const timezone = fields.timezone ?? 'Europe/Berlin'
  const created = await system.create(userId, {
    dueAt: toInstant(dtstart, timezone),
    timezone,
    recurrence: { rrule, anchor: 'due', seriesId, recurrenceId: dtstart, count: 1, ...recurrence },
    ...fields,
  })
  return { userId, taskId: created.data.taskId, seriesId, created }
}

const complete = (userId: string, taskId: string, at = new Date().toISOString()): Promise<TaskEvent> =>
  system.change(taskId, userId, 'COMPLETED', (task) => completeTask(task, at))

const reopen = (userId: string, taskId: string): Promise<TaskEvent> =>
  system.change(taskId, userId, 'REOPENED', reopenTask)

async function tasksOf(userId: string): Promise<Task[]> {
  const { rows } = await system.database.query('SELECT * FROM tasks WHERE user_id = $1 ORDER BY due_at', [userId])
  return rows.map(taskFromRow)
}

/** Completes the newest instance again and again; returns the slots that appeared. */
async function completeRepeatedly(series: Series, worker: Replica, times: number): Promise<Task[]> {
  for (let round = 0; round < times; round += 1) {
    const open = (await tasksOf(series.userId)).find(({ status }) => status === 'open')
    if (!open) break
    expect(await deliver(worker.server, await complete(series.userId, open.id))).toBe('SUCCESS')
  }
  return tasksOf(series.userId)
}

describe('completing an instance of a series', () => {
  it('makes the next instance: its slot, its due time, what the user wrote, and its event', async () => {
    const series = await startSeries('FREQ=WEEKLY', '2026-03-23T09:00:00', {
      title: 'Backup',
      tags: ['home'],
      priority: 'HIGH',
      reminders: [
        { id: randomUUID(), type: 'relative', offset: '-PT30M' },
        { id: randomUUID(), type: 'absolute', at: toInstant('2026-03-22T20:00:00', 'Europe/Berlin') },
      ],
    })
    const completed = await complete(series.userId, series.taskId)
    expect(await deliver(first.server, completed)).toBe('SUCCESS')

    const [done, next] = await tasksOf(series.userId)
    expect(done?.status).toBe('completed')
    expect(next).toMatchObject({
      id: uuidv5(series.seriesId, '2026-03-30T09:00:00'),
      title: 'Backup',
      tags: ['home'],
      priority: 'HIGH',
      status: 'open',
      version: 1,
      source: 'recurrence',
      // Daylight saving begins on the 29th: nine o'clock stays nine o'clock.
      dueAt: '2026-03-30T07:00:00.000Z',
      recurrence: { recurrenceId: '2026-03-30T09:00:00', count: 2 },
      reminders: [{ offset: '-PT30M' }, { at: '2026-03-29T18:00:00.000Z' }],
    })
    const oldIds = done?.reminders.map(({ id }) => id)
    expect(next?.reminders.some(({ id }) => oldIds?.includes(id))).toBe(false)
    const [, , created] = await system.outbox(series.userId)
    expect(created).toMatchObject({
      type: 'com.todo.task.created',
      subject: next?.id,
      source: '/services/todo-recurring-task',
      causationid: completed.id,
      correlationid: completed.data.correlationId,
      data: { action: 'CREATED', taskVersion: 1, actor: { type: 'recurrence' } },
    })
  })

  it('leaves tasks without recurrence and other events alone', async () => {
    const userId = await system.addUser()
    const created = await system.create(userId)
    expect(await deliver(first.server, created)).toBe('SUCCESS')
    expect(await deliver(first.server, await complete(userId, created.data.taskId))).toBe('SUCCESS')
    expect(await tasksOf(userId)).toHaveLength(1)
  })

  it('makes one successor when the event is delivered many times to two replicas at once', async () => {
    const series = await startSeries('FREQ=DAILY', '2026-01-05T09:00:00')
    const completed = await complete(series.userId, series.taskId)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => deliver((index % 2 ? first : second).server, completed)),
    )
    expect(new Set(answers)).toEqual(new Set(['SUCCESS']))
    expect(await tasksOf(series.userId)).toHaveLength(2)
    expect(await system.outbox(series.userId, 'com.todo.task.created')).toHaveLength(2)
  })

  it.each(['due', 'completion'] as const)(
    'makes no second successor when it is reopened and completed again (anchor %s)',
    async (anchor) => {
      const series = await startSeries('FREQ=DAILY', '2026-01-05T09:00:00', {}, { anchor })
      const events = [await complete(series.userId, series.taskId, '2026-01-05T10:00:00.000Z')]
      await reopen(series.userId, series.taskId)
      events.push(await complete(series.userId, series.taskId, '2026-01-08T10:00:00.000Z'))
      const answers = await Promise.all(events.map((event, index) => deliver([first, second][index]!.server, event)))
      expect(answers).toEqual(['SUCCESS', 'SUCCESS'])
      expect(await tasksOf(series.userId)).toHaveLength(2)
    },
  )

  it('makes the successor however late the event comes, whatever became of the task meanwhile', async () => {
    const series = await startSeries('FREQ=DAILY', '2026-01-05T09:00:00')
    const completed = await complete(series.userId, series.taskId)
    await reopen(series.userId, series.taskId)
    await system.change(series.taskId, series.userId, 'DELETED', (task) => deleteTask(task, new Date().toISOString()))
    expect(await deliver(first.server, completed)).toBe('SUCCESS')
    const open = (await tasksOf(series.userId)).filter(({ deletedAt }) => deletedAt === null)
    expect(open.map(({ recurrence }) => recurrence?.recurrenceId)).toEqual(['2026-01-06T09:00:00'])
  })

  it('makes exactly one successor per completed instance of many series under shuffled, repeated, concurrent delivery', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => startSeries('FREQ=DAILY', '2026-01-05T09:00:00')))
    const events: TaskEvent[] = []
    for (const { userId, taskId } of all) {
      events.push(await complete(userId, taskId))
      await reopen(userId, taskId)
      events.push(await complete(userId, taskId))
    }
    const deliveries = [...events, ...events, ...events].sort(() => Math.random() - 0.5)
    await Promise.all(deliveries.map((event, index) => deliver((index % 2 ? first : second).server, event)))
    for (const { userId } of all) {
      expect((await tasksOf(userId)).map(({ recurrence }) => recurrence?.count)).toEqual([1, 2])
    }
  })

  it.each([
    ['inbox', 'insert'],
    ['series_instances', 'insert'],
    ['tasks', 'insert'],
    ['outbox', 'insert'],
    ['tasks', 'commit'],
    ['outbox', 'commit'],
  ] as const)(
    'survives a session that dies at %s, %s: all of it or nothing, and in the end once',
    async (table, moment) => {
      const series = await startSeries('FREQ=DAILY', '2026-01-05T09:00:00')
      const completed = await complete(series.userId, series.taskId)
      await crashAt(system, table, moment, 5)
      const answers: string[] = []
      while (!answers.includes('SUCCESS') && answers.length < 10) {
        answers.push(await deliver(first.server, completed))
        const successors = (await tasksOf(series.userId)).length - 1
        const created = (await system.outbox(series.userId, 'com.todo.task.created')).length - 1
        expect([successors, created]).toEqual(answers.at(-1) === 'SUCCESS' ? [1, 1] : [0, 0])
      }
      expect(answers[0]).toBe('RETRY')
      expect(answers.at(-1)).toBe('SUCCESS')
    },
  )
})

describe('a series', () => {
  it.each([
    ['COUNT', 'FREQ=DAILY;COUNT=3', 3],
    ['UNTIL', 'FREQ=DAILY;UNTIL=20260106T080000Z', 2],
  ])('ends with %s', async (_, rrule, instances) => {
    const series = await startSeries(rrule, '2026-01-05T09:00:00')
    const tasks = await completeRepeatedly(series, first, 6)
    expect(tasks).toHaveLength(instances)
    expect(tasks.every(({ status }) => status === 'completed')).toBe(true)
  })

  it('keeps its month ends', async () => {
    const series = await startSeries('FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1', '2026-01-31T18:00:00')
    const tasks = await completeRepeatedly(series, first, 4)
    expect(tasks.map(({ recurrence }) => recurrence?.recurrenceId.slice(0, 10))).toEqual([
      '2026-01-31',
      '2026-02-28',
      '2026-03-31',
      '2026-04-30',
      '2026-05-31',
    ])
  })

  it('follows its slots, not the due time a user moved', async () => {
    const series = await startSeries('FREQ=WEEKLY', '2026-01-05T09:00:00')
    await system.change(series.taskId, series.userId, 'UPDATED', (task) => ({
      ...task,
      dueAt: '2026-01-08T15:00:00.000Z',
    }))
    const [, next] = await completeRepeatedly(series, first, 1)
    expect(next?.recurrence?.recurrenceId).toBe('2026-01-12T09:00:00')
  })

  it('passes through the hour that does not exist and comes back to its time', async () => {
    const series = await startSeries('FREQ=DAILY', '2026-03-28T02:30:00')
    const tasks = await completeRepeatedly(series, second, 2)
    expect(tasks.map(({ dueAt }) => dueAt)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
  })

  it('skips what has passed when the admin wants that', async () => {
    const worker = await startWorker({ catchUp: 'NextFuture' })
    const series = await startSeries('FREQ=DAILY', '2026-01-05T09:00:00')
    const completed = await complete(series.userId, series.taskId, '2026-01-20T12:00:00.000Z')
    expect(await deliver(worker.server, completed)).toBe('SUCCESS')
    const [, next] = await tasksOf(series.userId)
    expect(next?.recurrence).toMatchObject({ recurrenceId: '2026-01-21T09:00:00', count: 2 })
  })
})

describe('an event that can never be handled', () => {
  async function completion(change: (event: TaskEvent) => TaskEvent | string): Promise<TaskEvent | string> {
    const series = await startSeries('FREQ=DAILY', '2026-01-05T09:00:00')
    return change(structuredClone(await complete(series.userId, series.taskId)))
  }
  const withRecurrence =
    (recurrence: Partial<TaskRecurrence>) =>
    (event: TaskEvent): TaskEvent => {
      Object.assign(event.data.task.recurrence!, recurrence)
      return event
    }

  it.each([
    ['is not JSON', () => '{'],
    ['has a rule that is none', withRecurrence({ rrule: 'FREQ=SOMETIMES' })],
    ['has a rule finer than the admin allows', withRecurrence({ rrule: 'FREQ=MINUTELY' })],
    ['has a slot that is no date', withRecurrence({ recurrenceId: '2026-02-30T09:00:00' })],
    ['belongs to a series that is not there', withRecurrence({ seriesId: '6f0dc0a5-98ce-4b14-8a40-39f9ee1d7a6e' })],
    [
      'lacks the time of completion',
      (event: TaskEvent) => {
        event.data.task.completedAt = null
        return event
      },
    ],
    ['has a field nobody knows', (event: TaskEvent) => JSON.stringify({ ...event, data: { ...event.data, extra: 1 } })],
  ])('is dropped to the dead letters when it %s', async (_, change) => {
    expect(await deliver(first.server, await completion(change))).toBe('DROP')
  })
})
