/**
 * The one moment a backup shows. Every change of a task writes its row and its event (`outbox`) in one transaction, and the relay deletes the
 * event's row only after Kafka has it. So while `outbox` is locked in SHARE mode no such transaction is half done: a snapshot of the database
 * and the ends of all partitions taken then belong together.
 *
 * Invariants
 * 1. Every event below the ends has its change in the snapshot: it was read from a committed row before the ends were taken, and nothing
 *    commits between snapshot and ends.
 * 2. Every change in the snapshot has its event below the ends, or in `outbox` of the snapshot (or in both: consumers drop the second by its
 *    id): a row can only be missing from `outbox` if it was deleted before the lock, and then Kafka had it before the ends were taken.
 * 3. What a group had consumed, by its offsets, has its effect in the snapshot: the offsets are read first, and a consumer commits its effect
 *    before its offset. What it had consumed beyond them is delivered again after a restore, and dropped by the inbox.
 *
 * Writers wait for as long as the lock is held, which is what skewMs says; it ends after {@link heldAtMost} whatever Kafka does. Writers that
 * hold the table are waited for lockTimeout at a time, because everybody else queues behind a waiting lock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { BackupError, wordsOf } from '../../lib/backup/errors.ts'
import type { Manifest } from '../../lib/backup/manifest.ts'
import { isUnknownTopic } from '../../lib/kafka/ranges.ts'
import { offsetOf } from '../../lib/kafka/client.ts'
import { committedOffsets } from '../../lib/kafka/group-offsets.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Database, Session } from '../../lib/postgres.ts'
import { StorageError } from '../../lib/postgres-errors.ts'
import type { BackupConfig } from './config.ts'

/** Longest time that writers are held, ms. */
const heldAtMost = 3_000
/** SQLSTATE lock_not_available. */
const lockNotAvailable = '55P03'

/** The frozen log of one topic: the records that were there, [start, end). */
export type FrozenTopic = Manifest['cut']['topics'][number]

/** A cut; the snapshot lives until `end` is called or the session is lost. */
export interface Cut {
  /** For pg_dump --snapshot. */
  readonly snapshot: string
  /** The session that holds the snapshot: what it reads is of the cut. */
  readonly session: Session
  readonly at: string
  readonly skewMs: number
  readonly topics: readonly FrozenTopic[]
  readonly groups: Manifest['cut']['groups']
  /** Topics that do not exist. */
  readonly missing: Manifest['missing']
  readonly end: () => Promise<void>
}

/** What {@link takeCut} needs. */
export interface CutInput {
  readonly database: Database
  /** Connected. */
  readonly admin: Admin
  readonly config: Pick<BackupConfig, 'database' | 'kafka'>
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** Takes the cut. Rejects with BackupError CutNotTaken, DatabaseFailed or KafkaFailed. */
export const takeCut = async (input: CutInput): Promise<Cut> => {
  const { database, config, logger, signal } = input
  const groups = await kafkaCall('the offsets of the consumers', () => readGroups(input))
  const lock = await openSession(database, 'backup-lock')
  const snapshot = await openSession(database, 'backup-snapshot').catch(async (error: unknown) => {
    await lock.end()
    throw error
  })
  try {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      try {
        const cut = await attemptCut(input, lock, snapshot)
        return { ...cut, groups, session: snapshot, end: () => snapshot.end() }
      } catch (error) {
        await lock.query('ROLLBACK').catch(() => undefined)
        await snapshot.query('ROLLBACK').catch(() => undefined)
        if (!(error instanceof StorageError)) throw error
        if (error.sqlState !== lockNotAvailable)
          throw new BackupError('DatabaseFailed', `the cut could not be taken: ${error.message}`, { cause: error })
        const { lockAttempts, lockTimeout } = config.database
        if (attempt >= lockAttempts)
          throw new BackupError('CutNotTaken', `outbox was not free for ${lockTimeout} ms in ${attempt} tries`)
        logger.info({ attempt }, 'writers hold the outbox; trying again')
        await sleep(Math.min(10_000, 250 * 2 ** attempt), undefined, { signal })
      }
    }
  } catch (error) {
    await snapshot.end()
    throw error
  } finally {
    await lock.end()
  }
}

const attemptCut = async (
  { admin, config }: CutInput,
  lock: Session,
  snapshot: Session,
): Promise<Pick<Cut, 'snapshot' | 'at' | 'skewMs' | 'topics' | 'missing'>> => {
  await lock.query('BEGIN')
  await lock.query(`SET LOCAL lock_timeout = ${config.database.lockTimeout}`)
  await lock.query('LOCK TABLE public.outbox IN SHARE MODE')
  const locked = performance.now()
  await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const { rows } = await snapshot.query<{ snapshot: string; at: Date }>(
    'SELECT pg_export_snapshot() AS snapshot, clock_timestamp() AS at',
  )
  const { topics, missing } = await kafkaCall('the ends of the topics', () => frozen(admin, config.kafka.topics))
  await lock.query('COMMIT')
  const [row] = rows
  if (row === undefined) throw new BackupError('DatabaseFailed', 'PostgreSQL exported no snapshot')
  const skewMs = Math.round((performance.now() - locked) * 10) / 10
  return { snapshot: row.snapshot, at: row.at.toISOString(), skewMs, topics, missing }
}

/** Ends and starts of every partition, while writers are held. */
const frozen = async (
  admin: Admin,
  topics: BackupConfig['kafka']['topics'],
): Promise<{ topics: FrozenTopic[]; missing: Manifest['missing'] }> => {
  const held = AbortSignal.timeout(heldAtMost)
  const late = Promise.withResolvers<never>()
  held.addEventListener('abort', () => late.reject(new Error(`Kafka did not answer within ${heldAtMost} ms`)))
  const missing: Manifest['missing'] = []
  const found = topics.map(async ({ alias, topic }): Promise<FrozenTopic> => {
    const partitions = await admin.fetchTopicOffsets(topic).catch((error: unknown) => {
      if (!isUnknownTopic(error)) throw error
      missing.push({ what: `topic ${topic}`, why: 'it does not exist' })
      return []
    })
    return {
      alias,
      topic,
      partitions: partitions
        .map(({ partition, low, high }) => ({ partition, start: offsetOf(low), end: offsetOf(high) }))
        .sort((a, b) => a.partition - b.partition),
    }
  })
  return { topics: await Promise.race([Promise.all(found), late.promise]), missing }
}

/** Committed offsets; partitions without one are left out. */
const readGroups = async ({ admin, config: { kafka } }: CutInput): Promise<Manifest['cut']['groups']> => {
  const topicOf = new Map(kafka.topics.map(({ alias, topic }) => [alias, topic]))
  return Promise.all(
    kafka.groups.map(async ({ group, service, aliases }) => {
      const own = aliases.filter((alias) => topicOf.has(alias))
      const offsets = await Promise.all(
        own.map(async (alias) => {
          const committed = await committedOffsets(admin, group, topicOf.get(alias) ?? '').catch((error: unknown) => {
            if (isUnknownTopic(error)) return new Map<number, number>()
            throw error
          })
          return [...committed]
            .map(([partition, offset]) => ({ alias, partition, offset }))
            .sort((a, b) => a.partition - b.partition)
        }),
      )
      return { group, service, offsets: offsets.flat() }
    }),
  )
}

/** A session that may stand idle for as long as the dump takes. */
const openSession = async (database: Database, name: string): Promise<Session> => {
  try {
    const session = await database.session(name)
    await session.query('SET idle_in_transaction_session_timeout = 0')
    return session
  } catch (error) {
    throw new BackupError('DatabaseFailed', `no connection: ${wordsOf(error)}`, { cause: error })
  }
}

const kafkaCall = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw new BackupError('KafkaFailed', `${what} could not be read: ${wordsOf(error)}`, { cause: error })
  }
}
