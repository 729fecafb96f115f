import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpAnswer, HttpCall, HttpClient } from './http-client.ts'

/** What tests read of a task. */
export interface TaskBody {
  readonly id: string
  readonly title: string
  readonly status: 'open' | 'completed'
  readonly version: number
  readonly dueAt: string | null
  readonly recurrence: { readonly seriesId: string; readonly recurrenceId: string; readonly count: number } | null
  readonly reminders: readonly { readonly id: string }[]
}

/** A user of chat-api with a token. */
export interface Account {
  readonly userId: string
  readonly email: string
  readonly password: string
  readonly token: string
  call(path: string, call?: HttpCall): Promise<HttpAnswer>
  /**
   * Sends a change until it is answered: no answer, 429 and 5xx are tried again with the same Idempotency-Key, which makes
   * "sent twice" and "done twice" different things. @throws Error for any other refusal, or after `deadline` ms.
   */
  change(
    path: string,
    call: HttpCall & { readonly method: 'POST' | 'PATCH' | 'PUT' | 'DELETE' },
    deadline?: number,
  ): Promise<HttpAnswer>
}

/** Signs up a new user. */
export async function signUp(chatApi: HttpClient, timezone = 'UTC'): Promise<Account> {
  const credentials = { email: `${randomUUID()}@example.com`, password: `pass-${randomUUID()}` }
  const body = { ...credentials, timezone }
  const answer = await persist(() => chatApi.call('/api/v1/auth/signup', { method: 'POST', body }), 120_000)
  const { token, user } = answer.body as { token: string; user: { id: string } }
  const call: Account['call'] = (path, options = {}) => chatApi.call(path, { ...options, token })
  return {
    ...credentials,
    userId: user.id,
    token,
    call,
    change(path, options, deadline = 180_000) {
      const headers = { ...options.headers, 'idempotency-key': randomUUID() }
      return persist(() => call(path, { ...options, headers }), deadline)
    },
  }
}

async function persist(send: () => Promise<HttpAnswer>, deadline: number): Promise<HttpAnswer> {
  const end = performance.now() + deadline
  for (let attempt = 0; ; attempt += 1) {
    let problem: unknown
    try {
      const answer = await send()
      if (answer.status < 300) return answer
      problem = new Error(`HTTP ${answer.status}: ${JSON.stringify(answer.body)}`)
      if (answer.status < 500 && answer.status !== 429) throw new RefusedError(answer)
    } catch (error) {
      if (error instanceof RefusedError) throw error
      problem ??= error
    }
    if (performance.now() > end) throw new Error(`no answer within ${deadline / 1000} s`, { cause: problem })
    await sleep(Math.min(2_000, 100 * 2 ** attempt))
  }
}

/** The server understood and said no: trying again would not help. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly answer: HttpAnswer
  constructor(answer: HttpAnswer) {
    super(`refused with HTTP ${answer.status}: ${JSON.stringify(answer.body)}`)
    this.answer = answer
  }
}
