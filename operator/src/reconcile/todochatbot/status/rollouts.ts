/** What the status says of rollouts: progress of each worker, refused changes, and the finding that follows. Pure. */
import { parseDuration } from '../../../api/v1alpha1/durations.ts'
import { workerNames } from '../../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { BlockedRevision } from '../../../api/v1alpha1/schema/status.ts'
import { differsInRestartOnly } from '../../../desired/template-hash.ts'
import { finding, type Finding } from '../../errors.ts'
import { blockedRevisions, isOverdue, progressOf, type Progress } from '../../rollout/progress.ts'
import { hasBeenReady, type Assessment, type Observed } from '../assess.ts'
import type { Gates } from '../gates.ts'
import { unhealthyFinding, type Rollouts } from '../rollouts.ts'

/** What it is made from. */
export interface RolloutStatusInput {
  readonly observed: Observed
  readonly assessment: Assessment
  readonly gates: Gates
  readonly rollouts: Pick<Rollouts, 'plan' | 'templates'>
  /** Workers whose present template somebody wants refused, with the reason: remediation's way to a rollback. */
  readonly refusals?: Readonly<Partial<Record<WorkerField, string>>>
}

/** What the status says. */
export interface RolloutStatus {
  readonly progress: Readonly<Record<WorkerField, Progress>>
  readonly blocked: readonly BlockedRevision[]
  /** Why not every worker holds what the spec leads to: a refused or failed change. */
  readonly finding: Finding | undefined
  /** The worker that is being rolled out, with its deadline; undefined when none is. */
  readonly rolling: { readonly worker: WorkerField; readonly deadline: string; readonly startedAt: string } | undefined
  /** Nothing but restarts is being rolled out. */
  readonly restartOnly: boolean
}

/** Computes it. */
export function rolloutStatus(input: RolloutStatusInput): RolloutStatus {
  const { observed, assessment, gates, rollouts } = input
  const { seen, live } = observed
  const { bot, now } = seen
  const previous = bot.status?.services ?? []
  const refused = bot.status?.blockedRevisions ?? []
  const deadline = parseDuration(bot.spec.update.progressDeadline)
  /** A broker that was merely not asked yet, as after every restart of the operator, sets no clock back: else a restart would be more time. */
  const isHeld = (field: WorkerField): boolean =>
    !gates.open.has(field === 'chatApi' ? 'ChatApi' : 'Consumers') && gates.held?.by?.reason !== 'Checking'
  const unhealthy = byWorker((field) => unhealthyFinding(observed, assessment, field))
  const judged = (field: WorkerField): Progress => {
    const { live: view, wanted } = live.workers[field]
    const name = workerNames[field]
    return progressOf({
      live: view?.template,
      wanted,
      mixed: view !== undefined && view.replicas > view.updated,
      unhealthy: unhealthy[field],
      suspended:
        !hasBeenReady(seen) ||
        seen.isolation.current.some(({ worker, inForce }) => inForce && worker === field) ||
        isHeld(field),
      refused: refused.filter(({ worker }) => worker === name).map(({ template }) => template),
      previous: previous.find((entry) => entry.name === name),
      deadline,
      now,
    })
  }
  const progress = byWorker(judged)
  const blocked = blockedRevisions(
    byWorker((field) => ({
      desired: rollouts.templates[field],
      live: live.workers[field].live?.template?.hash,
      progress: progress[field],
      unhealthy: unhealthy[field],
    })),
    refused,
    {
      automatic: bot.spec.update.rollback === 'Automatic',
      now,
      ...(input.refusals === undefined ? {} : { asked: input.refusals }),
    },
  )
  const worker = workerFields.find((field) => progress[field].rollout !== undefined)
  const rollout = worker === undefined ? undefined : progress[worker].rollout
  return {
    progress,
    blocked,
    finding:
      refusedFinding(input, blocked) ?? overdueFinding(input, progress, unhealthy) ?? failingFinding(worker, unhealthy),
    rolling: worker === undefined || rollout === undefined ? undefined : { worker, ...rollout },
    restartOnly: isRestartOnly(input, progress),
  }
}

/** Why each worker is not really healthy. */
type Unhealthy = Readonly<Record<WorkerField, Finding | undefined>>

function refusedFinding(
  { rollouts, observed }: RolloutStatusInput,
  blocked: readonly BlockedRevision[],
): Finding | undefined {
  for (const field of workerFields) {
    const choice = rollouts.plan[field]
    if (choice.kind === 'Earlier') return choice.because
    const fresh = blocked.find(({ worker }) => worker === workerNames[field])
    if (fresh !== undefined)
      return finding(
        'RolledBack',
        `Deployment/${observed.live.workers[field].name}`,
        `${fresh.reason}; it is being returned to its last healthy template`,
      )
  }
  return undefined
}

function overdueFinding(
  { observed }: RolloutStatusInput,
  progress: Readonly<Record<WorkerField, Progress>>,
  unhealthy: Unhealthy,
): Finding | undefined {
  const { seen, live } = observed
  const field = workerFields.find((one) => isOverdue(progress[one], seen.now))
  if (field === undefined) return undefined
  const why = unhealthy[field]
  return finding(
    'RolloutFailed',
    `Deployment/${live.workers[field].name}`,
    `did not become healthy within ${seen.bot.spec.update.progressDeadline}${why === undefined ? '' : `: ${why.object}: ${why.detail}`}`,
  )
}

/** What its pods do not show of the worker that is being rolled out: they are ready, and it does not do its work. */
function failingFinding(worker: WorkerField | undefined, unhealthy: Unhealthy): Finding | undefined {
  const why = worker === undefined ? undefined : unhealthy[worker]
  return why?.reason === 'TooManyErrors' || why?.reason === 'LagGrowing' ? why : undefined
}

/** Every template that differs from what the spec leads to, or from what was healthy, differs in the restarts asked for only. */
function isRestartOnly(
  { observed: { live }, rollouts }: RolloutStatusInput,
  progress: Readonly<Record<WorkerField, Progress>>,
): boolean {
  const pairs = workerFields.flatMap((field): readonly (readonly [string, string])[] => {
    const { hash } = live.workers[field].live?.template ?? {}
    if (hash === undefined) return []
    const { lastHealthy, rollout } = progress[field]
    return [
      ...(hash === rollouts.templates[field] ? [] : [[hash, rollouts.templates[field]] as const]),
      ...(rollout === undefined || lastHealthy === undefined ? [] : [[hash, lastHealthy.template] as const]),
    ]
  })
  return pairs.length > 0 && pairs.every(([a, b]) => differsInRestartOnly(a, b))
}

const byWorker = <T>(value: (field: WorkerField) => T): Readonly<Record<WorkerField, T>> =>
  Object.fromEntries(workerFields.map((field) => [field, value(field)])) as Record<WorkerField, T>
