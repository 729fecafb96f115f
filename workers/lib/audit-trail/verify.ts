import type { Database } from '../postgres.ts'
import { genesis } from './chain.ts'
import { duplicateEvents, findEntry, readHead, streamEntries } from './store.ts'
import { createVerifier, findingsLimit } from './verifier.ts'
import type { Verdict } from './verifier.ts'

/** Which numbers to check; an absent bound is the end of the stream. */
export interface VerifyRange {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/**
 * Recomputes the chain over a range in one snapshot of the database, holding one batch of entries in memory. Rejects when
 * `signal` is aborted. Entries that are appended meanwhile are not part of the verdict.
 */
export const verifyTrail = (
  database: Database,
  range: VerifyRange,
  options: { readonly batchSize: number; readonly signal: AbortSignal },
): Promise<Verdict> =>
  database.transaction(
    async (tx) => {
      const head = await readHead(tx)
      const from = range.from ?? 1
      const to = range.to ?? Number.MAX_SAFE_INTEGER
      const previous = from === 1 ? genesis : await findEntry(tx, from - 1)
      const verifier = createVerifier({ before: previous, from })
      for await (const entry of streamEntries(tx, { from, to, batchSize: options.batchSize })) {
        options.signal.throwIfAborted()
        verifier.next(entry)
      }
      for (const duplicate of await duplicateEvents(tx, { from, to }, findingsLimit)) verifier.duplicate(duplicate)
      const toTheEnd = range.to === undefined || range.to >= head.seq
      return verifier.finish(toTheEnd ? head : { seq: to })
    },
    { isolation: 'repeatable read', signal: options.signal },
  )
