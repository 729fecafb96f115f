/**
 * What the worker has done already, read from its database: so that a dry run can count, and a run does not send what would be dropped. It only
 * saves work; that an event takes effect once is decided in the worker, in the transaction of the effect.
 */
import type { Queryable } from '../../lib/postgres.ts'
import { ledgerOf, ledgersOf } from '../../lib/replay.ts'

/** How the worker stands to one event. */
export interface Handled {
  /** It took effect through this very replay, before the Job was started anew. */
  readonly byThis: boolean
  /** Its inbox, or for audit its trail, knows it. */
  readonly before: boolean
  /** An earlier replay delivered it. */
  readonly byEarlier: boolean
}

/** Looks events up. */
export type LookUp = (eventIds: readonly string[]) => Promise<(eventId: string) => Handled>

/** Makes the look-up for one worker and one replay. The ledgers of earlier replays are listed once. */
export const createLookUp = async (
  db: Queryable,
  { worker, replayId }: { readonly worker: string; readonly replayId: string },
): Promise<LookUp> => {
  const own = ledgerOf(worker, replayId)
  const { rows: ledgers } = await db.query<{ consumer: string }>(
    'SELECT DISTINCT consumer FROM inbox WHERE consumer LIKE $1 AND consumer <> $2',
    [ledgersOf(worker), own],
  )
  const earlier = ledgers.map(({ consumer }) => consumer)
  const inbox = async (consumers: readonly string[], ids: readonly string[]): Promise<ReadonlySet<string>> => {
    if (consumers.length === 0) return new Set()
    const { rows } = await db.query<{ event_id: string }>(
      'SELECT DISTINCT event_id FROM inbox WHERE consumer = ANY ($1::text[]) AND event_id = ANY ($2::text[])',
      [consumers, ids],
    )
    return new Set(rows.map(({ event_id: id }) => id))
  }
  const trail = async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
    const { rows } = await db.query<{ event_id: string }>(
      `SELECT event_id FROM audit_entries WHERE stream = 'tasks' AND event_id = ANY ($1::text[])`,
      [ids],
    )
    return new Set(rows.map(({ event_id: id }) => id))
  }
  return async (eventIds) => {
    const ids = [...new Set(eventIds)]
    const byThis = await inbox([own], ids)
    const before = await (worker === 'audit' ? trail(ids) : inbox([worker], ids))
    const byEarlier = await inbox(earlier, ids)
    return (id) => ({ byThis: byThis.has(id), before: before.has(id), byEarlier: byEarlier.has(id) })
  }
}
