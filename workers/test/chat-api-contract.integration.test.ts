import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../chat-api/app.ts'
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
  user = await api.user()
})
afterAll(async () => {
  await api.close()
  await system.stop()
})

interface Document {
  openapi: string
  paths: Record<
    string,
    Record<string, { operationId: string; responses: Record<string, unknown>; requestBody?: unknown }>
  >
  components: { schemas: Record<string, unknown> }
}
const document = async (): Promise<Document> => (await api.server.inject('/openapi.json')).json<Document>()

/** Every reference in a JSON value. */
const references = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : references(inner)))

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 with one description per endpoint and no reference that leads nowhere', async () => {
    const found = await document()
    expect(found.openapi).toMatch(/^3\.1\./)
    const described = Object.values(found.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    expect(described.sort()).toEqual(operations.map(({ id }) => id).sort())
    for (const reference of new Set(references(found))) {
      expect(Object.keys(found.components.schemas)).toContain(reference.replace('#/components/schemas/', ''))
    }
    expect(JSON.stringify(found)).not.toContain('$schema')
  })

  it('describes endpoints that are there and ask for a token where it says so', async () => {
    for (const { method, path, authenticated } of operations) {
      const url = path.replace('{id}', '00000000-0000-4000-8000-000000000000')
      const { statusCode } = await api.server.inject({ method, url })
      expect([statusCode, `${method} ${path}`]).toEqual([authenticated ? 401 : 400, `${method} ${path}`])
    }
  })

  it('describes the answers that are given', async () => {
    const check = async (id: string, sent: ReturnType<Client['send']>): Promise<unknown> => {
      const response = await sent
      const schema = operations.find((operation) => operation.id === id)?.responses[response.statusCode]?.schema
      expect(schema?.safeParse(response.json()).error, `${id} ${response.statusCode}`).toBeUndefined()
      expect(schema, `${id} ${response.statusCode}`).toBeDefined()
      return response.json()
    }
    const account = { email: 'contract@example.com', password: 'long enough' }
    await check('signup', user.send('POST', '/api/v1/auth/signup', account))
    await check('login', user.send('POST', '/api/v1/auth/login', account))
    const body = {
      title: 'x',
      dueAt: '2026-02-01T09:00:00Z',
      recurrence: { rrule: 'FREQ=DAILY' },
      reminders: [{ type: 'relative', offset: 'PT0S' }],
    }
    const { id } = (await check('createTask', user.send('POST', '/api/v1/tasks', body))) as { id: string }
    const path = `/api/v1/tasks/${id}`
    await check('getTask', user.send('GET', path))
    await check('patchTask', user.send('PATCH', path, { title: 'y' }))
    await check('putTask', user.send('PUT', path, { title: 'z' }))
    await check('completeTask', user.send('POST', `${path}/complete`))
    await check('reopenTask', user.send('POST', `${path}/reopen`))
    await check('listTasks', user.send('GET', '/api/v1/tasks?limit=1'))
    await system.database.query(
      `INSERT INTO notifications (id, reminder_id, task_id, user_id, channel, title, body, scheduled_for, fired_at, late)
       VALUES (gen_random_uuid(), gen_random_uuid(), $2, $1, 'in-app', 'x', 'y', now(), now(), true)`,
      [user.userId, id],
    )
    await check('listNotifications', user.send('GET', '/api/v1/notifications'))
    for (const message of [
      'add a every day',
      'list',
      'add Friday report',
      'help',
      'delete "z"',
      'complete nothing',
      'yes',
      '2',
      'frobnicate',
    ]) {
      await check('chat', user.send('POST', '/api/v1/chat', { message }))
    }
  })
})
