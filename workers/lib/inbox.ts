import type { Expiry } from './expiry.ts'
import type { Database, Transaction, TransactionOptions } from './postgres.ts'

/** Whether the effect ran now or had been stored by an earlier delivery of the same event. */
export type Processed = 'processed' | 'duplicate'

/**
 * Runs `effect` once per (consumer, event): the mark and the effect are one transaction, so a crash leaves both or
 * neither, and a redelivery finds the mark. A second delivery that runs at the same time waits on the first one's
 * uncommitted mark and then sees its outcome.
 */
export const processOnce = (
  database: Database,
  key: { readonly consumer: string; readonly eventId: string },
  effect: (tx: Transaction) => Promise<void>,
  options?: TransactionOptions,
): Promise<Processed> =>
  database.transaction(async (tx) => {
    const mark = await tx.query('INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      key.consumer,
      key.eventId,
    ])
    if (mark.rowCount === 0) return 'duplicate'
    await effect(tx)
    return 'processed'
  }, options)

/**
 * Marks of one consumer that are older than `age` (ms). An event that is delivered again after its mark has gone takes effect again, so the
 * age must exceed every way an old event can come back: the topic's retention, and replays.
 */
export const inboxExpiry = (consumer: 'notification' | 'recurring-task', age: number): Expiry => ({
  statement: `DELETE FROM inbox WHERE consumer = '${consumer}' AND event_id IN
    (SELECT event_id FROM inbox WHERE consumer = '${consumer}' AND processed_at <= $1 ORDER BY processed_at LIMIT $2)`,
  age,
})
