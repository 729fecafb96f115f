import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { HttpProblem } from '../../lib/http-errors.ts'
import { zoneField } from '../../lib/task/fields.ts'
import { countAttempt, findAccount, forgetFailures, insertAccount } from '../accounts/account-store.ts'
import type { Account } from '../accounts/account-store.ts'
import { hashPassword, TooManyLogins, verifyPassword } from '../accounts/password.ts'
import type { ChatApiDependencies } from '../dependencies.ts'
import { defineOperation, mount } from '../operation.ts'

const none = z.strictObject({})
const emailField = z.string().trim().max(254).pipe(z.email())
const userShape = z.strictObject({ id: z.uuid(), email: z.string(), timezone: z.string() })
const session = z.strictObject({
  token: z.string().describe('Send it as Authorization: Bearer <token>.'),
  user: userShape,
})

/** POST /api/v1/auth/signup */
export const signupOperation = defineOperation({
  id: 'signup',
  method: 'POST',
  path: '/api/v1/auth/signup',
  summary: 'Create an account and get a token',
  tag: 'auth',
  authenticated: false,
  params: none,
  query: none,
  body: z.strictObject({
    email: emailField,
    password: z.string().min(8).max(256),
    timezone: zoneField.optional(),
  }),
  responses: {
    201: { description: 'The account and a token for it.', schema: session },
    403: { description: 'Signing up is switched off.' },
    409: { description: 'The address has an account.' },
  },
})

/** POST /api/v1/auth/login */
export const loginOperation = defineOperation({
  id: 'login',
  method: 'POST',
  path: '/api/v1/auth/login',
  summary: 'Get a token',
  tag: 'auth',
  authenticated: false,
  params: none,
  query: none,
  body: z.strictObject({ email: emailField, password: z.string().max(256) }),
  responses: {
    200: { description: 'The account and a token for it.', schema: session },
    401: { description: 'Address and password do not belong together.' },
    429: { description: 'Too many failed logins of this account.', headers: { 'Retry-After': 'Seconds to wait.' } },
  },
})

/** Registers signup and login. A wrong password and an unknown address get the same answer after the same work. */
export function registerAuthRoutes(server: FastifyInstance, dependencies: ChatApiDependencies): void {
  const { database, settings, authenticate, issueToken } = dependencies

  mount(server, signupOperation, authenticate, async ({ body, reply }) => {
    if (!settings.signup) throw new HttpProblem('FORBIDDEN', 'signing up is switched off; ask the admin for an account')
    const account = {
      id: dependencies.newId(),
      email: body.email,
      timezone: body.timezone ?? settings.defaultTimezone,
      passwordHash: await busyAsProblem(hashPassword(body.password)),
    }
    if (!(await insertAccount(database, account, dependencies.now().toISOString()))) {
      throw new HttpProblem('CONFLICT', 'there is an account with this e-mail address; log in instead')
    }
    return reply.code(201).send({ token: await issueToken(account.id), user: shown(account) })
  })

  mount(server, loginOperation, authenticate, async ({ body }) => {
    const wait = await countAttempt(database, body.email, settings.loginFailures, dependencies.now())
    if (wait !== undefined) {
      const headers = { 'retry-after': String(wait) }
      throw new HttpProblem('TOO_MANY_REQUESTS', `too many failed logins; try again in ${wait} s`, { headers })
    }
    const account = await findAccount(database, body.email)
    if (!(await busyAsProblem(verifyPassword(body.password, account?.passwordHash))) || !account) {
      throw new HttpProblem('UNAUTHENTICATED', 'e-mail address and password do not belong together')
    }
    await forgetFailures(database, body.email)
    return { token: await issueToken(account.id), user: shown(account) }
  })
}

const shown = ({ id, email, timezone }: Account): Account => ({ id, email, timezone })

async function busyAsProblem<T>(hashing: Promise<T>): Promise<T> {
  try {
    return await hashing
  } catch (error) {
    if (!(error instanceof TooManyLogins)) throw error
    const headers = { 'retry-after': '5' }
    throw new HttpProblem('DEPENDENCY_UNAVAILABLE', 'too many people are logging in; try again', { headers })
  }
}
