/** The entry of status.remediation that is under way, one step further where something happened. Pure; the states are in step.ts. */
import type { RemediationStatus } from '../../../api/v1alpha1/schema/status.ts'
import { timestamp } from '../status/operation.ts'
import { timeOf } from './episode.ts'
import type { Signal } from './signals.ts'
import type { Policy, StepInput } from './types.ts'

/** How long evidence may take before the action goes on without it, in ms; the Incident goes on by itself. */
export const evidenceDeadline = 60_000
/** How long an action may take to be carried out, in ms. */
export const actingDeadline = 120_000

/** The entry that is under way, one step further where something happened. */
export function advance(entry: RemediationStatus, input: StepInput): RemediationStatus {
  const { now, acted, evidence, policy } = input
  const overdue = entry.deadline !== undefined && now >= timeOf(entry.deadline)
  if (entry.state === 'Evidence') {
    const named = evidence?.incident === undefined ? entry : { ...entry, incident: evidence.incident }
    const known: RemediationStatus = isWell(entry, input)
      ? { ...named, healthySince: entry.healthySince ?? timestamp(now) }
      : without(named, 'healthySince')
    const needless = needlessBecause(known, input, overdue)
    if (needless !== undefined) return ended(known, 'Cancelled', `nothing was done: ${needless}`, now)
    if (input.asked !== undefined) return known
    if (!overdue && (evidence?.finished === false || known.healthySince !== undefined)) return known
    const lacking = evidence?.finished === false ? `; without evidence: ${evidence.problem ?? 'not taken in time'}` : ''
    const message = `${known.message ?? ''}${lacking}`.slice(0, 2048)
    return { ...known, state: 'Acting', deadline: timestamp(now + actingDeadline), message }
  }
  if (entry.state === 'Acting') {
    if (acted?.id === entry.id && acted.done) {
      const patience = policy.recovery + policy.healthyDelay
      return { ...entry, state: 'Observing', actedAt: timestamp(now), deadline: timestamp(now + patience) }
    }
    return overdue
      ? ended(entry, 'Failed', `could not be carried out: ${acted?.problem ?? 'no time left'}`, now)
      : entry
  }
  return observed(entry, input, overdue)
}

/** Evidence takes up to a minute: why the action is not to be carried out any more. */
function needlessBecause(entry: RemediationStatus, input: StepInput, overdue: boolean): string | undefined {
  const { frozen, policy, outside, workers, now } = input
  if (frozen !== undefined) return frozen
  if (!policy.enabled) return 'spec.remediation.enabled is false'
  if (outside !== undefined) return `the cause lies outside: ${outside}`
  if (!workers.some(({ name }) => name === entry.worker)) return 'the worker does not run any more, by the spec'
  if (entry.healthySince === undefined) return undefined
  // One look that sees nothing wrong may be a look that saw nothing.
  return overdue || now >= timeOf(entry.healthySince) + policy.healthyDelay
    ? 'the worker is healthy again by itself'
    : undefined
}

const isWell = ({ worker: name }: RemediationStatus, { workers }: StepInput): boolean =>
  workers.some((worker) => worker.name === name && worker.ready && worker.answered && !worker.signals.some(isTreatable))

const isTreatable = ({ kind }: Signal): boolean => kind !== 'DeadLettersGrowing'

function observed(entry: RemediationStatus, input: StepInput, overdue: boolean): RemediationStatus {
  const { now, policy, workers, outside } = input
  const worker = workers.find(({ name }) => name === entry.worker)
  if (worker === undefined) return ended(entry, 'Failed', 'the worker does not run any more, by the spec', now)
  const signal = worker.signals.find(isTreatable)
  if (signal === undefined && worker.ready) {
    const since = entry.healthySince === undefined ? now : timeOf(entry.healthySince)
    if (now >= since + policy.healthyDelay) return ended(entry, 'Succeeded', 'the worker is healthy again', now)
    return { ...entry, healthySince: timestamp(since) }
  }
  const unhealthy = without(entry, 'healthySince')
  const because = outside ?? (signal === undefined ? 'its pods are not ready' : `${signal.object} ${signal.detail}`)
  const again =
    signal?.acute === true &&
    outside === undefined &&
    isNews(entry, signal) &&
    Math.min(now, signal.seenAt ?? now) >= failsAt(entry, signal, policy)
  return again || overdue ? ended(unhealthy, 'Failed', `it did not help: ${because}`, now) : unhealthy
}

/** A pod that was ill before the action and is still there tells nothing about it: its replacement is on the way, or the deadline passes. */
const isNews = ({ startedAt }: RemediationStatus, { since }: Signal): boolean => since >= timeOf(startedAt)

/** An action did not help when the worker was unhealthy after it for as long as makes any worker a case. */
const failsAt = ({ actedAt, startedAt }: RemediationStatus, { since, notBefore = 0 }: Signal, policy: Policy): number =>
  Math.max(Math.max(since, timeOf(actedAt ?? startedAt)) + policy.unhealthyAfter, notBefore)

function ended(
  entry: RemediationStatus,
  state: 'Succeeded' | 'Failed' | 'Cancelled',
  outcome: string,
  now: number,
): RemediationStatus {
  const message = `${entry.message ?? ''}; ${outcome}`.slice(0, 2048)
  return { ...without(entry, 'deadline'), state, finishedAt: timestamp(now), message }
}

/** When the entry that is under way may change by time alone. */
export function dueTimes(entry: RemediationStatus, { policy, workers }: StepInput): number[] {
  const due = entry.deadline === undefined ? [] : [timeOf(entry.deadline)]
  if (entry.healthySince !== undefined) return [...due, timeOf(entry.healthySince) + policy.healthyDelay]
  const signal = workers.find(({ name }) => name === entry.worker)?.signals[0]
  if (entry.state !== 'Observing' || signal === undefined) return due
  return [...due, failsAt(entry, signal, policy)]
}

const without = <K extends 'deadline' | 'healthySince'>(
  entry: RemediationStatus,
  field: K,
): Omit<RemediationStatus, K> =>
  Object.fromEntries(Object.entries(entry).filter(([name]) => name !== field)) as Omit<RemediationStatus, K>
