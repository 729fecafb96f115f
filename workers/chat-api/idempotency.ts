/**
 * Retry-safe writes (IETF draft-ietf-httpapi-idempotency-key-header). The key, the change, its event and the answer are one
 * transaction, so there is no "in progress" state that a crash could leave behind:
 * - the first request inserts the key and commits it with its effect and answer;
 * - a second one with the same key at the same time waits on that row, then finds the answer and repeats it byte for byte;
 * - a request that failed rolled its key back with everything else, so the key may be used again.
 * Proof: workers/test/chat-api-idempotency.integration.test.ts.
 */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from '../lib/http-errors.ts'
import { StorageError } from '../lib/postgres-errors.ts'
import type { Database, Transaction } from '../lib/postgres.ts'

/** A complete answer, ready to be stored and repeated. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON text, or the empty string for an answer without a body. */
  readonly body: string
}

/** An answer, and whether it was given before. */
export interface GivenAnswer extends Answer {
  readonly replayed: boolean
}

/** The request that carries the key. `hash` covers everything that decides its effect. */
export interface KeyedRequest {
  readonly userId: string
  /** Undefined: the client sent none, and the work simply runs. */
  readonly key: string | undefined
  readonly hash: string
}

/** What a keyed write needs besides the request; `retention` in milliseconds. */
export interface IdempotencyOptions {
  readonly database: Database
  readonly retention: number
  readonly now: () => Date
}

/** Reads the Idempotency-Key header: 1 to 255 visible ASCII characters. */
export function keyedRequest(request: FastifyRequest, userId: string): KeyedRequest {
  const key = request.headers['idempotency-key']
  if (key !== undefined && (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))) {
    const message = 'must be 1 to 255 visible ASCII characters'
    const errors = [{ path: 'header.idempotency-key', message }]
    throw new HttpProblem('INVALID_INPUT', `Idempotency-Key ${message}`, { errors })
  }
  return { userId, key, hash: requestHash(request.method, request.url, request.headers['if-match'], request.body) }
}

/** SHA-256 over what the request asks for; equal JSON values hash alike, however they are written. */
export function requestHash(method: string, url: string, ifMatch: string | undefined, body: unknown): string {
  const canonical = canonicalize({ method, url, ifMatch: ifMatch ?? null, body: body ?? null }) ?? ''
  return createHash('sha256').update(canonical).digest('base64url')
}

/** Runs `work` in a transaction, at most once per key; see the head of this file. */
export async function runOnce(
  options: IdempotencyOptions,
  { userId, key, hash }: KeyedRequest,
  work: (tx: Transaction) => Promise<Answer>,
): Promise<GivenAnswer> {
  const attempt = options.database.transaction(async (tx): Promise<GivenAnswer> => {
    if (key === undefined) return { ...(await work(tx)), replayed: false }
    const now = options.now()
    const expires = new Date(now.getTime() + options.retention)
    if (!(await claim(tx, [userId, key, hash, expires, now]))) return repeat(tx, userId, key, hash)
    const answer = await work(tx)
    await tx.query(
      `UPDATE idempotency_keys SET response_status = $3, response_headers = $4, response_body = $5
       WHERE user_id = $1 AND key = $2`,
      [userId, key, answer.status, JSON.stringify(answer.headers), answer.body],
    )
    return { ...answer, replayed: false }
  })
  return attempt.catch((error: unknown) => {
    throw isForeignKeyOfUser(error) ? unknownUser() : error
  })
}

/** A valid token of an account that is not there: the database was restored to a time before it. */
export const unknownUser = (): HttpProblem =>
  new HttpProblem('UNAUTHENTICATED', 'the account of this token does not exist; sign up or log in again', {
    headers: { 'www-authenticate': 'Bearer' },
  })

const isForeignKeyOfUser = (error: unknown): boolean =>
  error instanceof StorageError && error.sqlState === '23503' && error.constraint?.endsWith('_user_id_fkey') === true

/** Takes a key that is new or has expired; waits for a request that holds it. */
async function claim(tx: Transaction, values: readonly unknown[]): Promise<boolean> {
  try {
    const { rowCount } = await tx.query(
      `INSERT INTO idempotency_keys AS k (user_id, key, request_hash, expires_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT (user_id, key) DO UPDATE SET request_hash = $3, expires_at = $4, response_status = NULL,
         response_headers = NULL, response_body = NULL
       WHERE k.expires_at <= $5`,
      values,
    )
    return rowCount === 1
  } catch (error) {
    if (!(error instanceof StorageError) || error.sqlState !== '57014') throw error
    const headers = { 'retry-after': '1' }
    throw new HttpProblem('CONFLICT', 'a request with this Idempotency-Key is still being worked on', { headers })
  }
}

async function repeat(tx: Transaction, userId: string, key: string, hash: string): Promise<GivenAnswer> {
  const { rows } = await tx.query<{
    request_hash: string
    response_status: number
    response_headers: Record<string, string>
    response_body: string
  }>('SELECT * FROM idempotency_keys WHERE user_id = $1 AND key = $2', [userId, key])
  const row = rows[0]
  if (!row) throw new HttpProblem('CONFLICT', 'this Idempotency-Key has just expired; send the request again')
  if (row.request_hash !== hash) {
    throw new HttpProblem(
      'IDEMPOTENCY_KEY_REUSED',
      'this Idempotency-Key was used for another request; take a new key for each request',
    )
  }
  return { status: row.response_status, headers: row.response_headers, body: row.response_body, replayed: true }
}

/** Sends an answer; one that was given before says so. */
export function sendAnswer(reply: FastifyReply, answer: GivenAnswer): FastifyReply {
  void reply.code(answer.status).headers(answer.headers)
  if (answer.replayed) void reply.header('idempotency-replayed', 'true')
  return answer.body === '' ? reply.send() : reply.type('application/json; charset=utf-8').send(answer.body)
}
