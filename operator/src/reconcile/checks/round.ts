/** One round: all families side by side, each within a deadline of its own. */
import { ZodError } from 'zod'
import { describeProblems, problemsOf } from '../../api/v1alpha1/problems.ts'
import type { Leftover, VerifiedTrail } from '../../api/v1alpha1/schema/status.ts'
import { KubeError } from '../../kube/kube-error.ts'
import { checkNames } from './catalogue.ts'
import { found, type CheckFamily, type CheckSubject, type Findings, type Outcome } from './check.ts'

/** What a round found. `outcomes` has every check of the families, in the order of the catalogue. */
export interface Round {
  readonly outcomes: readonly Outcome[]
  /** Undefined: the trail could not be looked at. */
  readonly trail: VerifiedTrail | undefined
  readonly leftovers: readonly Leftover[]
}

/**
 * Runs a round. Rejects only when `signal` aborts. What could not be asked because the API server was away is as it was before: the next round
 * will know better, and every system would write that nothing is known, and then that all is well.
 * @param deadline ms for one family
 */
export async function runRound(
  families: readonly CheckFamily[],
  subject: CheckSubject,
  deadline: number,
  signal: AbortSignal,
  before: readonly Outcome[] = [],
): Promise<Round> {
  const all = await Promise.all(
    families.map(async ({ names, check }): Promise<Findings> => {
      try {
        return await check(subject, AbortSignal.any([signal, AbortSignal.timeout(deadline)]))
      } catch (error) {
        signal.throwIfAborted()
        const why = reasonOf(error)
        const kept = error instanceof KubeError && error.status === 0 ? before : []
        return {
          outcomes: names.map((name) => kept.find((one) => one.name === name) ?? found(name, 'Unknown', why)),
        }
      }
    }),
  )
  const outcomes = new Map(all.flatMap((findings) => findings.outcomes).map((outcome) => [outcome.name, outcome]))
  return {
    outcomes: checkNames.flatMap((name) => outcomes.get(name) ?? []),
    trail: all.find(({ trail }) => trail !== undefined)?.trail,
    leftovers: all.flatMap(({ leftovers }) => leftovers ?? []),
  }
}

/** An error in words for a status: what Zod says is JSON, and a wrapped error is told by its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ZodError || error instanceof SyntaxError) {
    const what = error instanceof ZodError ? describeProblems(problemsOf(error, 'answer'), 3) : error.message
    return `the answer is not understood (is the worker of another version?): ${what}`
  }
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.cause instanceof Error ? error.cause.message : error.message
}
