import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '../lib/logger.ts'
import type { Queryable } from '../lib/postgres.ts'

const period = 10 * 60_000
const batch = 1_000

/** Rows of each table that may go, by an index on their expiry; a batch at a time, so that no statement runs long. */
const statements = [
  `DELETE FROM idempotency_keys WHERE (user_id, key) IN (SELECT user_id, key FROM idempotency_keys WHERE expires_at <= $1 LIMIT $2)`,
  `DELETE FROM login_failures WHERE account IN (SELECT account FROM login_failures WHERE window_ends_at <= $1 LIMIT $2)`,
]

/** Deletes what has expired at `now`; resolves to the number of rows. Safe to run in several replicas at once. */
export async function deleteExpired(db: Queryable, now: Date): Promise<number> {
  let deleted = 0
  for (const statement of statements) {
    for (;;) {
      const { rowCount } = await db.query(statement, [now, batch])
      deleted += rowCount
      if (rowCount < batch) break
    }
  }
  return deleted
}

/** Cleans up every ten minutes until `signal` is aborted. A failure is logged and tried again: nothing waits for it. */
export async function cleanUp(
  { db, now, logger }: { readonly db: Queryable; readonly now: () => Date; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      // Rejects when the signal is, or already was, aborted.
      await wait(period * (0.9 + Math.random() / 5), undefined, { signal })
      const deleted = await deleteExpired(db, now())
      if (deleted > 0) logger.debug({ deleted }, 'expired rows deleted')
    } catch (error) {
      if (signal.aborted) return
      logger.warn({ err: error }, 'deleting expired rows failed; it is tried again')
    }
  }
}
