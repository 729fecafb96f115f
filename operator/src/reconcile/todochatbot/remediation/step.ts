/**
 * Remediation as a state machine: (what is seen, what status holds, now) → what status holds next. Carrying out is not its business: act.ts
 * does what the entry in state Acting says, as often as it is told, and the machine learns that it is done.
 *
 *   Evidence ──taken, or its deadline──▶ Acting ──done──▶ Observing ──healthy for healthyDelay──▶ Succeeded
 *      └─needless─▶ Cancelled              └─deadline─▶ Failed ◀─unhealthy again, or deadline─┘
 *
 * Invariants (step.property.test.ts): at most one entry is under way; no more begin per hour than the budget; the steps on one worker only go
 * up within an episode; none begins while a cause outside holds, fewer workers are healthy than minHealthy, or a storm lasts; every entry under
 * way has a deadline. Nothing is remembered but status.remediation, status.storm and status.services[].unhealthy, so the operator may be
 * stopped after any write.
 */
import type { RemediationAction } from '../../../api/v1alpha1/schema/procedures.ts'
import type { RemediationStatus, Storm } from '../../../api/v1alpha1/schema/status.ts'
import { timestamp } from '../status/operation.ts'
import { actingDeadline, advance, dueTimes, evidenceDeadline } from './advance.ts'
import { standingAfter } from './consumption.ts'
import { hourOf, isUnderWay, lastOfEpisode, pauseEnds, timeOf } from './episode.ts'
import { stormAfter, tooFewHealthy, type Census } from './guards.ts'
import { nextAction, remedies } from './ladder.ts'
import type { Signal } from './signals.ts'
import type { Step, StepInput, Unhealthy, WorkerState } from './types.ts'

/** Entries that are kept; as many as the largest budget, so that none of the last hour is forgotten. */
export const ledgerLength = 20

/** The next step. */
export function step(input: StepInput): Step {
  const { policy, workers, outside, now } = input
  const census = count(input)
  const { minHealthy, stormCooldown: cooldown } = policy
  const explained = outside !== undefined || input.asked !== undefined || input.frozen !== undefined
  const storm = stormAfter({ before: input.storm, census, minHealthy, cooldown, explained, now })
  const wakes: number[] = workers.flatMap(({ lookAt }) => lookAt ?? [])
  if (storm?.until !== undefined) wakes.push(timeOf(storm.until))

  const advanced = input.ledger.map((entry) => (isUnderWay(entry) ? advance(entry, input) : entry))
  const running = advanced.find(isUnderWay)
  if (running !== undefined) wakes.push(...dueTimes(running, input))

  const judged = workers
    .filter(({ signals }) => signals.length > 0)
    .map((worker) => ({ worker, verdict: judge(worker, { input, ledger: advanced, census, storm, running }) }))
    .sort((a, b) => a.verdict.since - b.verdict.since)
  for (const { verdict } of judged) if (verdict.wakeAt !== undefined) wakes.push(verdict.wakeAt)
  // One that ended just now is written first: each write tells one thing.
  const mayBegin = running === undefined && !input.ledger.some(isUnderWay)
  const chosen = mayBegin ? judged.find(({ verdict }) => verdict.begin !== undefined) : undefined
  const begun = chosen === undefined ? undefined : entryOf(chosen.worker, chosen.verdict, input)

  return {
    ledger: begun === undefined ? advanced : [begun, ...advanced].slice(0, ledgerLength),
    unhealthy: new Map(
      judged
        .filter(({ worker, verdict }) => !isPassing(worker, verdict, input))
        .map(({ worker, verdict }) => [
          worker.name,
          worker === chosen?.worker ? told(worker, verdict, 'UnderWay') : told(worker, verdict),
        ]),
    ),
    storm,
    wakeAt: earliest(wakes, now),
  }
}

/** A pod that merely starts, or waits in a rollout, is no news: whether it lasts shows by itself. */
function isPassing(worker: WorkerState, { since }: Verdict, { policy, now }: StepInput): boolean {
  const young = now - since < standingAfter(policy.unhealthyAfter)
  return firstOf(worker).kind === 'NotReady' && (young || worker.exempt !== undefined)
}

/** What is to be said and done about one unhealthy worker. */
interface Verdict {
  readonly since: number
  readonly state: Unhealthy['remediation']
  readonly because?: string
  readonly begin?: RemediationAction
  readonly stepNumber: number
  readonly wakeAt?: number
}

interface Situation {
  readonly input: StepInput
  readonly ledger: readonly RemediationStatus[]
  readonly census: Census
  readonly storm: Storm | undefined
  readonly running: RemediationStatus | undefined
}

function judge(worker: WorkerState, situation: Situation): Verdict {
  const { input, ledger, census, storm, running } = situation
  const { policy, now } = input
  const signal = firstOf(worker)
  const since = sinceOf(worker, now)
  const last = lastOfEpisode(ledger, { worker: worker.name, generation: input.generation, since })
  const verdict = (state: Verdict['state'], rest: Partial<Verdict> = {}): Verdict => ({
    since,
    state,
    stepNumber: (last?.step ?? 0) + 1,
    ...rest,
  })
  const held = (because: string, wakeAt?: number): Verdict =>
    verdict('Held', { because, ...(wakeAt === undefined ? {} : { wakeAt }) })

  if (running?.worker === worker.name) return verdict('UnderWay')
  if (input.frozen !== undefined) return held(input.frozen)
  if (input.outside !== undefined) return held(`the cause lies outside: ${input.outside}`)
  if (input.asked !== undefined) return held(`waits for an answer: ${input.asked}`)
  if (worker.obstacle !== undefined) return held(`no action helps: ${worker.obstacle.object} ${worker.obstacle.detail}`)
  if (worker.exempt !== undefined) return held(worker.exempt)
  const ripe = ripeAt(worker, input)
  if (now < ripe) return verdict('Pending', { wakeAt: ripe })
  const action = nextAction({
    signal: signal.kind,
    onEveryPod: signal.pods.length >= worker.podCount,
    ladder: policy.ladder,
    last,
    possible: worker.possible,
  })
  if (action === undefined) {
    // What was done against another signal says nothing about one that no step heals.
    const never = !policy.ladder.some((step) => remedies[signal.kind].includes(step))
    return verdict(last === undefined || never ? 'Impossible' : 'Exhausted')
  }
  if (storm !== undefined) return held('too many workers failed at once; remediation waits until the storm is over')
  if (tooFewHealthy(census, policy.minHealthy))
    return held(`fewer workers are healthy than minHealthy (${policy.minHealthy}): the cause lies outside`)
  if (!signal.acute) return verdict('Pending')

  const due = last === undefined ? 0 : pauseEnds(last, policy.unhealthyAfter)
  if (now < due) return verdict('Pending', { because: `${action} is next, after a pause`, wakeAt: due })
  if (!policy.enabled) return verdict('Disabled', { because: `would ${action}; spec.remediation.enabled is false` })
  if (running !== undefined) return held(`waits for the remediation of ${running.worker}`)
  const hour = hourOf(ledger, now)
  if (hour.actions >= policy.actionsPerHour)
    return held(
      `the budget of ${policy.actionsPerHour} actions per hour is spent`,
      hour.actions === 0 ? undefined : hour.freeAt,
    )
  return verdict('Held', { because: 'waits for its turn', begin: action })
}

function entryOf(
  worker: WorkerState,
  { begin = 'Recreate', stepNumber }: Verdict,
  input: StepInput,
): RemediationStatus {
  const { now, generation, evidence } = input
  const signal = firstOf(worker)
  return {
    id: `${worker.name}-${Math.floor(now / 1000).toString(36)}`,
    worker: worker.name,
    signal: signal.kind,
    action: begin,
    step: stepNumber,
    generation,
    ...(begin === 'Recreate' ? { objects: toRecreate(worker, signal) } : {}),
    ...(evidence === undefined
      ? { state: 'Acting', deadline: timestamp(now + actingDeadline) }
      : { state: 'Evidence', deadline: timestamp(now + evidenceDeadline) }),
    startedAt: timestamp(now),
    message: `${signal.object} ${signal.detail}`.slice(0, 1024),
  }
}

/** Every pod that fails; of pods that are ready all the same, one at a time. */
function toRecreate({ readyPods }: WorkerState, { pods }: Signal): string[] {
  const down = pods.filter((name) => !readyPods.includes(name))
  return (down.length > 0 ? down : pods.slice(0, 1)).slice(0, 20).map((name) => `Pod/${name}`)
}

function count(input: StepInput): Census {
  const { workers, now } = input
  const unhealthy = workers.filter(({ signals }) => signals.some(({ kind }) => kind !== 'DeadLettersGrowing'))
  const failed = unhealthy.filter((worker) => firstOf(worker).acute && now >= ripeAt(worker, input))
  return { total: workers.length, healthy: workers.length - unhealthy.length, failed: failed.length }
}

function told(worker: WorkerState, verdict: Verdict, state = verdict.state): Unhealthy {
  const { kind, object, detail } = firstOf(worker)
  return {
    signal: kind,
    since: timestamp(verdict.since),
    object,
    message: detail.slice(0, 1024),
    remediation: state,
    ...(verdict.because === undefined || state === 'UnderWay' ? {} : { because: verdict.because.slice(0, 1024) }),
  }
}

/**
 * Since when a worker is unhealthy: what status says, because a pod that was replaced tells its own time only. Not so a consumer: its place
 * outlives pods, and one that moved in between stands still since then.
 */
function sinceOf(worker: WorkerState, now: number): number {
  const { kind, since } = firstOf(worker)
  const before = worker.before === undefined || kind === 'ConsumerStuck' ? Infinity : timeOf(worker.before.since)
  return Math.min(now, since, before)
}

/** When a worker has been unhealthy for long enough to be a case. */
const ripeAt = (worker: WorkerState, { policy, outsideUntil, now }: StepInput): number =>
  Math.max(Math.max(sinceOf(worker, now), outsideUntil) + policy.unhealthyAfter, firstOf(worker).notBefore ?? 0)

function firstOf({ signals, name }: WorkerState): Signal {
  const [signal] = signals
  if (signal === undefined) throw new TypeError(`${name} has no signal`)
  return signal
}

const earliest = (times: readonly number[], now: number): number | undefined => {
  const ahead = times.filter((at) => at > now)
  return ahead.length === 0 ? undefined : Math.min(...ahead)
}
