import type { TopicAlias } from './config-schema.ts'
import { shardCount } from './outbox.ts'
import type { OutboxRow } from './outbox-wave.ts'
import type { Database } from './postgres.ts'

/** How many events wait in the held shards, and for how long. */
export interface Backlog {
  readonly pending: number
  /** Age of the oldest in seconds; 0 when none waits. */
  readonly oldestAge: number
}

/** One database connection that holds shards and through which alone their rows are read and deleted. */
export interface OutboxSession {
  /** Aborted once the connection is known to be gone, and with it every shard. */
  readonly lost: AbortSignal
  /** Tries to take shards nobody holds; resolves to those that were taken now. */
  claim(shards: readonly number[]): Promise<readonly number[]>
  /** The oldest rows of the shards, ordered by id, without those of `skippedKeys`. */
  read(shards: readonly number[], skippedKeys: readonly string[]): Promise<readonly OutboxRow[]>
  /** Deletes published rows; resolves to how many were still there. */
  remove(ids: readonly number[]): Promise<number>
  backlog(shards: readonly number[]): Promise<Backlog>
  end(): Promise<void>
}

/** All shards there are. */
export const allShards: readonly number[] = Array.from({ length: shardCount }, (_, shard) => shard)

/** First half of the advisory lock's key, "todo" in ASCII; the second half is the shard. */
const lockClass = 0x746f646f

/** Rows per shard and read; a relay that falls behind reads again as soon as these are published. */
const readLimit = 128

/**
 * Opens a session on PostgreSQL. `idle_session_timeout` bounds how long a relay whose host vanished keeps its shards: the
 * server sees no FIN then, and only its own clock can end the session. A live relay asks at least once per second and
 * publishes for at most ten seconds ({@link publishTimeout} of dapr.ts) between two questions.
 */
export const openOutboxSession = async (database: Database): Promise<OutboxSession> => {
  const session = await database.session('outbox')
  await session.query(`SET idle_session_timeout = '30s'`)
  // A delete that a crash of the server undoes means one more copy of an event, which consumers drop: no need to wait for disk.
  await session.query('SET synchronous_commit = off')
  return {
    lost: session.lost,
    claim: async (shards) => {
      const { rows } = await session.query<{ shard: number }>(
        'SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock($1, shard)',
        [lockClass, shards],
      )
      return rows.map(({ shard }) => shard)
    },
    read: async (shards, skippedKeys) => {
      const { rows } = await session.query<{
        id: number
        event_id: string
        topic: TopicAlias
        key: string
        payload: string
        traceparent: string | null
      }>(
        `SELECT head.* FROM unnest($1::int[]) AS held,
           LATERAL (SELECT id, event_id, topic, key, payload::text AS payload, traceparent
                      FROM outbox WHERE shard = held AND key <> ALL ($2::text[]) ORDER BY id LIMIT $3) AS head
          ORDER BY head.id`,
        [shards, skippedKeys, readLimit],
      )
      return rows.map(({ event_id: eventId, ...row }) => ({ ...row, eventId }))
    },
    remove: async (ids) => (await session.query('DELETE FROM outbox WHERE id = ANY ($1::bigint[])', [ids])).rowCount,
    backlog: async (shards) => {
      const { rows } = await session.query<{ pending: number; oldest: number }>(
        `SELECT count(*) AS pending, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest
           FROM outbox WHERE shard = ANY ($1::int[])`,
        [shards],
      )
      return { pending: rows[0]?.pending ?? 0, oldestAge: rows[0]?.oldest ?? 0 }
    },
    end: () => session.end(),
  }
}
