import { hashEntry } from './chain.ts'
import type { ChainedEntry, ChainHead } from './chain.ts'

/** Missing numbers, both ends included. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/** A number, or an event, that is there more than once. */
export interface Duplicate {
  readonly seq: number
  readonly eventId: string
}

/**
 * Where the chain does not hold. `content`: the entry is not what its hash says. `link`: it does not follow the entry before
 * it. `head`: the head row does not name the last entry.
 */
export interface HashBreak {
  readonly seq: number
  readonly kind: 'content' | 'link' | 'head'
  readonly expected: string
  readonly found: string
}

/** The verdict over a range. The lists hold the first {@link findingsLimit} each; `ok` is false when any is not empty. */
export interface Verdict {
  readonly ok: boolean
  readonly count: number
  readonly firstSeq: number | null
  readonly lastSeq: number | null
  readonly gaps: readonly Gap[]
  readonly duplicates: readonly Duplicate[]
  readonly hashBreaks: readonly HashBreak[]
  /** Hash of the last entry of the range: note it elsewhere to prove later that nothing up to it was rewritten. */
  readonly headHash: string | null
}

/** Findings of one kind that are reported; the first is the one that matters, a thousandth tells nothing new. */
export const findingsLimit = 100

/** Takes entries in the order of their numbers, one at a time, and keeps no more than the last. */
export interface Verifier {
  readonly next: (entry: ChainedEntry) => void
  readonly duplicate: (duplicate: Duplicate) => void
  /** Ends the range, which ought to end at `expected.seq` and, when the head row says so, with `expected.hash`. */
  readonly finish: (expected: { readonly seq: number; readonly hash?: string }) => Verdict
}

/** `before` is the last entry in front of the range: {@link genesis} for a whole stream, undefined when it is not known. */
export const createVerifier = (start: { readonly before: ChainHead | undefined; readonly from: number }): Verifier => {
  const gaps: Gap[] = []
  const duplicates: Duplicate[] = []
  const hashBreaks: HashBreak[] = []
  let last = start.before
  let expectedSeq = start.from
  let count = 0
  let firstSeq: number | null = null
  let lastSeq: number | null = null
  const note = <Finding>(list: Finding[], finding: Finding): void => {
    if (list.length < findingsLimit) list.push(finding)
  }

  return {
    next: (entry) => {
      count += 1
      firstSeq ??= entry.seq
      if (entry.seq < expectedSeq) note(duplicates, { seq: entry.seq, eventId: entry.eventId })
      if (entry.seq > expectedSeq) note(gaps, { from: expectedSeq, to: entry.seq - 1 })
      const content = hashEntry(entry.prevHash, entry)
      if (content !== entry.hash) {
        note(hashBreaks, { seq: entry.seq, kind: 'content', expected: content, found: entry.hash })
      }
      // After a gap the missing entry's hash is unknown; the gap has been reported instead.
      if (last?.seq === entry.seq - 1 && last.hash !== entry.prevHash) {
        note(hashBreaks, { seq: entry.seq, kind: 'link', expected: last.hash, found: entry.prevHash })
      }
      last = { seq: entry.seq, hash: entry.hash }
      lastSeq = entry.seq
      expectedSeq = entry.seq + 1
    },
    duplicate: (duplicate) => note(duplicates, duplicate),
    finish: (expected) => {
      if (expected.seq >= expectedSeq) note(gaps, { from: expectedSeq, to: expected.seq })
      else if (
        expected.hash !== undefined &&
        last !== undefined &&
        (last.seq !== expected.seq || last.hash !== expected.hash)
      ) {
        note(hashBreaks, { seq: last.seq, kind: 'head', expected: last.hash, found: expected.hash })
      }
      const ok = gaps.length === 0 && duplicates.length === 0 && hashBreaks.length === 0
      return { ok, count, firstSeq, lastSeq, gaps, duplicates, hashBreaks, headHash: last?.hash ?? null }
    },
  }
}
