import type { Expiry } from '../lib/expiry.ts'

/** Rows of chat-api that carry the time of their end. */
export const expiries: readonly Expiry[] = [
  {
    statement: `DELETE FROM idempotency_keys WHERE (user_id, key) IN (SELECT user_id, key FROM idempotency_keys WHERE expires_at <= $1 LIMIT $2)`,
    age: 0,
  },
  {
    statement: `DELETE FROM login_failures WHERE account IN (SELECT account FROM login_failures WHERE window_ends_at <= $1 LIMIT $2)`,
    age: 0,
  },
]
