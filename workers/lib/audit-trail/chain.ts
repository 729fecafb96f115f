/**
 * The hash chain that makes the audit trail tamper-evident.
 *
 *     hash(n) = SHA-256( hash(n-1) ‖ UTF-8( JCS( entry n ) ) )        hash(0) = 32 zero bytes
 *
 * JCS is RFC 8785: one byte sequence per JSON value, whatever order its keys were stored in, so that an entry read back from
 * jsonb hashes as it did when it was written. The entry includes its stream and number; it does not include its own hash.
 *
 * What is found: a changed, removed, inserted, repeated or swapped entry, a cut-off tail (the head row remembers number and
 * hash), and an entry whose own hash was recomputed (its successor's link, or the head, then disagrees).
 * What is not: whoever may rewrite the head and every entry after the change can forge the whole tail. The database's
 * triggers stand in the way, and a `headHash` noted outside the database proves it.
 *
 * Proof: chain.test.ts (any single mutation, removal or swap is found), workers/test/audit.integration.test.ts.
 */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AuditRecord } from './entry.ts'

/** A record with its place in the stream. */
export interface AuditEntry extends AuditRecord {
  readonly stream: string
  readonly seq: number
  /** When it was appended: RFC 3339, UTC, milliseconds. */
  readonly recordedAt: string
}

/** An entry and its link. Hashes are 64 hex digits. */
export interface ChainedEntry extends AuditEntry {
  readonly prevHash: string
  readonly hash: string
}

/** Number and hash of the last entry. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

/** Before the first entry. */
export const genesis: ChainHead = { seq: 0, hash: '0'.repeat(64) }

/** The hash of an entry that follows `prevHash`. Only the entry's own fields count; what else hangs on the object does not. */
export const hashEntry = (prevHash: string, entry: AuditEntry): string => {
  const canonical = canonicalize({
    stream: entry.stream,
    seq: entry.seq,
    eventId: entry.eventId,
    type: entry.type,
    action: entry.action,
    source: entry.source,
    taskId: entry.taskId,
    userId: entry.userId,
    actor: entry.actor,
    before: entry.before,
    after: entry.after,
    changes: entry.changes,
    correlationId: entry.correlationId,
    causationId: entry.causationId,
    occurredAt: entry.occurredAt,
    recordedAt: entry.recordedAt,
    topic: entry.topic,
    partition: entry.partition,
    offset: entry.offset,
  })
  if (canonical === undefined) throw new TypeError(`entry ${entry.seq} is not JSON`)
  return createHash('sha256').update(Buffer.from(prevHash, 'hex')).update(canonical, 'utf8').digest('hex')
}

/** Gives each record its number and link, in order. */
export const chain = (
  head: ChainHead,
  records: readonly AuditRecord[],
  place: { readonly stream: string; readonly recordedAt: string },
): ChainedEntry[] => {
  let { seq, hash: prevHash } = head
  return records.map((record) => {
    seq += 1
    const entry: AuditEntry = { ...record, ...place, seq }
    const hash = hashEntry(prevHash, entry)
    const chained = { ...entry, prevHash, hash }
    prevHash = hash
    return chained
  })
}
