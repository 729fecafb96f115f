import { noteReplayed } from '../inbox.ts'
import type { Processed } from '../inbox.ts'
import type { Database, Queryable, Transaction } from '../postgres.ts'
import type { ReplayMark } from '../replay.ts'
import { chain, genesis } from './chain.ts'
import type { ChainedEntry, ChainHead } from './chain.ts'
import type { AuditRecord, Json } from './entry.ts'
import { createVerifier } from './verifier.ts'

/** The one stream of a system; the table holds several so that tenants can get their own later. */
export const taskStream = 'tasks'

/** Name under which replays to this worker keep their ledgers in the inbox; the entries themselves are its inbox. */
export const consumer = 'audit'

/** A row of audit_entries as node-postgres returns it. */
interface Row {
  stream: string
  seq: number
  event_id: string
  type: string
  action: string
  source: string
  task_id: string | null
  user_id: string | null
  actor: Json
  before: Json
  after: Json
  changes: Json
  correlation_id: string | null
  causation_id: string | null
  occurred_at: Date
  recorded_at: Date
  topic: string | null
  partition: number | null
  offset: number | null
  prev_hash: string
  hash: string
}

/** Columns of {@link Row}; hashes as hex. */
const columns = `stream, seq, event_id, type, action, source, task_id, user_id, actor, before, after, changes, correlation_id,
  causation_id, occurred_at, recorded_at, topic, partition, "offset", encode(prev_hash, 'hex') AS prev_hash,
  encode(hash, 'hex') AS hash`

const entryOf = (row: Row): ChainedEntry => ({
  stream: row.stream,
  seq: row.seq,
  eventId: row.event_id,
  type: row.type,
  action: row.action,
  source: row.source,
  taskId: row.task_id,
  userId: row.user_id,
  actor: row.actor,
  before: row.before,
  after: row.after,
  changes: row.changes,
  correlationId: row.correlation_id,
  causationId: row.causation_id,
  occurredAt: row.occurred_at.toISOString(),
  recordedAt: row.recorded_at.toISOString(),
  topic: row.topic,
  partition: row.partition,
  offset: row.offset,
  prevHash: row.prev_hash,
  hash: row.hash,
})

const insert = (tx: Transaction, entries: readonly ChainedEntry[]): Promise<unknown> =>
  tx.query(
    `INSERT INTO audit_entries (stream, seq, event_id, type, action, source, task_id, user_id, actor, before, after, changes,
       correlation_id, causation_id, occurred_at, recorded_at, topic, partition, "offset", prev_hash, hash)
     SELECT stream, seq, "eventId", type, action, source, "taskId", "userId", actor, before, after, changes, "correlationId",
       "causationId", "occurredAt", "recordedAt", topic, partition, "offset", decode("prevHash", 'hex'), decode(hash, 'hex')
     FROM jsonb_to_recordset($1::jsonb) AS entry(stream text, seq bigint, "eventId" text, type text, action text, source text,
       "taskId" text, "userId" text, actor jsonb, before jsonb, after jsonb, changes jsonb, "correlationId" text,
       "causationId" text, "occurredAt" timestamptz(3), "recordedAt" timestamptz(3), topic text, partition integer,
       "offset" bigint, "prevHash" text, hash text)`,
    [JSON.stringify(entries)],
  )

/**
 * Appends the records that are not in the stream yet, all in one transaction, and says which were. The head row is locked
 * first: appenders queue there, so the look for known events and the numbering cannot race, and the commit's disk flush is
 * shared by the whole batch. A replay's ledger is written along; force changes nothing here: an event has one entry.
 */
export const appendRecords = (
  database: Database,
  records: readonly AuditRecord[],
  now: () => Date,
  replay?: ReplayMark,
  stream = taskStream,
): Promise<Processed[]> => database.transaction((tx) => appendWithin(tx, records, now, replay, stream))

/** {@link appendRecords} as a part of a transaction of the caller's. */
export const appendWithin = async (
  tx: Transaction,
  records: readonly AuditRecord[],
  now: () => Date,
  replay?: ReplayMark,
  stream = taskStream,
): Promise<Processed[]> => {
  const head = await lockHead(tx, stream)
  const { rows: stored } = await tx.query<{ event_id: string }>(
    'SELECT event_id FROM audit_entries WHERE stream = $1 AND event_id = ANY ($2::text[])',
    [stream, records.map(({ eventId }) => eventId)],
  )
  const known = new Set(stored.map(({ event_id: eventId }) => eventId))
  const outcomes: Processed[] = []
  const fresh: AuditRecord[] = []
  for (const record of records) {
    outcomes.push(known.has(record.eventId) ? 'duplicate' : 'processed')
    if (!known.has(record.eventId)) fresh.push(record)
    known.add(record.eventId)
  }
  const entries = chain(head, fresh, { stream, recordedAt: now().toISOString() })
  const last = entries.at(-1)
  if (last === undefined) return outcomes
  await insert(tx, entries)
  if (replay !== undefined)
    await noteReplayed(
      tx,
      consumer,
      replay,
      fresh.map(({ eventId }) => eventId),
    )
  await moveHead(tx, last)
  return outcomes
}

/**
 * Takes over entries of another trail that goes on where this one ends, as they are: number, time and hash.
 * @throws Error when one does not follow the entry before it, or is not what its hash says
 */
export const adoptEntries = async (tx: Transaction, entries: readonly ChainedEntry[]): Promise<void> => {
  const last = entries.at(-1)
  if (last === undefined) return
  const head = await lockHead(tx, taskStream)
  const verifier = createVerifier({ before: head, from: head.seq + 1 })
  for (const entry of entries) verifier.next(entry)
  const verdict = verifier.finish(last)
  if (!verdict.ok)
    throw new Error(`the entries ${head.seq + 1} to ${last.seq} do not form a chain: ${JSON.stringify(verdict)}`)
  await insert(tx, entries)
  await moveHead(tx, last)
}

const lockHead = async (tx: Transaction, stream: string): Promise<ChainHead> => {
  const { rows } = await tx.query<ChainHead>(
    `SELECT seq, encode(hash, 'hex') AS hash FROM audit_head WHERE stream = $1 FOR UPDATE`,
    [stream],
  )
  if (rows[0] === undefined) throw new Error(`audit stream "${stream}" has no head row; run the migrations`)
  return rows[0]
}

const moveHead = (tx: Transaction, { stream, seq, hash }: ChainedEntry): Promise<unknown> =>
  tx.query(`UPDATE audit_head SET seq = $2, hash = decode($3, 'hex') WHERE stream = $1`, [stream, seq, hash])

/** Which entries to list. Times are on `occurredAt`; `start` included, `end` not. */
export interface EntryFilter {
  readonly taskId?: string | undefined
  readonly userId?: string | undefined
  readonly action?: string | undefined
  readonly start?: Date | undefined
  readonly end?: Date | undefined
}

const condition = `stream = $1 AND ($2::text IS NULL OR task_id = $2) AND ($3::text IS NULL OR user_id = $3)
  AND ($4::text IS NULL OR action = $4) AND ($5::timestamptz IS NULL OR occurred_at >= $5)
  AND ($6::timestamptz IS NULL OR occurred_at < $6)`

const parameters = (filter: EntryFilter): unknown[] => [
  taskStream,
  filter.taskId ?? null,
  filter.userId ?? null,
  filter.action ?? null,
  filter.start ?? null,
  filter.end ?? null,
]

/** Entries in the order of their numbers, after `afterSeq`. */
export const listEntries = async (
  db: Queryable,
  filter: EntryFilter,
  page: { readonly afterSeq: number; readonly limit: number; readonly skip?: number },
): Promise<ChainedEntry[]> => {
  const { rows } = await db.query<Row>(
    `SELECT ${columns} FROM audit_entries WHERE ${condition} AND seq > $7 ORDER BY seq LIMIT $8 OFFSET $9`,
    [...parameters(filter), page.afterSeq, page.limit, page.skip ?? 0],
  )
  return rows.map(entryOf)
}

/** How many entries match. */
export const countEntries = async (db: Queryable, filter: EntryFilter): Promise<number> => {
  const { rows } = await db.query<{ total: number }>(
    `SELECT count(*) AS total FROM audit_entries WHERE ${condition}`,
    parameters(filter),
  )
  return rows[0]?.total ?? 0
}

/** One entry by its number or its event's id. */
export const findEntry = async (db: Queryable, id: number | string): Promise<ChainedEntry | undefined> => {
  const where = typeof id === 'number' ? 'seq = $2' : 'event_id = $2'
  const { rows } = await db.query<Row>(`SELECT ${columns} FROM audit_entries WHERE stream = $1 AND ${where}`, [
    taskStream,
    id,
  ])
  return rows[0] === undefined ? undefined : entryOf(rows[0])
}

/** The head row; {@link genesis} when it is missing, which a verification then reports as a break. */
export const readHead = async (db: Queryable): Promise<ChainHead> => {
  const { rows } = await db.query<ChainHead>(
    `SELECT seq, encode(hash, 'hex') AS hash FROM audit_head WHERE stream = $1`,
    [taskStream],
  )
  return rows[0] ?? genesis
}

/**
 * Events with more than one entry. While the unique constraint stands there can be none and nothing is read; once somebody
 * has dropped it, the whole range is grouped.
 */
export const duplicateEvents = async (
  db: Queryable,
  range: { readonly from: number; readonly to: number },
  limit: number,
): Promise<{ seq: number; eventId: string }[]> => {
  const { rowCount: constraints } = await db.query(
    `SELECT 1 FROM pg_constraint WHERE conrelid = 'audit_entries'::regclass
      AND pg_get_constraintdef(oid) = 'UNIQUE (stream, event_id)'`,
  )
  if (constraints > 0) return []
  const { rows } = await db.query<{ seq: number; eventId: string }>(
    `SELECT max(seq) AS seq, event_id AS "eventId" FROM audit_entries
      WHERE stream = $1 AND seq BETWEEN $2 AND $3 GROUP BY event_id HAVING count(*) > 1 ORDER BY 1 LIMIT $4`,
    [taskStream, range.from, range.to, limit],
  )
  return rows
}

/**
 * Reads a range in the order of numbers, `batchSize` rows at a time, through a cursor: unlike paging by number it also
 * meets a number that is there twice. `tx` should be repeatable read, so that the head belongs to the same moment.
 */
export async function* streamEntries(
  tx: Transaction,
  range: { readonly from: number; readonly to: number; readonly batchSize: number },
): AsyncGenerator<ChainedEntry> {
  await tx.query(
    `DECLARE audit_range NO SCROLL CURSOR FOR
     SELECT ${columns} FROM audit_entries WHERE stream = '${taskStream}' AND seq BETWEEN ${range.from} AND ${range.to}
     ORDER BY seq, event_id`,
  )
  for (;;) {
    const { rows } = await tx.query<Row>(`FETCH ${range.batchSize} FROM audit_range`)
    yield* rows.map(entryOf)
    if (rows.length < range.batchSize) break
  }
  await tx.query('CLOSE audit_range')
}
