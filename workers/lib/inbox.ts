import type { Expiry } from './expiry.ts'
import type { Database, Transaction, TransactionOptions } from './postgres.ts'
import { ledgerOf } from './replay.ts'
import type { ReplayMark } from './replay.ts'

/** Whether the effect ran now, had been stored by an earlier delivery of the same event, or the event asks for none. */
export type Processed = 'processed' | 'duplicate' | 'ignored'

/**
 * Runs `effect` once per (consumer, event): the mark and the effect are one transaction, so a crash leaves both or
 * neither, and a redelivery finds the mark. A second delivery that runs at the same time waits on the first one's
 * uncommitted mark and then sees its outcome. What a replay brought about is in its ledger as well; with force that alone decides.
 */
export const processOnce = (
  database: Database,
  key: { readonly consumer: string; readonly eventId: string; readonly replay?: ReplayMark | undefined },
  effect: (tx: Transaction) => Promise<void>,
  options?: TransactionOptions,
): Promise<Processed> =>
  database.transaction(async (tx) => {
    const fresh = await mark(tx, key.consumer, key.eventId)
    if (!fresh && key.replay?.force !== true) return 'duplicate'
    if (key.replay !== undefined && !(await mark(tx, ledgerOf(key.consumer, key.replay.id), key.eventId)))
      return 'duplicate'
    await effect(tx)
    return 'processed'
  }, options)

/** False when the mark was there. */
const mark = async (tx: Transaction, consumer: string, eventId: string): Promise<boolean> => {
  const { rowCount } = await tx.query('INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    consumer,
    eventId,
  ])
  return rowCount === 1
}

/** Notes in the transaction of the effect that it came about through a replay, for consumers with an inbox of their own kind. */
export const noteReplayed = async (
  tx: Transaction,
  consumer: string,
  { id }: Pick<ReplayMark, 'id'>,
  eventIds: readonly string[],
): Promise<void> => {
  await tx.query('INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING', [
    ledgerOf(consumer, id),
    eventIds,
  ])
}

/** Longest that a ledger is kept, ms; the longest replay is much shorter. */
const ledgerAge = 30 * 86_400_000

/** The ledgers of replays of all consumers that are long over. */
export const ledgerExpiry: Expiry = {
  statement: `DELETE FROM inbox WHERE consumer LIKE '%/replay/%' AND event_id IN
    (SELECT event_id FROM inbox WHERE consumer LIKE '%/replay/%' AND processed_at <= $1 ORDER BY processed_at LIMIT $2)
    AND processed_at <= $1`,
  age: ledgerAge,
}

/**
 * Marks of one consumer that are older than `age` (ms). An event that is delivered again after its mark has gone takes effect again, so the
 * age must exceed every way an old event can come back: the topic's retention, and replays.
 */
export const inboxExpiry = (consumer: 'notification' | 'recurring-task', age: number): Expiry => ({
  statement: `DELETE FROM inbox WHERE consumer = '${consumer}' AND event_id IN
    (SELECT event_id FROM inbox WHERE consumer = '${consumer}' AND processed_at <= $1 ORDER BY processed_at LIMIT $2)`,
  age,
})
