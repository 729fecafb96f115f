/** What the audit trail lacks, by its numbers: entries that were there once. Events that never arrived leave no gap; they are found in the log. */
import type { Queryable } from '../../lib/postgres.ts'
import { ledgersOf } from '../../lib/replay.ts'

/** Missing numbers, both ends included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** The numbers that a trail lacks. */
export interface NumberGaps {
  /** How many in all. */
  readonly numbers: number
  /** The first ones. */
  readonly ranges: readonly NumberRange[]
  /** Events that earlier replays recorded anew, under later numbers. */
  readonly recordedAnew: number
}

/** Ranges that are told. */
const told = 16

/** Finds them with one pass over the index of numbers; a cut-off tail shows in the head row. */
export const findNumberGaps = async (db: Queryable): Promise<NumberGaps> => {
  const { rows } = await db.query<NumberRange>(
    `SELECT previous + 1 AS "from", seq - 1 AS "to" FROM (
       SELECT seq, lag(seq, 1, 0::bigint) OVER (ORDER BY seq) AS previous FROM (
         SELECT seq FROM audit_entries WHERE stream = 'tasks'
         UNION ALL SELECT seq + 1 FROM audit_head WHERE stream = 'tasks') numbers) steps
     WHERE seq > previous + 1 ORDER BY 1`,
  )
  const { rows: anew } = await db.query<{ events: number }>(
    'SELECT count(DISTINCT event_id) AS events FROM inbox WHERE consumer LIKE $1',
    [ledgersOf('audit')],
  )
  return {
    numbers: rows.reduce((total, { from, to }) => total + to - from + 1, 0),
    ranges: rows.slice(0, told),
    recordedAnew: anew[0]?.events ?? 0,
  }
}
