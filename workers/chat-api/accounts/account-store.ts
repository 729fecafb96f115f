import { createHash } from 'node:crypto'
import { isUniqueViolation } from '../../lib/postgres-errors.ts'
import type { Queryable } from '../../lib/postgres.ts'

/** An account as the API shows it. */
export interface Account {
  readonly id: string
  readonly email: string
  /** IANA zone dates are meant in when a request names none. */
  readonly timezone: string
}

/** An account with what its password is checked against. */
export type AccountWithPassword = Account & { readonly passwordHash: string }

/** Stores a new account; false when the address has one. */
export async function insertAccount(db: Queryable, account: AccountWithPassword, now: string): Promise<boolean> {
  try {
    await db.query('INSERT INTO users (id, email, password_hash, timezone, created_at) VALUES ($1, $2, $3, $4, $5)', [
      account.id,
      account.email,
      account.passwordHash,
      account.timezone,
      now,
    ])
    return true
  } catch (error) {
    if (isUniqueViolation(error, 'users_email')) return false
    throw error
  }
}

/** The account of an address, however it is capitalised. */
export async function findAccount(db: Queryable, email: string): Promise<AccountWithPassword | undefined> {
  const { rows } = await db.query<AccountWithPassword>(
    'SELECT id, email, timezone, password_hash AS "passwordHash" FROM users WHERE lower(email) = lower($1)',
    [email],
  )
  return rows[0]
}

/** The account a token names; undefined when the database was restored to a time before it existed. */
export async function readAccount(db: Queryable, id: string): Promise<Account | undefined> {
  const { rows } = await db.query<Account>('SELECT id, email, timezone FROM users WHERE id = $1', [id])
  return rows[0]
}

/** The limit of failed logins per account and window (ms). */
export interface FailureLimit {
  readonly limit: number
  readonly window: number
}

/** Addresses are hashed: people type passwords into the wrong field, and this table also holds unknown accounts. */
const accountKey = (email: string): string => createHash('sha256').update(email.toLowerCase()).digest('hex')

/**
 * Counts an attempt as failed before the password is looked at, so that attempts in parallel cannot exceed the limit; a
 * successful one calls {@link forgetFailures}. Resolves to the seconds to wait when the limit is reached, else undefined.
 */
export async function countAttempt(
  db: Queryable,
  email: string,
  { limit, window }: FailureLimit,
  now: Date,
): Promise<number | undefined> {
  const { rows } = await db.query<{ failures: number; window_ends_at: Date }>(
    `INSERT INTO login_failures AS f (account, failures, window_ends_at) VALUES ($1, 1, $3)
     ON CONFLICT (account) DO UPDATE SET
       failures = CASE WHEN f.window_ends_at <= $2 THEN 1 ELSE least(f.failures + 1, 1000000) END,
       window_ends_at = CASE WHEN f.window_ends_at <= $2 THEN $3 ELSE f.window_ends_at END
     RETURNING failures, window_ends_at`,
    [accountKey(email), now, new Date(now.getTime() + window)],
  )
  const row = rows[0]
  if (!row || row.failures <= limit) return undefined
  return Math.max(1, Math.ceil((row.window_ends_at.getTime() - now.getTime()) / 1000))
}

/** Called after a successful login. */
export async function forgetFailures(db: Queryable, email: string): Promise<void> {
  await db.query('DELETE FROM login_failures WHERE account = $1', [accountKey(email)])
}
