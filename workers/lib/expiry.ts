/**
 * Removes rows that nobody needs any more, by their age. A batch at a time, so that no statement runs long or holds many locks; safe to run in
 * several replicas at once, since a row that is gone is gone for all. Proof: workers/test/retention.integration.test.ts.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from './logger.ts'
import type { Queryable } from './postgres.ts'

/** One kind of rows. */
export interface Expiry {
  /** Deletes at most `$2` rows that are older than `$1`; an index should find them. */
  readonly statement: string
  /** How old rows get, in ms; 0 when the rows carry the time of their end. */
  readonly age: number
}

const batch = 1_000

/** Deletes what is too old at `now`; resolves to the number of rows. */
export async function deleteExpired(db: Queryable, expiries: readonly Expiry[], now: Date): Promise<number> {
  let deleted = 0
  for (const { statement, age } of expiries) {
    const before = new Date(now.getTime() - age)
    for (;;) {
      const { rowCount } = await db.query(statement, [before, batch])
      deleted += rowCount
      if (rowCount < batch) break
    }
  }
  return deleted
}

/** What {@link deleteExpiredPeriodically} needs. */
export interface ExpiryOptions {
  readonly db: Queryable
  /** Asked in every round: ages may change while the worker runs. */
  readonly expiries: () => readonly Expiry[]
  readonly now: () => Date
  readonly logger: Logger
  /** ms between two rounds, ±10 % so that replicas do not meet; default ten minutes. */
  readonly period?: number
}

/** Deletes again and again until `signal` is aborted. A failure is logged and tried again: nothing waits for it. */
export async function deleteExpiredPeriodically(
  { db, expiries, now, logger, period = 600_000 }: ExpiryOptions,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      // Rejects when the signal is, or already was, aborted.
      await wait(period * (0.9 + Math.random() / 5), undefined, { signal })
      const deleted = await deleteExpired(db, expiries(), now())
      if (deleted > 0) logger.debug({ deleted }, 'expired rows deleted')
    } catch (error) {
      if (signal.aborted) return
      logger.warn({ err: error }, 'deleting expired rows failed; it is tried again')
    }
  }
}
