/**
 * audit-chain: whether the audit trail is what was written.
 *
 * Millions of entries cannot be read every few minutes, so each round looks at three things, within a budget of entries:
 *  1. the anchor: an entry whose number and hash were noted in the status, outside the database, has to be there with that hash. Whoever rewrites
 *     the whole trail, head row included, is found by it;
 *  2. what came after the anchor, up to `budget` entries, with every link and the head row;
 *  3. the next `budget` entries before it, going round: a trail of up to `budget` entries is read whole in every round, a longer one within
 *     length / budget rounds. Where the reading stands is memory only: after a restart it begins anew.
 *
 * A fault that was found stays the result until the reading has passed that place again without it: the reading does not move on from a damaged part.
 * Failure modes: audit is away or busy: Unknown, and the anchor stays. A Restore begins anew by itself. Another database:
 * the anchor is not there, which is Failed until somebody sets the annotation todochatbot.dev/audit-reset.
 * Proof: audit-trail.test.ts, hack/e2e/24-checks.e2e.test.ts.
 */
import { z } from 'zod'
import { annotation } from '../../api/v1alpha1/labels.ts'
import type { VerifiedTrail } from '../../api/v1alpha1/schema/status.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { AuditUnavailable, type AskAudit } from './audit-worker.ts'
import { found, passed, type CheckFamily, type CheckSubject, type Findings, type Outcome } from './check.ts'
import { some } from './figures.ts'

/** GET /audit/verify, as far as it is judged. */
const verdictSchema = z.object({
  ok: z.boolean(),
  lastSeq: z.int().nullable(),
  headHash: z.string().nullable(),
  gaps: z.array(z.object({ from: z.int(), to: z.int() })),
  duplicates: z.array(z.object({ seq: z.int() })),
  hashBreaks: z.array(z.object({ seq: z.int(), kind: z.string() })),
})
/** See {@link verdictSchema}. */
export type Verdict = z.output<typeof verdictSchema>

const entrySchema = z.object({ seq: z.int(), hash: z.string() })

/** What the verification asks. */
export interface TrailReader {
  readonly verify: (range: { readonly from: number; readonly to: number }) => Promise<Verdict>
  /** Undefined: there is no such entry. */
  readonly entry: (seq: number) => Promise<{ readonly hash: string } | undefined>
}

/** The faults of a verdict, each with its place. */
export function faultsOf({ gaps, duplicates, hashBreaks }: Verdict): string[] {
  return [
    ...gaps.map(({ from, to }) => (from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`)),
    ...duplicates.map(({ seq }) => `entry ${seq} repeats an event`),
    ...hashBreaks.map(({ seq, kind }) =>
      kind === 'head' ? `the head does not fit entry ${seq}` : `the ${kind} of entry ${seq} was changed`,
    ),
  ]
}

/** What a look found: the faults, the newest verified entry, and where the reading of the older part goes on. */
export interface Look {
  readonly faults: readonly string[]
  readonly verified: { readonly seq: number; readonly hash: string } | undefined
  readonly cursor: number
}

/** One look; see the header. @param cursor where the reading of the older part goes on @param budget entries per part */
export async function lookAtTrail(
  reader: TrailReader,
  anchor: { readonly seq: number; readonly hash: string } | undefined,
  cursor: number,
  budget: number,
): Promise<Look> {
  if (anchor !== undefined) {
    const entry = await reader.entry(anchor.seq)
    if (entry?.hash !== anchor.hash) {
      const fault =
        entry === undefined
          ? `entry ${anchor.seq}, which was verified before, is gone`
          : `entry ${anchor.seq} has another hash than when it was verified: the trail was rewritten`
      return { faults: [fault], verified: undefined, cursor: 1 }
    }
  }
  const after = anchor === undefined ? 1 : anchor.seq + 1
  const fresh = await reader.verify({ from: after, to: after + budget - 1 })
  const verified =
    fresh.lastSeq === null || fresh.headHash === null ? anchor : { seq: fresh.lastSeq, hash: fresh.headHash }
  const from = cursor >= after ? 1 : cursor
  if (anchor === undefined) return { faults: faultsOf(fresh), verified: fresh.ok ? verified : undefined, cursor: 1 }
  const to = Math.min(anchor.seq, from + budget - 1)
  const older = await reader.verify({ from, to })
  const faults = [...faultsOf(fresh), ...faultsOf(older)]
  return { faults, verified: fresh.ok ? verified : anchor, cursor: older.ok ? (to >= anchor.seq ? 1 : to + 1) : from }
}

/** The outcome of a look. */
export function judgeTrail(faults: readonly string[]): Outcome {
  const name = 'audit-chain'
  return faults.length === 0 ? passed(name) : found(name, 'Failed', some(faults, 5))
}

function readerOf(ask: AskAudit, subject: CheckSubject, signal: AbortSignal): TrailReader {
  return {
    verify: async ({ from, to }) =>
      verdictSchema.parse(await ask(subject, `/audit/verify?from=${from}&to=${to}`, signal)),
    entry: async (seq) => {
      try {
        return entrySchema.parse(await ask(subject, `/audit/entries/${seq}`, signal))
      } catch (error) {
        if (error instanceof AuditUnavailable && error.status === 404) return undefined
        throw error
      }
    },
  }
}

/** The family. Remembers the newest verified entry (the status notes it at most once an hour) and where the reading stands. */
export function auditTrail(ask: AskAudit, budget: number): CheckFamily {
  const known = new Map<string, { readonly trail: VerifiedTrail; readonly cursor: number }>()
  return {
    names: ['audit-chain'],
    check: async (subject, signal): Promise<Findings> => {
      const { bot, now, restored } = subject.observed.seen
      const asked = bot.metadata.annotations?.[annotation.auditReset]
      const reset = restored === undefined ? asked : `${asked ?? ''} ${restored}`.trim()
      const remembered = known.get(subject.key)
      const noted = remembered?.trail ?? bot.status?.auditTrail
      const anchor = noted !== undefined && noted.reset === reset ? noted : undefined
      const { faults, verified, cursor } = await lookAtTrail(
        readerOf(ask, subject, signal),
        anchor,
        remembered?.cursor ?? 1,
        budget,
      )
      const trail =
        verified === undefined
          ? anchor
          : { seq: verified.seq, hash: verified.hash, at: timestamp(now), ...(reset === undefined ? {} : { reset }) }
      if (trail !== undefined) known.set(subject.key, { trail, cursor })
      return { outcomes: [judgeTrail(faults)], trail }
    },
    forget: (key) => known.delete(key),
  }
}
