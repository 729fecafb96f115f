import { createHmac, randomUUID } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expiries } from '../chat-api/expiries.ts'
import { deleteExpired } from '../lib/expiry.ts'
import { client, jwtKey, startChatApi } from './support/chat-api.ts'
import type { ChatApi, Client } from './support/chat-api.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

let system: MigratedDatabase
let api: ChatApi
let user: Client
beforeAll(async () => {
  system = await startMigratedDatabase()
  api = await startChatApi({
    database: system.database,
    settings: { loginFailures: { limit: 3, window: 60_000 }, defaultTimezone: 'Asia/Tokyo' },
  })
  user = await api.user()
})
afterAll(async () => {
  await api.close()
  await system.stop()
})

const tasks = '/api/v1/tasks'
interface Session {
  token: string
  user: { id: string; email: string; timezone: string }
}
const post = (path: string, payload: object): Promise<LightMyRequestResponse> =>
  api.server.inject({ method: 'POST', url: `/api/v1/auth/${path}`, payload })
const password = 'correct horse battery'
const address = (): string => `${randomUUID()}@Example.com`

describe('an account', () => {
  it('gets a token at signup and at login that opens the API', async () => {
    const email = address()
    const signup = await post('signup', { email, password, timezone: 'America/New_York' })
    expect(signup.statusCode).toBe(201)
    const login = await post('login', { email: email.toUpperCase(), password })
    expect(login.statusCode).toBe(200)
    for (const { token, user: shown } of [signup.json<Session>(), login.json<Session>()]) {
      expect(shown).toEqual({ id: shown.id, email, timezone: 'America/New_York' })
      const owner = client(api.server, system.database, shown.id, token)
      expect((await owner.create()).timezone).toBe('America/New_York')
    }
  })

  it('gets the default zone when it names none', async () => {
    expect((await post('signup', { email: address(), password })).json<Session>().user.timezone).toBe('Asia/Tokyo')
  })

  it('is made once per address, however it is capitalised, also when asked twice at the same time', async () => {
    const email = address()
    const answers = await Promise.all(
      [email, email.toLowerCase(), email.toUpperCase()].map((text) => post('signup', { email: text, password })),
    )
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409, 409])
  })

  it('keeps its password only as a salted scrypt hash', async () => {
    const email = address()
    await post('signup', { email, password })
    await post('signup', { email: `2${email}`, password })
    const { rows } = await system.database.query<{ password_hash: string }>(
      'SELECT password_hash FROM users WHERE email LIKE $1',
      [`%${email}`],
    )
    const hashes = rows.map((row) => row.password_hash)
    expect(hashes).toHaveLength(2)
    expect(new Set(hashes).size).toBe(2)
    for (const hash of hashes) expect(hash).toMatch(/^scrypt\$16384\$8\$5\$[\w-]{22}\$[\w-]{43}$/)
  })

  it('cannot be made when signing up is switched off', async () => {
    const closed = await startChatApi({ database: system.database, settings: { signup: false } })
    const response = await closed.server.inject({
      method: 'POST',
      url: '/api/v1/auth/signup',
      payload: { email: address(), password },
    })
    expect(response.statusCode).toBe(403)
    await closed.close()
  })
})

describe('a wrong password', () => {
  it('gets the same answer as an unknown address', async () => {
    const email = address()
    await post('signup', { email, password })
    const wrong = await post('login', { email, password: 'wrong' })
    const unknown = await post('login', { email: address(), password: 'wrong' })
    expect([wrong.statusCode, unknown.statusCode]).toEqual([401, 401])
    expect(wrong.json<{ detail: string }>().detail).toBe(unknown.json<{ detail: string }>().detail)
  })

  it('is refused unread beyond the limit, also when all attempts come at once, until the window ends', async () => {
    const email = address()
    await post('signup', { email, password })
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('login', { email, password: 'wrong' })))
    const codes = answers.map(({ statusCode }) => statusCode)
    expect(codes.filter((code) => code === 401)).toHaveLength(3)
    expect(codes.filter((code) => code === 429)).toHaveLength(5)
    const locked = await post('login', { email, password })
    expect(locked.statusCode).toBe(429)
    expect(locked.headers['retry-after']).toBe('60')
    api.clock = new Date(api.clock.getTime() + 60_000)
    expect((await post('login', { email, password })).statusCode).toBe(200)
  })

  it('is forgotten after a good one', async () => {
    const email = address()
    await post('signup', { email, password })
    for (let round = 0; round < 3; round += 1) {
      expect((await post('login', { email, password: 'wrong' })).statusCode).toBe(401)
      expect((await post('login', { email, password: 'wrong' })).statusCode).toBe(401)
      expect((await post('login', { email, password })).statusCode).toBe(200)
    }
  })

  it('leaves nothing behind once its window has ended', async () => {
    await post('login', { email: address(), password: 'wrong' })
    expect(await deleteExpired(system.database, expiries, new Date(api.clock.getTime() + 60_000))).toBeGreaterThan(0)
    const { rows } = await system.database.query('SELECT 1 FROM login_failures')
    expect(rows).toEqual([])
  })
})

describe('a token', () => {
  const key = Buffer.from(jwtKey, 'base64url')
  const sign = (claims: Record<string, unknown>, secret: Uint8Array = key): Promise<string> =>
    new SignJWT({
      iss: 'todochatbot',
      aud: 'todochatbot-api',
      sub: user.userId,
      exp: Math.floor(Date.now() / 1000) + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(secret)
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

  it.each<[string, () => Promise<string | undefined>]>([
    ['that is missing', () => Promise.resolve(undefined)],
    ['that is no token', () => Promise.resolve('Bearer nonsense')],
    ['of another scheme', () => Promise.resolve('Basic dXNlcjpwYXNz')],
    ['that has expired', async () => `Bearer ${await sign({ exp: Math.floor(Date.now() / 1000) - 120 })}`],
    ['signed with another key', async () => `Bearer ${await sign({}, Buffer.alloc(32, 1))}`],
    ['for another audience', async () => `Bearer ${await sign({ aud: 'elsewhere' })}`],
    ['of another issuer', async () => `Bearer ${await sign({ iss: 'elsewhere' })}`],
    [
      'without a signature (alg none)',
      () =>
        Promise.resolve(
          `Bearer ${part({ alg: 'none' })}.${part({ sub: user.userId, iss: 'todochatbot', aud: 'todochatbot-api' })}.`,
        ),
    ],
    [
      'signed by a weaker algorithm',
      () => {
        const head = `${part({ alg: 'HS1' })}.${part({ sub: user.userId })}`
        return Promise.resolve(`Bearer ${head}.${createHmac('sha1', key).update(head).digest('base64url')}`)
      },
    ],
  ])('%s gets 401 and no data', async (_name, authorization) => {
    const value = await authorization()
    const response = await api.server.inject({
      method: 'GET',
      url: tasks,
      headers: value === undefined ? {} : { authorization: value },
    })
    expect(response.statusCode).toBe(401)
    expect(response.headers['www-authenticate']).toBe('Bearer')
    expect(response.json<{ code: string }>().code).toBe('UNAUTHENTICATED')
  })

  it('of an account that no longer exists gets 401 on writes and chat', async () => {
    const ghost = client(api.server, system.database, randomUUID(), await sign({ sub: randomUUID() }))
    for (const headers of [{}, { 'idempotency-key': 'k' }]) {
      expect((await ghost.send('POST', tasks, { title: 'x' }, headers)).statusCode).toBe(401)
    }
    expect((await ghost.send('POST', '/api/v1/chat', { message: 'add milk' })).statusCode).toBe(401)
  })
})
