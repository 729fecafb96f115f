/** The events after the cut as the audit trail of the database in use has them, up to one of its entries. */
import type { ChainedEntry } from '../../../lib/audit-trail/chain.ts'
import { findEntry, readHead, streamEntries } from '../../../lib/audit-trail/store.ts'
import type { Manifest } from '../../../lib/backup/manifest.ts'
import type { Database } from '../../../lib/postgres.ts'
import { hasTables } from '../databases.ts'
import { RestoreError } from '../errors.ts'

/** Entries read at a time. */
const batchSize = 500

/** Number and hash of the last entry in the backup. */
export const headAtCut = ({ cut }: Manifest): { readonly seq: number; readonly hash: string } =>
  cut.audit.find(({ stream }) => stream === 'tasks') ?? { seq: 0, hash: '' }

/**
 * Whether the trail in use goes on from the cut and up to the entry; returns when that entry was written.
 * @throws RestoreError UntilOutOfReach
 */
export const checkTrail = async (live: Database, manifest: Manifest, auditSequence: number): Promise<Date> => {
  const refuse = (why: string): RestoreError => new RestoreError('UntilOutOfReach', why)
  const cut = headAtCut(manifest)
  if (auditSequence < cut.seq)
    throw refuse(
      `spec.until.auditSequence is ${auditSequence}, and the backup has the entries up to ${cut.seq} already`,
    )
  if (!(await hasTables(live, 'audit_entries', 'audit_head'))) throw refuse('the database in use has no audit trail')
  if (cut.seq > 0 && (await findEntry(live, cut.seq))?.hash !== cut.hash)
    throw refuse(`entry ${cut.seq} of the audit trail in use is not the one that is the last of the backup`)
  const [head, entry] = [await readHead(live), await findEntry(live, auditSequence)]
  if (entry === undefined)
    throw refuse(`spec.until.auditSequence is ${auditSequence}, and the audit trail in use ends at ${head.seq}`)
  return new Date(entry.recordedAt)
}

/** Hands over the entries (cut, auditSequence], in order, some hundreds at a time. */
export const readTrail = (
  live: Database,
  { from, to }: { readonly from: number; readonly to: number },
  take: (entries: readonly ChainedEntry[]) => Promise<void>,
): Promise<void> =>
  live.transaction(
    async (tx) => {
      let batch: ChainedEntry[] = []
      for await (const entry of streamEntries(tx, { from, to, batchSize })) {
        batch.push(entry)
        if (batch.length < batchSize) continue
        await take(batch)
        batch = []
      }
      await take(batch)
    },
    { isolation: 'repeatable read', attempts: 1 },
  )
