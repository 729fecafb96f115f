/** What the status keeps of rollouts, so that they go on after a restart of the operator. Pure. */
import { workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { BlockedRevision, HealthyTemplate, ServiceStatus } from '../../api/v1alpha1/schema/status.ts'
import type { Finding } from '../errors.ts'

/** What a Deployment says of the template it holds. */
export interface LiveTemplate {
  readonly hash: string
  readonly revision: string | undefined
  /** ConfigMap of its configuration. */
  readonly config: string | undefined
}

type Stored = Pick<ServiceStatus, 'lastHealthy' | 'healthyBefore' | 'rollout'>

/** One worker, and the policy. Times in ms. */
export interface ProgressInput {
  readonly live: LiveTemplate | undefined
  /** 0 pods prove nothing. */
  readonly wanted: number
  readonly mixed: boolean
  readonly unhealthy: Finding | undefined
  /** The clock stands still: not yet ordered, paused, or something outside holds the workers back. */
  readonly suspended: boolean
  readonly refused: readonly string[]
  readonly previous: Stored | undefined
  readonly deadline: number
  readonly now: number
}

/** What the status says of it. */
export interface Progress {
  readonly lastHealthy?: HealthyTemplate
  readonly healthyBefore?: HealthyTemplate
  readonly rollout?: NonNullable<ServiceStatus['rollout']>
}

/** Judges one worker. */
export function progressOf(input: ProgressInput): Progress {
  const { live, wanted, unhealthy, suspended, previous, deadline, now } = input
  const known = previous ?? {}
  const healthy = healthyTemplates(known, input)
  if (live === undefined || wanted === 0 || unhealthy === undefined || suspended) return healthy
  if (live.hash === healthy.lastHealthy?.template) return healthy
  const same = known.rollout?.template === live.hash ? known.rollout : undefined
  const startedAt = same?.startedAt ?? timestamp(now)
  return {
    ...healthy,
    rollout: { template: live.hash, startedAt, deadline: timestamp(Date.parse(startedAt) + deadline) },
  }
}

/** Whether a rollout has run out of time. */
export const isOverdue = ({ rollout }: Progress, now: number): boolean =>
  rollout !== undefined && now >= Date.parse(rollout.deadline)

function healthyTemplates(
  { lastHealthy, healthyBefore }: Stored,
  { live, wanted, mixed, unhealthy, refused, now }: ProgressInput,
): Progress {
  const kept = {
    ...(lastHealthy === undefined ? {} : { lastHealthy }),
    ...(healthyBefore === undefined ? {} : { healthyBefore }),
  }
  if (live === undefined || wanted === 0 || mixed || unhealthy !== undefined) return kept
  const found: HealthyTemplate = {
    template: live.hash,
    ...(live.revision === undefined ? {} : { revision: live.revision }),
    ...(live.config === undefined ? {} : { config: live.config }),
  }
  if (lastHealthy?.template === live.hash)
    return { ...kept, lastHealthy: { ...found, ...(lastHealthy.at === undefined ? {} : { at: lastHealthy.at }) } }
  const before = lastHealthy === undefined || refused.includes(lastHealthy.template) ? healthyBefore : lastHealthy
  return {
    lastHealthy: { ...found, at: timestamp(now) },
    ...(before === undefined || before.template === live.hash ? {} : { healthyBefore: before }),
  }
}

/** What refusing needs to know of one worker. */
export interface RefusalInput {
  readonly desired: string
  readonly live: string | undefined
  readonly progress: Progress
  readonly unhealthy: Finding | undefined
}

/**
 * `status.blockedRevisions`: refusals hold as long as the spec leads to the refused template; a rollout of the desired template that ran out of
 * time adds one where there is something to return to.
 * @param automatic spec.update.rollback
 * @param asked workers whose template somebody else (remediation) wants refused, with the reason
 */
export function blockedRevisions(
  workers: Readonly<Record<WorkerField, RefusalInput>>,
  previous: readonly BlockedRevision[],
  {
    automatic,
    asked = {},
    now,
  }: { automatic: boolean; asked?: Readonly<Partial<Record<WorkerField, string>>>; now: number },
): readonly BlockedRevision[] {
  return workerFields.flatMap((field): readonly BlockedRevision[] => {
    const { desired, progress } = workers[field]
    const worker = workerNames[field]
    const standing = previous.find((entry) => entry.worker === worker && entry.template === desired)
    if (standing !== undefined) return [standing]
    const reason = asked[field] ?? (automatic ? timeoutReason(workers[field], now) : undefined)
    const past = [progress.lastHealthy, progress.healthyBefore].some(
      (one) => one !== undefined && one.template !== desired,
    )
    return reason === undefined || !past ? [] : [{ worker, template: desired, reason, at: timestamp(now) }]
  })
}

/** Reasons that say more about the network of the operator than about the pods: nobody is rolled back for them. */
const unknowable: readonly string[] = ['SidecarUnreachable', 'Checking']

function timeoutReason({ desired, live, progress, unhealthy }: RefusalInput, now: number): string | undefined {
  if (live !== desired || unhealthy === undefined || unknowable.includes(unhealthy.reason)) return undefined
  return isOverdue(progress, now)
    ? `did not become healthy in time with its change (${unhealthy.object}: ${unhealthy.detail})`
    : undefined
}

const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
