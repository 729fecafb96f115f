/** One round: all families side by side, each within a deadline of its own. */
import type { Leftover, VerifiedTrail } from '../../api/v1alpha1/schema/status.ts'
import { KubeError } from '../../kube/kube-error.ts'
import { reasonOf } from '../pods/reason.ts'
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
