/**
 * The events after the cut as the log in Kafka has them, up to a moment, and those that still wait in the outbox of the database in use.
 *
 * Partitions are read side by side, so everything is put into a temporary table first and taken out of it in the order of time. Within a
 * partition the order of offsets is kept whatever the clocks of the producers say: a record counts as no earlier than those before it. So what
 * is taken of each partition is a beginning of it, and no version of a task is left out in the middle. An event that was published twice counts
 * once.
 */
import type { Manifest } from '../../../lib/backup/manifest.ts'
import { parseJson, PoisonError } from '../../../lib/delivery.ts'
import { readRanges, type Range } from '../../../lib/kafka/ranges.ts'
import type { Database, Transaction } from '../../../lib/postgres.ts'
import { hasTables } from '../databases.ts'
import { RestoreError } from '../errors.ts'
import { boundsOf } from '../kafka-log.ts'
import { committedAtCut, liveTopic, partitionsHolding } from '../topics.ts'
import type { Workplace } from '../workplace.ts'
import { fromMessage, type PastEvent } from './past-event.ts'

/** The topics audit records, which are all that change tasks and reminders. */
const aliases = ['taskEvents', 'taskReminders']

/** Rows of one statement. */
const page = 500

/** A range of a topic with its alias. */
interface LogRange extends Range {
  readonly alias: string
}

/**
 * What has to be read: from what audit had consumed at the cut to the end.
 * @throws RestoreError UntilOutOfReach when a log is not the one that was backed up, or begins after the cut
 */
export const rangesAfterCut = async (place: Workplace): Promise<readonly LogRange[]> => {
  const source = await place.source()
  const { kafka, admin } = await place.kafka()
  const ranges: LogRange[] = []
  for (const { alias, partitions } of source.manifest.cut.topics.filter((one) => aliases.includes(one.alias))) {
    const topic = liveTopic(place.config.kafka.topics, alias)
    const bounds = await boundsOf(admin, topic)
    if (bounds === undefined) throw new RestoreError('UntilOutOfReach', `topic ${topic} does not exist`)
    const holding = await partitionsHolding({ ...place, kafka, source }, { alias, topic, partitions }, bounds)
    const lost = partitions.find(({ partition }) => !holding.has(partition))
    if (lost !== undefined)
      throw new RestoreError(
        'UntilOutOfReach',
        `partition ${lost.partition} of ${topic} does not hold the last record of the backup any more, so what came after it is not known`,
      )
    for (const [partition, { start, end }] of bounds) {
      const atCut = partitions.find((one) => one.partition === partition)
      const consumed = committedAtCut(source, 'audit', alias, partition) ?? atCut?.start ?? 0
      const from = Math.max(start, Math.min(consumed, atCut?.end ?? 0))
      if (from < end) ranges.push({ alias, topic, partition, start: from, end })
    }
  }
  return ranges
}

/** Puts what happened up to `until` into the order of time. @throws RestoreError UntilOutOfReach */
export const stageLog = async (
  tx: Transaction,
  place: Workplace,
  { live, until }: { readonly live: Database; readonly until: Date },
): Promise<void> => {
  await tx.query(
    `CREATE TEMP TABLE logged (source smallint NOT NULL, alias text NOT NULL, topic text, partition integer NOT NULL,
       "offset" bigint NOT NULL, event_id text NOT NULL, task_id text, version integer, occurred_at timestamptz(3) NOT NULL, payload jsonb NOT NULL)
     ON COMMIT DROP`,
  )
  const ranges = await rangesAfterCut(place)
  await readRanges({
    kafka: (await place.kafka()).kafka,
    ranges,
    groupPrefix: 'todochatbot-restore',
    // One transaction takes them, a statement at a time.
    concurrency: 1,
    signal: place.signal,
    patience: 30_000,
    onRecords: async ({ alias, topic, partition }, records) => {
      const rows = records.flatMap(({ offset, value }) => {
        const message = readable(value?.toString('utf8') ?? '')
        return message === undefined ? [] : [{ ...message, source: 0, alias, topic, partition, offset: Number(offset) }]
      })
      await stage(tx, rows)
    },
  })
  await stage(tx, await waiting(live))
  await tx.query(
    `CREATE TEMP TABLE past (n bigint PRIMARY KEY, topic text, partition integer, "offset" bigint, payload jsonb) ON COMMIT DROP`,
  )
  await tx.query(
    `WITH due AS (
       SELECT *, max(occurred_at) OVER (PARTITION BY source, alias, partition ORDER BY "offset") AS at FROM logged
     ), once AS (
       SELECT DISTINCT ON (event_id) * FROM due WHERE at <= $1 ORDER BY event_id, source, at, "offset"
     )
     INSERT INTO past SELECT row_number() OVER (ORDER BY source, at, alias, partition, "offset"), topic, partition, "offset", payload FROM once`,
    [until],
  )
  await refuseTwoPasts(tx, until)
}

/** A restore in between took changes back that the log still has: then one version of a task is there twice, as two events. */
const refuseTwoPasts = async (tx: Transaction, until: Date): Promise<void> => {
  const { rows } = await tx.query<{ task: string; version: number }>(
    `SELECT task_id AS task, version FROM logged WHERE alias = 'taskEvents' AND occurred_at <= $1 AND version IS NOT NULL
     GROUP BY 1, 2 HAVING count(DISTINCT event_id) > 1 ORDER BY 1, 2 LIMIT 1`,
    [until],
  )
  if (rows[0] !== undefined)
    throw new RestoreError(
      'UntilOutOfReach',
      `the log holds version ${rows[0].version} of task ${rows[0].task} twice: changes before ${until.toISOString()} were taken back by another restore`,
    )
}

/** Hands over what was staged, in order, some hundreds at a time. */
export const readStaged = async (
  tx: Transaction,
  take: (events: readonly PastEvent[]) => Promise<void>,
): Promise<void> => {
  for (let after = 0; ;) {
    const { rows } = await tx.query<{
      n: number
      topic: string | null
      partition: number
      offset: number
      payload: unknown
    }>(`SELECT n, topic, partition, "offset", payload FROM past WHERE n > $1 ORDER BY n LIMIT ${page}`, [after])
    await take(
      rows.map(({ topic, partition, offset, payload }) =>
        fromMessage(payload, topic === null ? {} : { topic, partition, offset }),
      ),
    )
    const last = rows.at(-1)
    if (last === undefined || rows.length < page) return
    after = last.n
  }
}

interface Message {
  readonly payload: unknown
  readonly event_id: string
  readonly task_id: string | null
  readonly version: number | null
  readonly occurred_at: string
}

interface Row extends Message {
  readonly source: number
  readonly alias: string
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
}

/** Undefined: audit would not take it either; such a message is in the dead letters. */
const readable = (text: string): Message | undefined => {
  try {
    const payload = parseJson(text)
    const { record, effect } = fromMessage(payload, {})
    const version = effect?.kind === 'Task' ? effect.event.data.taskVersion : null
    return { payload, event_id: record.eventId, task_id: record.taskId, version, occurred_at: record.occurredAt }
  } catch (error) {
    if (error instanceof PoisonError) return undefined
    throw error
  }
}

/** Committed in the database in use and not published yet. A database that is empty, or not there, has none. */
const waiting = async (live: Database): Promise<readonly Row[]> => {
  if (!(await hasTables(live, 'outbox'))) return []
  const { rows } = await live.query<{ id: number; shard: number; topic: string; payload: unknown }>(
    'SELECT id, shard, topic, payload FROM outbox WHERE topic = ANY ($1::text[]) ORDER BY id',
    [aliases],
  )
  return rows.flatMap(({ id, shard, topic: alias, payload }) => {
    const message = readable(JSON.stringify(payload))
    return message === undefined ? [] : [{ ...message, source: 1, alias, topic: null, partition: shard, offset: id }]
  })
}

const stage = async (tx: Transaction, rows: readonly Row[]): Promise<void> => {
  for (let from = 0; from < rows.length; from += page)
    await tx.query(
      `INSERT INTO logged SELECT * FROM jsonb_to_recordset($1::jsonb) AS row(source smallint, alias text, topic text, partition integer,
         "offset" bigint, event_id text, task_id text, version integer, occurred_at timestamptz(3), payload jsonb)`,
      [JSON.stringify(rows.slice(from, from + page))],
    )
}

/** Whether a time belongs to what the log tells of. @throws RestoreError UntilOutOfReach */
export const checkTime = (
  manifest: Manifest,
  { until, replacedAt }: { readonly until: Date; readonly replacedAt: readonly Date[] },
): void => {
  const refuse = (why: string): RestoreError => new RestoreError('UntilOutOfReach', why)
  const cut = new Date(manifest.cut.at)
  if (until < cut)
    throw refuse(`spec.until.time is ${until.toISOString()}, and the cut of the backup is later: ${cut.toISOString()}`)
  const replaced = replacedAt.find((at) => at > cut && at <= until)
  if (replaced !== undefined)
    throw refuse(
      `the data was replaced by another restore at ${replaced.toISOString()}, after the cut, so the log holds changes that were taken back`,
    )
}
