import { newCloudEvent } from './cloud-event.ts'
import type { CloudEvent, NewEvent } from './cloud-event.ts'
import type { Transaction } from './postgres.ts'

/** Number of shards a key may hash to. Fixed for ever: rows of both versions stand side by side during a rollout. */
export const shardCount = 8

/** FNV-1a over the UTF-8 bytes, modulo {@link shardCount}: which relay session may publish events of this key. */
export const shardOf = (key: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(key, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash % shardCount
}

/** The channel of {@link Transaction.notify} that tells relays of this process that there is something to publish. */
export const outboxChannel = 'outbox'

/**
 * Adds one event to the transaction that changes the state it tells of, and returns the envelope that will be published.
 * Call it after the rows it tells of were written in the same transaction: their row locks are what makes the outbox ids
 * of one task follow the order of its commits. Rejects when the statement does; then the whole transaction is rolled back.
 */
export const appendEvent = async <Data>(tx: Transaction, event: NewEvent<Data>): Promise<CloudEvent<Data>> => {
  const envelope = newCloudEvent(event)
  await tx.query(
    `INSERT INTO outbox (event_id, shard, topic, key, type, payload, traceparent, producer)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      envelope.id,
      shardOf(event.key),
      event.topic,
      event.key,
      event.type,
      JSON.stringify(envelope),
      envelope.traceparent ?? null,
      event.producer,
    ],
  )
  tx.notify(outboxChannel)
  return envelope
}
