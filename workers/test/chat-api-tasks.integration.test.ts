import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cloudEventSchema } from '../lib/cloud-event.ts'
import { taskEventDataSchema } from '../lib/task/event.ts'
import type { Task } from '../lib/task/task.ts'
import { startChatApi } from './support/chat-api.ts'
import type { ChatApi, Client } from './support/chat-api.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

let system: MigratedDatabase
let api: ChatApi
let user: Client
beforeAll(async () => {
  system = await startMigratedDatabase()
  api = await startChatApi({ database: system.database })
})
afterAll(async () => {
  await api.close()
  await system.stop()
})
beforeEach(async () => {
  api.clock = new Date('2026-01-14T09:00:00.000Z')
  user = await api.user()
})

const tick = (ms = 1000): void => void (api.clock = new Date(api.clock.getTime() + ms))

describe('the life of a task', () => {
  it('answers a creation with location, entity tag and the whole task', async () => {
    const response = await user.send('POST', '/api/v1/tasks', {
      title: ' pay rent ',
      description: 'by transfer',
      priority: 'HIGH',
      tags: ['home'],
      dueAt: '2026-02-01T10:00:00+01:00',
      reminders: [{ type: 'relative', offset: '-PT1H' }],
    })
    const task = response.json<Task>()
    expect(response.statusCode).toBe(201)
    expect(response.headers).toMatchObject({ etag: '"1"', location: `/api/v1/tasks/${task.id}` })
    expect(task).toMatchObject({
      userId: user.userId,
      title: 'pay rent',
      status: 'open',
      dueAt: '2026-02-01T09:00:00.000Z',
      timezone: 'Europe/Berlin',
      version: 1,
      source: 'user',
      reminders: [{ id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, type: 'relative', offset: '-PT1H' }],
    })
    expect((await user.send('GET', `/api/v1/tasks/${task.id}`)).json()).toEqual(task)
  })

  it('appends exactly one event per change, with the snapshot, the changes, the version and who did it', async () => {
    const task = await user.create({ title: 'report' })
    const path = `/api/v1/tasks/${task.id}`
    tick()
    await user.send('PATCH', path, { title: 'monthly report', priority: 'LOW' }, { 'x-correlation-id': 'corr-1' })
    tick()
    await user.send('POST', `${path}/complete`)
    tick()
    await user.send('POST', `${path}/reopen`)
    tick()
    expect((await user.send('DELETE', path)).statusCode).toBe(204)
    const events = await user.events()
    expect(events.map(({ type }) => type.replace('com.todo.task.', ''))).toEqual([
      'created',
      'updated',
      'completed',
      'reopened',
      'deleted',
    ])
    for (const event of events) {
      expect(cloudEventSchema.parse(event)).toMatchObject({
        subject: task.id,
        partitionkey: user.userId,
        source: '/services/todo-chat-api',
      })
      expect(taskEventDataSchema.parse(event.data)).toMatchObject({
        taskId: task.id,
        actor: { type: 'user', id: user.userId },
      })
    }
    expect(events.map(({ data }) => data.taskVersion)).toEqual([1, 2, 3, 4, 5])
    expect(events[1]).toMatchObject({
      correlationid: 'corr-1',
      time: '2026-01-14T09:00:01.000Z',
      data: {
        correlationId: 'corr-1',
        changes: { title: { old: 'report', new: 'monthly report' }, priority: { old: 'NONE', new: 'LOW' } },
        task: { title: 'monthly report', updatedAt: '2026-01-14T09:00:01.000Z' },
      },
    })
    expect(events[4]?.data.task.deletedAt).toBe('2026-01-14T09:00:04.000Z')
  })

  it('writes no event and no version for a change that changes nothing', async () => {
    const task = await user.create({
      title: 'same',
      tags: ['a'],
      reminders: [{ type: 'absolute', at: '2026-02-01T09:00:00Z' }],
    })
    const path = `/api/v1/tasks/${task.id}`
    const again = await user.send('PATCH', path, {
      title: 'same',
      tags: ['a'],
      reminders: [{ type: 'absolute', at: '2026-02-01T10:00:00+01:00' }],
    })
    expect(again.json()).toEqual(task)
    expect((await user.send('POST', `${path}/reopen`)).json<Task>().version).toBe(1)
    expect(await user.events()).toHaveLength(1)
  })

  it('hides a deleted task from every read and refuses to change it', async () => {
    const task = await user.create()
    await user.send('DELETE', `/api/v1/tasks/${task.id}`)
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/complete'],
    ] as const) {
      expect((await user.send(method, `/api/v1/tasks/${task.id}${path}`)).statusCode).toBe(404)
    }
    expect((await user.send('GET', '/api/v1/tasks')).json()).toEqual({ items: [], nextCursor: null })
    expect(await user.events()).toHaveLength(2)
  })

  it('replaces what PUT leaves out by its default and keeps the ids of reminders that stay', async () => {
    const task = await user.create({
      description: 'x',
      tags: ['a'],
      reminders: [{ type: 'relative', offset: '-PT1H' }],
    })
    const put = await user.send('PUT', `/api/v1/tasks/${task.id}`, {
      title: 'new',
      reminders: [
        { type: 'relative', offset: '-PT2H' },
        { type: 'relative', offset: '-PT1H' },
      ],
    })
    expect(put.json()).toMatchObject({ title: 'new', description: '', tags: [], version: 2 })
    expect(put.json<Task>().reminders[1]?.id).toBe(task.reminders[0]?.id)
    expect(put.json<Task>().reminders[0]?.id).not.toBe(task.reminders[0]?.id)
  })
})

describe('repeating tasks', () => {
  it('open a series whose first instance is the first occurrence of the rule', async () => {
    const task = await user.create({
      dueAt: '2026-01-14T17:00:00+01:00',
      recurrence: { rrule: 'BYDAY=MO;FREQ=WEEKLY' },
    })
    expect(task).toMatchObject({
      dueAt: '2026-01-19T16:00:00.000Z',
      recurrence: { rrule: 'FREQ=WEEKLY;BYDAY=MO', anchor: 'due', recurrenceId: '2026-01-19T17:00:00', count: 1 },
    })
    const { rows } = await system.database.query(
      `SELECT s.dtstart_local, s.timezone, i.recurrence_id, i.position FROM recurrence_series s JOIN series_instances i ON i.series_id = s.id
       WHERE i.task_id = $1`,
      [task.id],
    )
    expect(rows).toEqual([
      {
        dtstart_local: '2026-01-19T17:00:00',
        timezone: 'Europe/Berlin',
        recurrence_id: '2026-01-19T17:00:00',
        position: 1,
      },
    ])
  })

  it('keep their series when only the due time moves, and open a new one for another rule', async () => {
    const task = await user.create({ dueAt: '2026-01-19T16:00:00Z', recurrence: { rrule: 'FREQ=WEEKLY' } })
    const path = `/api/v1/tasks/${task.id}`
    const moved = (await user.send('PATCH', path, { dueAt: '2026-01-20T16:00:00Z' })).json<Task>()
    expect(moved.recurrence).toEqual(task.recurrence)
    const same = (await user.send('PATCH', path, { recurrence: { rrule: 'INTERVAL=1;FREQ=WEEKLY' } })).json<Task>()
    expect(same.version).toBe(moved.version)
    const changed = (await user.send('PATCH', path, { recurrence: { rrule: 'FREQ=DAILY' } })).json<Task>()
    expect(changed.recurrence).toMatchObject({ rrule: 'FREQ=DAILY', recurrenceId: '2026-01-20T17:00:00', count: 1 })
    expect(changed.recurrence?.seriesId).not.toBe(task.recurrence?.seriesId)
    const ended = (await user.send('PATCH', path, { recurrence: null })).json<Task>()
    expect(ended.recurrence).toBeNull()
  })
})

describe('concurrent changes', () => {
  it('of completion produce one version and one event', async () => {
    const task = await user.create()
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => user.send('POST', `/api/v1/tasks/${task.id}/complete`)),
    )
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect((await user.events()).map(({ type }) => type)).toEqual(['com.todo.task.created', 'com.todo.task.completed'])
  })

  it('with the same If-Match let exactly one through', async () => {
    const task = await user.create()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        user.send('PATCH', `/api/v1/tasks/${task.id}`, { title: `title ${index}` }, { 'if-match': '"1"' }),
      ),
    )
    const codes = answers.map(({ statusCode }) => statusCode)
    expect(codes.filter((code) => code === 200)).toHaveLength(1)
    expect(codes.filter((code) => code === 412)).toHaveLength(9)
    expect(await user.events()).toHaveLength(2)
  })

  it('without If-Match are all applied, one after the other', async () => {
    const task = await user.create()
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        user.send('PATCH', `/api/v1/tasks/${task.id}`, { title: `title ${index}` }),
      ),
    )
    const events = await user.events()
    expect(events.map(({ data }) => data.taskVersion)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1))
    for (const [index, event] of events.entries()) {
      if (index > 1) expect(event.data.changes['title']?.old).toBe(events[index - 1]?.data.task.title)
    }
    expect((await user.send('GET', `/api/v1/tasks/${task.id}`)).json()).toEqual(events.at(-1)?.data.task)
  })
})

describe('preconditions', () => {
  it.each<[string, number]>([
    ['"1"', 200],
    ['*', 200],
    ['"7", "1"', 200],
    ['"2"', 412],
    ['W/"1"', 412],
    ['"somebody-elses"', 412],
    ['1', 400],
    ['"1', 400],
  ])('If-Match: %s on version 1 gets %i', async (ifMatch, status) => {
    const task = await user.create()
    const response = await user.send('PATCH', `/api/v1/tasks/${task.id}`, { title: 'x' }, { 'if-match': ifMatch })
    expect(response.statusCode).toBe(status)
    if (status === 412) expect(response.headers['etag']).toBe('"1"')
  })

  it('answer 304 to a reader that has the version', async () => {
    const task = await user.create()
    const response = await user.send('GET', `/api/v1/tasks/${task.id}`, undefined, { 'if-none-match': '"1"' })
    expect([response.statusCode, response.body]).toEqual([304, ''])
  })
})

describe('lists', () => {
  const walk = async (query: string): Promise<Task[]> => {
    const found: Task[] = []
    let cursor: string | null = null
    do {
      const response = await user.send(
        'GET',
        `/api/v1/tasks?limit=3&${query}${cursor === null ? '' : `&cursor=${cursor}`}`,
      )
      const page = response.json<{ items: Task[]; nextCursor: string | null }>()
      found.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null)
    return found
  }

  it('page through every task once, in order, also where dates are equal or missing', async () => {
    const created: Task[] = []
    for (let index = 0; index < 11; index += 1) {
      if (index % 3 === 0) tick()
      created.push(
        await user.create({
          title: `task ${index}`,
          dueAt: index % 4 === 0 ? null : `2026-02-0${(index % 3) + 1}T09:00:00Z`,
        }),
      )
    }
    const newestFirst = (await walk('sort=createdAt')).map(({ id }) => id)
    expect([...newestFirst].sort()).toEqual(created.map(({ id }) => id).sort())
    expect(newestFirst).toEqual(
      [...created].sort((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? 1 : -1)).map(({ id }) => id),
    )
    const soonestFirst = await walk('sort=dueAt')
    const dates = soonestFirst.map(({ dueAt }) => dueAt ?? '9999')
    expect(dates).toEqual([...dates].sort())
    expect(soonestFirst).toHaveLength(11)
  })

  it('filter by status, priority, tag, due time and words, and combine filters', async () => {
    const milk = await user.create({
      title: 'Buy oat milk',
      tags: ['shop'],
      priority: 'HIGH',
      dueAt: '2026-02-01T09:00:00Z',
    })
    const bread = await user.create({ title: 'bread', description: 'and some milk', tags: ['shop'] })
    await user.create({ title: 'call mom' })
    await user.send('POST', `/api/v1/tasks/${bread.id}/complete`)
    const ids = async (query: string): Promise<string[]> => (await walk(query)).map(({ id }) => id).sort()
    expect(await ids('q=milk')).toEqual([milk.id, bread.id].sort())
    expect(await ids('q=MIL%20oat')).toEqual([milk.id])
    expect(await ids('q=milk&status=completed')).toEqual([bread.id])
    expect(await ids('tag=shop&status=open')).toEqual([milk.id])
    expect(await ids('priority=HIGH')).toEqual([milk.id])
    expect(await ids('dueFrom=2026-02-01T09:00:00Z&dueTo=2026-02-01T09:00:01Z')).toEqual([milk.id])
    expect(await ids(`q=${encodeURIComponent(`'; DROP TABLE tasks; --`)}`)).toEqual([])
    expect(await ids(`q=${encodeURIComponent(`milk & !bread | (oat:*)`)}`)).toEqual([])
  })

  it('show a user nothing of another', async () => {
    const task = await user.create({ title: 'secret plan' })
    const stranger = await api.user()
    expect((await stranger.send('GET', '/api/v1/tasks?q=secret')).json()).toEqual({ items: [], nextCursor: null })
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { title: 'mine' }],
      ['DELETE', '', undefined],
      ['POST', '/complete', undefined],
    ] as const) {
      const response = await stranger.send(method, `/api/v1/tasks/${task.id}${path}`, body)
      expect(response.statusCode).toBe(404)
    }
    expect(await user.events()).toHaveLength(1)
    expect(await stranger.events()).toEqual([])
  })
})

describe('the inbox', () => {
  it('returns fired reminders of the user, newest first, page by page', async () => {
    const stranger = await api.user()
    const insert = (userId: string, minute: number): Promise<unknown> =>
      system.database.query(
        `INSERT INTO notifications (id, reminder_id, task_id, user_id, channel, title, body, scheduled_for, fired_at, late)
         VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $1, 'in-app', $2, 'due', $3, $3, false)`,
        [userId, `reminder ${minute}`, `2026-01-14T10:0${minute}:00Z`],
      )
    await Promise.all([
      insert(user.userId, 1),
      insert(user.userId, 2),
      insert(user.userId, 3),
      insert(stranger.userId, 4),
    ])
    const first = (await user.send('GET', '/api/v1/notifications?limit=2')).json<{
      items: { title: string; firedAt: string }[]
      nextCursor: string
    }>()
    expect(first.items.map(({ title }) => title)).toEqual(['reminder 3', 'reminder 2'])
    expect(first.items[0]?.firedAt).toBe('2026-01-14T10:03:00.000Z')
    const second = (await user.send('GET', `/api/v1/notifications?limit=2&cursor=${first.nextCursor}`)).json<{
      items: { title: string }[]
      nextCursor: null
    }>()
    expect(second).toMatchObject({ items: [{ title: 'reminder 1' }], nextCursor: null })
  })
})
