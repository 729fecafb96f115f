import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startDaprd, startRedis } from '../../hack/cluster/index.ts'
import type { DaprdServer, RedisServer } from '../../hack/cluster/index.ts'
import { createStateStore } from '../lib/state-store.ts'
import type { StateStore } from '../lib/state-store.ts'
import { startChatApi } from './support/chat-api.ts'
import type { ChatApi, Client } from './support/chat-api.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

const store = 'todo-statestore'
let system: MigratedDatabase
let redis: RedisServer
let sidecar: DaprdServer
let stores: StateStore[]
/** Two replicas that share nothing but the database and the state store. */
let api: ChatApi
let replica: ChatApi
let user: Client
beforeAll(async () => {
  ;[system, redis] = await Promise.all([startMigratedDatabase(), startRedis()])
  const metadata = [
    { name: 'redisHost', value: redis.address },
    { name: 'redisPassword', value: redis.password },
  ]
  const component = {
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Component',
    metadata: { name: store },
    spec: { type: 'state.redis', version: 'v1', metadata },
  }
  sidecar = await startDaprd({ appId: 'todo-chat-api', resources: [component] })
  stores = [sidecar.httpPort, sidecar.httpPort].map((port) => createStateStore({ port, store, timeout: 500 }))
  api = await startChatApi({ database: system.database, stateStore: stores[0]! })
  replica = await startChatApi({ database: system.database, stateStore: stores[1]! })
})
afterAll(async () => {
  await api.close()
  await replica.close()
  for (const open of stores) await open.close()
  await sidecar.stop()
  await redis.stop()
  await system.stop()
})
beforeEach(async () => {
  user = await api.user()
})

/** The same user, served by the other replica. */
const elsewhere = async (message: string, sessionId?: string): Promise<{ reply: string; taskIds: string[] }> => {
  const response = await replica.server.inject({
    method: 'POST',
    url: '/api/v1/chat',
    headers: { authorization: `Bearer ${user.token}` },
    payload: { message, ...(sessionId === undefined ? {} : { sessionId }) },
  })
  expect(response.statusCode).toBe(200)
  return response.json()
}
const open = async (): Promise<string[]> => (await user.say('list')).tasks?.map(({ title }) => title) ?? []
const actions = async (): Promise<string[]> =>
  (await user.events()).map(({ data }) => `${data.action} ${data.task.title}`)

describe('adding in plain language', () => {
  it('makes a repeating task with its reminder and shows the next five', async () => {
    const answer = await user.say('add water plants every mon and thu at 8am #home p1, remind me 30m before')
    expect(answer).toMatchObject({
      intent: 'add',
      parsed: {
        title: 'water plants',
        dueAt: '2026-01-15T07:00:00.000Z',
        timezone: 'Europe/Berlin',
        recurrence: {
          rrule: 'FREQ=WEEKLY;BYDAY=MO,TH',
          anchor: 'due',
          next: [
            '2026-01-15T07:00:00.000Z',
            '2026-01-19T07:00:00.000Z',
            '2026-01-22T07:00:00.000Z',
            '2026-01-26T07:00:00.000Z',
            '2026-01-29T07:00:00.000Z',
          ],
        },
        reminders: [{ type: 'relative', offset: '-PT30M' }],
      },
      tasks: [{ title: 'water plants', priority: 'HIGH', tags: ['home'], source: 'chat' }],
    })
    expect(answer.reply).toBe(
      'Added "water plants", due Thu 15 Jan 2026 08:00 (Europe/Berlin), high priority, tagged #home. It repeats every week on Monday, Thursday (FREQ=WEEKLY;BYDAY=MO,TH); the next are Thu 15 Jan 2026 08:00, Mon 19 Jan 2026 08:00, Thu 22 Jan 2026 08:00, Mon 26 Jan 2026 08:00, Thu 29 Jan 2026 08:00. I will remind you 30 minutes before it is due.',
    )
    const [event] = await user.events()
    expect(event).toMatchObject({ type: 'com.todo.task.created', data: { actor: { type: 'chat', id: user.userId } } })
  })

  it('reads dates in the zone of the request, when it names one', async () => {
    const response = await user.send('POST', '/api/v1/chat', {
      message: 'add call at 5pm',
      timezone: 'America/New_York',
    })
    expect(response.json()).toMatchObject({
      tasks: [{ dueAt: '2026-01-14T22:00:00.000Z', timezone: 'America/New_York' }],
    })
  })

  it('keeps the wall-clock slot of a series that starts in a daylight-saving gap', async () => {
    const answer = await user.say('add check backups every day at 2:30 starting 2026-03-29')
    expect(answer.tasks?.[0]).toMatchObject({
      dueAt: '2026-03-29T01:30:00.000Z',
      recurrence: { recurrenceId: '2026-03-29T02:30:00' },
    })
    expect(answer.parsed['recurrence']).toMatchObject({
      next: expect.arrayContaining(['2026-03-30T00:30:00.000Z']) as unknown,
    })
  })

  it('asks instead of guessing, and changes nothing', async () => {
    const answer = await user.say('add Friday report')
    expect(answer).toMatchObject({ intent: 'unclear', needsConfirmation: true })
    expect(answer.reply).toContain('part of the title')
    expect(await user.events()).toEqual([])
  })

  it('is done once for one Idempotency-Key', async () => {
    const send = (): ReturnType<Client['send']> =>
      user.send('POST', '/api/v1/chat', { message: 'add milk' }, { 'idempotency-key': 'k' })
    const [first, second] = [await send(), await send()]
    expect(second.body).toBe(first.body)
    expect(await actions()).toEqual(['CREATED milk'])
  })
})

describe('the short memory', () => {
  beforeEach(async () => {
    for (const title of ['alpha', 'beta', 'gamma']) {
      await user.say(`add ${title} tomorrow at ${title === 'alpha' ? '8' : title === 'beta' ? '9' : '10'}:00`)
    }
  })

  it('lets any replica know what "the second one" is', async () => {
    expect(await open()).toEqual(['alpha', 'beta', 'gamma'])
    expect((await elsewhere('complete the second one')).reply).toBe('Completed "beta".')
    expect((await elsewhere('delete #3')).reply).toBe('Deleted "gamma".')
    expect(await open()).toEqual(['alpha'])
  })

  it('keeps numbers of the list that was shown, whatever happened to the tasks since', async () => {
    await open()
    await user.say('delete 1')
    expect((await user.say('complete 2')).reply).toBe('Completed "beta".')
    expect((await user.say('complete 1')).reply).toContain('not there any more')
    expect((await user.say('complete 7')).reply).toContain('there is no number 7')
  })

  it('knows what "it" is, and the last one', async () => {
    await user.say('add delta')
    expect((await user.say('complete it')).reply).toBe('Completed "delta".')
    await open()
    expect((await user.say('complete the last one')).reply).toBe('Completed "gamma".')
  })

  it('belongs to one session of one user', async () => {
    await open()
    expect((await elsewhere('complete 1', 'other')).reply).toContain('have not listed')
    const stranger = await api.user()
    expect((await stranger.say('complete 1')).reply).toContain('have not listed')
  })

  it('asks before it deletes several, and deletes on yes only', async () => {
    await open()
    const question = await user.say('delete 1 and 3')
    expect(question).toMatchObject({
      needsConfirmation: true,
      reply: 'Shall I delete "alpha" and "gamma"? Answer "yes" or "no".',
    })
    expect(await open()).toHaveLength(3)
    await user.say('delete 1 and 3')
    expect((await user.say('no')).reply).toContain('nothing was changed')
    expect((await user.say('yes')).reply).toContain('nothing to answer')
    await user.say('delete 1 and 3')
    expect((await elsewhere('yes')).reply).toBe('Deleted "alpha" and "gamma".')
    expect(await open()).toEqual(['beta'])
  })

  it('takes one answer to a question, also when two arrive at once', async () => {
    await user.say('complete all')
    const answers = await Promise.all([user.say('yes'), elsewhere('yes'), user.say('yes')])
    expect(answers.filter(({ reply }) => reply.startsWith('Completed'))).toHaveLength(1)
    expect((await actions()).filter((action) => action.startsWith('COMPLETED'))).toHaveLength(3)
  })

  it('offers numbered choices when a title is ambiguous, and takes one', async () => {
    await user.say('add buy oat milk')
    await user.say('add buy soy milk')
    const question = await user.say('complete milk')
    expect(question.needsConfirmation).toBe(true)
    expect(question.reply).toMatch(/Which one shall I complete\?\n1\. buy soy milk\n2\. buy oat milk/)
    expect((await user.say('5')).reply).toContain('from 1 to 2')
    expect((await elsewhere('the second one')).reply).toBe('Completed "buy oat milk".')
    expect((await user.say('complete milk')).reply).toBe('Completed "buy soy milk".')
  })

  it('only offers what is spelled alike, and never acts on it by itself', async () => {
    const question = await user.say('delete gamam')
    expect(question).toMatchObject({ needsConfirmation: true })
    expect(question.reply).toMatch(/no such title. Did you mean\?\n1\. gamma/)
    expect(await open()).toHaveLength(3)
    await user.say('delete gamam')
    expect((await user.say('1')).reply).toBe('Deleted "gamma".')
  })

  it('says what it does not find', async () => {
    expect((await user.say('complete "alph"')).reply).toContain('no task to complete with the title "alph"')
    expect((await user.say('complete zzzz')).reply).toContain('no task to complete that is called "zzzz"')
    expect((await user.say(`complete '; DROP TABLE tasks; --`)).reply).toContain('no task to complete')
    expect((await user.say('delete 100%_\\')).reply).toContain('no task to delete')
  })
})

describe('without the state store', () => {
  it('still adds, lists and finds by title, and says what it cannot do', async () => {
    const listed = await user.say('add alpha')
    await user.say('add alpha beta')
    await redis.kill()
    try {
      expect((await user.say('add gamma tomorrow at noon')).reply).toContain('Added "gamma"')
      const list = await user.say('list')
      expect(list.tasks).toHaveLength(3)
      expect(list.reply).toContain('I cannot remember this list')
      expect((await user.say('complete #1')).reply).toContain('short memory is not available')
      expect((await user.say('yes')).reply).toContain('short memory is not available')
      const several = await user.say('delete all')
      expect(several.reply).toContain('short memory is not available')
      expect(several.needsConfirmation).toBeUndefined()
      expect((await user.say('complete alp')).reply).toContain('write the whole title in quotes')
      expect((await user.say('complete "alpha"')).reply).toBe('Completed "alpha".')
    } finally {
      await redis.restart()
    }
    expect(listed.reply).toContain('Added')
    await expect
      .poll(async () => (await user.say('list')).reply, { timeout: 30_000, interval: 200 })
      .not.toContain('cannot remember')
    expect((await user.say('complete 1')).reply).toBe('Completed "gamma".')
  })
})
