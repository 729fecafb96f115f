/** What a check is made of. */
import type { DesiredObject } from '../../desired/types.ts'
import type { CheckStatus, Leftover, VerifiedTrail } from '../../api/v1alpha1/schema/status.ts'
import type { Observed } from '../todochatbot/assess.ts'
import type { CheckName } from './catalogue.ts'

/** What came of one check. Figures are rounded where they are made (figures.ts): an unchanged system must say the same again. */
export interface Outcome {
  readonly name: CheckName
  readonly result: CheckStatus['result']
  /** Such as "4 of 4 pods". */
  readonly figure?: string
  /** What was found, with the object; empty when there is nothing to say. */
  readonly message?: string
}

/** What a round of checks looks at: the last observation of a reconcile. Held for the length of the round only. */
export interface CheckSubject {
  /** `namespace/name` */
  readonly key: string
  readonly observed: Observed
  readonly desired: readonly DesiredObject[]
}

/** What a family found. */
export interface Findings {
  readonly outcomes: readonly Outcome[]
  /** Of audit-chain: the entry up to which the trail is verified. */
  readonly trail?: VerifiedTrail | undefined
  /** Of the clean-up: what is not needed any more. */
  readonly leftovers?: readonly Leftover[]
}

/** Checks that share their questions. A family that rejects leaves all of its checks Unknown, with the reason. */
export interface CheckFamily {
  readonly names: readonly CheckName[]
  readonly check: (subject: CheckSubject, signal: AbortSignal) => Promise<Findings>
  /** The system is gone: drop what was remembered of it. */
  readonly forget?: (key: string) => void
}

/** Nothing was found. */
export const passed = (name: CheckName, figure?: string): Outcome => ({
  name,
  result: 'Passed',
  ...(figure === undefined ? {} : { figure }),
})

/** Something was found. */
export const found = (
  name: CheckName,
  result: 'Warning' | 'Failed' | 'Unknown',
  message: string,
  figure?: string,
): Outcome => ({ name, result, message, ...(figure === undefined ? {} : { figure }) })

/** A family without questions of its own. */
export const judged = (
  names: readonly CheckName[],
  judge: (subject: CheckSubject) => readonly Outcome[],
): CheckFamily => ({
  names,
  check: (subject) => Promise.resolve({ outcomes: judge(subject) }),
})
