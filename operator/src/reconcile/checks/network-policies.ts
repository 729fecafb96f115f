/** network-policies: those that should exist do. */
import type { DesiredObject } from '../../desired/types.ts'
import { found, judged, passed, type CheckFamily, type Outcome } from './check.ts'
import { count, some } from './figures.ts'

/** Judges by the desired objects. @param exists whether a policy of this name exists */
export function judgePolicies(desired: readonly DesiredObject[], exists: (name: string) => boolean): Outcome {
  const name = 'network-policies'
  const wanted = desired
    .filter(({ object }) => object.kind === 'NetworkPolicy')
    .map(({ object }) => object.metadata.name)
  const missing = wanted.filter((policy) => !exists(policy))
  if (missing.length === 0) return passed(name, count(wanted.length, 'policy').replace('policys', 'policies'))
  return found(name, 'Failed', some(missing.map((policy) => `NetworkPolicy/${policy} does not exist`)))
}

/** The family. */
export const networkPolicyChecks = (exists: (ref: { namespace: string; name: string }) => boolean): CheckFamily =>
  judged(['network-policies'], ({ observed, desired }) => [
    judgePolicies(desired, (name) => exists({ namespace: observed.seen.bot.metadata.namespace, name })),
  ])
