import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { registerChatApi } from '../../chat-api/app.ts'
import { chatApiSettingsSchema } from '../../chat-api/config.ts'
import type { ChatApiSettings } from '../../chat-api/config.ts'
import { createAuthenticator, createTokenIssuer } from '../../lib/auth.ts'
import type { CloudEvent } from '../../lib/cloud-event.ts'
import { HttpProblem } from '../../lib/http-errors.ts'
import { createMetrics } from '../../lib/metrics.ts'
import type { Database } from '../../lib/postgres.ts'
import { createServer } from '../../lib/server.ts'
import type { StateStore } from '../../lib/state-store.ts'
import type { TaskEventData } from '../../lib/task/event.ts'
import type { Task } from '../../lib/task/task.ts'
import { createTracing } from '../../lib/tracing.ts'
import { uuidv7 } from '../../lib/uuid.ts'
import { testLogger } from './migrated-database.ts'

/** Signs tokens in tests; a new one per process. */
export const jwtKey = randomBytes(32).toString('base64url')

/** chat-api over a real database, without a listening socket. */
export interface ChatApi {
  readonly server: FastifyInstance
  /** What the code under test takes for now; tests set it. */
  clock: Date
  /** A new account; resolves to a client that sends its token. */
  user(timezone?: string): Promise<Client>
  close(): Promise<void>
}

/** Sends requests as one user. */
export interface Client {
  readonly userId: string
  readonly token: string
  send(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>
  /** POST /api/v1/tasks, which must succeed. */
  create(fields?: Record<string, unknown>): Promise<Task>
  /** POST /api/v1/chat; resolves to the parsed reply. */
  say(message: string, sessionId?: string): Promise<ChatAnswer>
  /** This user's events waiting in the outbox, in order. */
  events(): Promise<CloudEvent<TaskEventData>[]>
}

/** The part of a chat reply the tests look at. */
export interface ChatAnswer {
  reply: string
  intent: string
  parsed: Record<string, unknown>
  taskIds: string[]
  tasks?: Task[]
  needsConfirmation?: boolean
}

/** Builds one replica of chat-api. */
export async function startChatApi(options: {
  readonly database: Database
  readonly stateStore?: StateStore
  readonly settings?: Partial<ChatApiSettings>
}): Promise<ChatApi> {
  const { database } = options
  const identity = { service: 'todo-chat-api', version: '0.0.0', system: 'todo' }
  const server = createServer({
    logger: testLogger,
    metrics: createMetrics(identity),
    tracing: await createTracing({ ...identity, samplingRate: 0 }),
    bodyLimit: 65_536,
  })
  const principal = createAuthenticator({ jwtKey })
  const issueToken = createTokenIssuer({ jwtKey, ttl: 3600 })
  const api: ChatApi = {
    server,
    clock: new Date('2026-01-14T09:00:00.000Z'),
    user: async (timezone = 'Europe/Berlin') => {
      const userId = randomUUID()
      await database.query(
        `INSERT INTO users (id, email, password_hash, timezone, created_at) VALUES ($1, $2, 'none', $3, now())`,
        [userId, `${userId}@example.com`, timezone],
      )
      return client(server, database, userId, await issueToken(userId))
    },
    close: () => server.close(),
  }
  registerChatApi(server, {
    database,
    stateStore: options.stateStore,
    settings: { ...chatApiSettingsSchema.parse({}), ...options.settings },
    logger: testLogger,
    producer: identity.service,
    version: identity.version,
    authenticate: async (authorization) => {
      const who = await principal(authorization)
      if (who.kind !== 'user') throw new HttpProblem('FORBIDDEN', 'users only')
      return who.userId
    },
    issueToken,
    now: () => api.clock,
    newId: uuidv7,
  })
  return api
}

/** A client with any token; `userId` only decides whose events it reads. */
export function client(server: FastifyInstance, database: Database, userId: string, token: string): Client {
  const self: Client = {
    userId,
    token,
    send: async (method, url, body, headers = {}) =>
      server.inject({
        method,
        url,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      }),
    create: async (fields = {}) => {
      const response = await self.send('POST', '/api/v1/tasks', { title: 'buy milk', ...fields })
      if (response.statusCode !== 201) throw new Error(`create answered ${response.statusCode}: ${response.body}`)
      return response.json<Task>()
    },
    say: async (message, sessionId) => {
      const response = await self.send('POST', '/api/v1/chat', {
        message,
        ...(sessionId === undefined ? {} : { sessionId }),
      })
      if (response.statusCode !== 200) throw new Error(`chat answered ${response.statusCode}: ${response.body}`)
      return response.json<ChatAnswer>()
    },
    events: async () => {
      const { rows } = await database.query<{ payload: CloudEvent<TaskEventData> }>(
        'SELECT payload FROM outbox WHERE key = $1 ORDER BY id',
        [userId],
      )
      return rows.map(({ payload }) => payload)
    },
  }
  return self
}
