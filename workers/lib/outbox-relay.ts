/**
 * Publishes the outbox: at least once, and in order per key.
 *
 * Every program that writes events runs a relay; together they publish the rows of all of them. Keys are spread over
 * eight shards, and a shard belongs to whoever holds its advisory lock. The lock lives in one database session, and that
 * session alone reads and deletes the shard's rows.
 *
 * Invariants
 * 1. A key has at most one event in flight per relay. Events are published in waves: each wave holds at most one event
 *    of a key, and the next wave starts only after the former was acknowledged AND its rows were deleted. So neither the
 *    broker client's retries (sarama keeps five requests in flight, without idempotence) nor partial failures reorder a key.
 * 2. Between two waves there is always a successful statement on the session that holds the locks. A relay that lost its
 *    session, knowingly or not, can finish the wave it is in and not begin another: it leaves one copy per key, not a batch.
 * 3. From 1, and because rows are read under the lock: of each key, a relay publishes a run without holes, beginning with
 *    the oldest row there is. However the runs of an old and a new holder of a shard mix at the broker, an event can only be
 *    preceded by what came before it: the FIRST occurrences of a key's events are in the order of their ids. Later
 *    occurrences are copies, which consumers drop by event id (inbox.ts).
 * 4. Rows are state, not a position: a row is read until it is deleted. A transaction that took a low id and commits late
 *    is found like any other; there is no cursor to have passed it.
 * 5. Ids of one task follow its commits, because events are appended after the task's row lock was taken (outbox.ts).
 *    Between different tasks of one key, ids may differ from the order of commits; such events do not depend on each other.
 *
 * Failure modes
 * - Broker or sidecar away: nothing is deleted, attempts back off to five seconds, the backlog shows in the metrics.
 * - The broker refuses one event: its key waits with its own backoff, all others go on.
 * - Crash after the acknowledgement, before the delete: published again, by whoever holds the shard next.
 * - The host of a relay vanishes: the server ends its idle session after 30 s, then another relay takes the shards.
 * - PgBouncer in transaction mode would hand the session to others: connect the workers to PostgreSQL itself.
 *
 * Proof: outbox-relay.test.ts (properties over interleavings of two relays, lost sessions, failures and late commits),
 * workers/test/outbox-relay.integration.test.ts (killed backends, duplicate acknowledgements, takeover).
 */
import { SpanKind } from '@opentelemetry/api'
import type { TopicAlias } from './config-schema.ts'
import type { Publisher } from './dapr.ts'
import type { Logger } from './logger.ts'
import type { OutboxMetrics } from './metrics.ts'
import { outboxChannel } from './outbox.ts'
import { allShards, openOutboxSession } from './outbox-session.ts'
import type { OutboxSession } from './outbox-session.ts'
import { byTopic, nextWave } from './outbox-wave.ts'
import type { OutboxRow } from './outbox-wave.ts'
import type { Database } from './postgres.ts'
import type { Tracing } from './tracing.ts'

/** Publishes until it is told to stop. */
export interface OutboxRelay {
  /** Runs until `signal` is aborted, then finishes the wave it is in; never rejects because of the database or the broker. */
  readonly run: (signal: AbortSignal) => Promise<void>
  /** Looks for rows now instead of at the next poll. */
  readonly nudge: () => void
}

/** Time as the relay sees it; tests bring their own. */
export interface RelayClock {
  readonly now: () => number
  /** Resolves after `ms` or when one of the signals is aborted, whichever is first. */
  readonly sleep: (ms: number, ...signals: readonly AbortSignal[]) => Promise<void>
}

/** What {@link createRelay} works with. */
export interface RelayOptions {
  readonly open: () => Promise<OutboxSession>
  readonly publisher: Publisher
  /** The broker's name of each topic. */
  readonly topics: Readonly<Record<TopicAlias, string>>
  readonly logger: Logger
  readonly metrics: OutboxMetrics
  readonly tracing?: Tracing
  readonly clock?: RelayClock
}

/** All durations in milliseconds. */
const timing = { poll: 100, claim: 1_000, backlog: 5_000, firstBackoff: 100, lastBackoff: 5_000 }
const waveLimits = { entries: 100, bytes: 1024 * 1024 }

const systemClock: RelayClock = {
  now: () => performance.now(),
  // Not AbortSignal.any: the relay rests ten times a second for months on signals that live as long as it does.
  sleep: (ms, ...signals) =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        for (const signal of signals) signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, signals.some(({ aborted }) => aborted) ? 0 : ms)
      for (const signal of signals) signal.addEventListener('abort', done)
    }),
}

const backoff = (attempt: number): number =>
  Math.min(timing.lastBackoff, timing.firstBackoff * 2 ** Math.min(attempt, 10))

/** The relay over any session; {@link createOutboxRelay} is the one on PostgreSQL. */
export const createRelay = (options: RelayOptions): OutboxRelay => {
  const { publisher, topics, logger, metrics, tracing } = options
  const clock = options.clock ?? systemClock
  let wake = new AbortController()
  const nudge = (): void => wake.abort()

  /** Sleeps until the time is up, a nudge comes, or one of the signals is aborted. */
  const rest = async (ms: number, ...signals: AbortSignal[]): Promise<void> => {
    await clock.sleep(ms, wake.signal, ...signals)
    if (wake.signal.aborted) wake = new AbortController()
  }

  /** Keys whose head the broker refused, with when to try them again. */
  const blocked = new Map<string, { attempts: number; until: number }>()
  const block = (row: OutboxRow, reason: string): void => {
    const attempts = (blocked.get(row.key)?.attempts ?? 0) + 1
    blocked.set(row.key, { attempts, until: clock.now() + backoff(attempts) })
    metrics.failures.inc({ topic: row.topic })
    // The key is a user id, the event id finds the row; the first failures and then one in fifty are worth a line.
    if (attempts <= 3 || attempts % 50 === 0) {
      logger.warn({ eventId: row.eventId, topic: row.topic, attempts, reason }, 'the broker refused an event')
    }
  }

  /** Publishes one wave. Resolves to the acknowledged rows and the error of calls that told nothing, if any. */
  const publish = async (
    wave: readonly OutboxRow[],
    lost: AbortSignal,
  ): Promise<{ acked: OutboxRow[]; error: Error | undefined }> => {
    const acked: OutboxRow[] = []
    let failure: Error | undefined
    const calls = [...byTopic(wave)].map(async ([alias, rows]) => {
      const spans = rows.map((row) =>
        tracing?.start(`publish ${alias}`, { kind: SpanKind.PRODUCER, parent: row.traceparent ?? undefined }),
      )
      const entries = rows.map((row) => ({ entryId: row.eventId, key: row.key, event: row.payload }))
      try {
        const failed = await publisher.publishBulk(topics[alias], entries, lost)
        for (const row of rows) {
          const reason = failed.get(row.eventId)
          if (reason !== undefined) {
            block(row, reason)
            continue
          }
          blocked.delete(row.key)
          metrics.published.inc({ topic: alias })
          acked.push(row)
        }
        for (const span of spans) span?.end()
      } catch (error) {
        metrics.failures.inc({ topic: alias }, rows.length)
        failure = error instanceof Error ? error : new Error(String(error))
        for (const span of spans) span?.end(error)
      }
    })
    await Promise.all(calls)
    return { acked, error: failure }
  }

  /** Publishes everything that can be now; resolves to false when there was nothing. Rejects when a call or the session failed. */
  const drain = async (session: OutboxSession, shards: readonly number[], signal: AbortSignal): Promise<boolean> => {
    const now = clock.now()
    const waiting = [...blocked].filter(([, { until }]) => until > now).map(([key]) => key)
    let rows = await session.read(shards, waiting)
    if (rows.length === 0) return false
    while (rows.length > 0 && !signal.aborted) {
      const wave = nextWave(rows, waveLimits)
      const { acked, error } = await publish(wave, session.lost)
      if (acked.length > 0) {
        const removed = await session.remove(acked.map(({ id }) => id))
        if (removed !== acked.length)
          logger.warn({ acked: acked.length, removed }, 'another relay published these events too')
      }
      if (error !== undefined) throw error
      const done = new Set(wave.map(({ id }) => id))
      rows = rows.filter((row) => !done.has(row.id) && !blocked.has(row.key))
    }
    return true
  }

  const report = async (session: OutboxSession, held: ReadonlySet<number>): Promise<void> => {
    const { pending, oldestAge } = held.size === 0 ? { pending: 0, oldestAge: 0 } : await session.backlog([...held])
    metrics.pending.set(pending)
    metrics.oldestAge.set(oldestAge)
    metrics.blockedKeys.set(blocked.size)
  }

  /** Holds one session for as long as it lives; resolves when `signal` is aborted, rejects when the session is lost. */
  const serve = async (session: OutboxSession, signal: AbortSignal): Promise<void> => {
    const held = new Set<number>()
    let nextClaim = clock.now()
    let nextReport = clock.now()
    let failures = 0
    while (!signal.aborted) {
      session.lost.throwIfAborted()
      const now = clock.now()
      if (held.size < allShards.length && now >= nextClaim) {
        const taken = await session.claim(allShards.filter((shard) => !held.has(shard)))
        for (const shard of taken) held.add(shard)
        if (taken.length > 0) logger.info({ taken, held: held.size }, 'publishing shards of the outbox')
        metrics.shardsHeld.set(held.size)
        nextClaim = now + timing.claim
      }
      if (now >= nextReport) {
        await report(session, held)
        nextReport = now + timing.backlog
      }
      try {
        const busy = held.size > 0 && (await drain(session, [...held], signal))
        failures = 0
        if (!busy) await rest(held.size > 0 ? timing.poll : timing.claim, signal, session.lost)
      } catch (error) {
        session.lost.throwIfAborted()
        failures += 1
        logger.warn({ err: error, failures }, 'publishing failed; the events stay in the outbox')
        await clock.sleep(backoff(failures), signal, session.lost)
      }
    }
  }

  return {
    nudge,
    run: async (signal) => {
      for (let failures = 0; !signal.aborted; failures += 1) {
        let session: OutboxSession | undefined
        try {
          session = await options.open()
          failures = 0
          blocked.clear()
          await serve(session, signal)
        } catch (error) {
          logger.warn({ err: error }, 'the outbox session was lost; its shards are free for others')
        }
        metrics.shardsHeld.set(0)
        await session?.end()
        await clock.sleep(backoff(failures), signal)
      }
    },
  }
}

/** The relay of this process: woken by commits of `database` that appended events, and by a poll for everyone else's. */
export const createOutboxRelay = (
  options: Omit<RelayOptions, 'open'> & { readonly database: Database },
): OutboxRelay => {
  const { database, ...rest } = options
  const relay = createRelay({ ...rest, open: () => openOutboxSession(database) })
  return {
    nudge: relay.nudge,
    run: async (signal) => {
      const unlisten = database.listen(outboxChannel, relay.nudge)
      try {
        await relay.run(signal)
      } finally {
        unlisten()
      }
    },
  }
}
