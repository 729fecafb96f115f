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
