/** Brings the running step of a Restore about and says what is seen of it. */
import {
  restoreReportSchema,
  type RestoreJobStep,
  type RestoreProgress,
  type RestoreReport,
} from '../../../../workers/jobs/restore/config.ts'
import type { BackupStatus } from '../../api/v1alpha1/backup.ts'
import { backupKind } from '../../api/v1alpha1/backup.ts'
import { withDefaults } from '../../api/v1alpha1/defaults.ts'
import { isolationAt } from '../../api/v1alpha1/isolation.ts'
import { label, manager } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import type { Restore, RestoreStep, StepStatus } from '../../api/v1alpha1/restore.ts'
import type { DestinationSpec } from '../../api/v1alpha1/schema/destination.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import { apiVersion, type TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { ownerReference } from '../../desired/object.ts'
import { restoreObjects } from '../../desired/restore-job.ts'
import { hasReason } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Finding } from '../errors.ts'
import { bringAbout } from '../one-shot/bring-about.ts'
import { jobInput } from '../one-shot/job-input.ts'
import { reportOf } from '../one-shot/last-words.ts'
import { jobView, podView, workloadView } from '../todochatbot/views.ts'
import type { RestoreDependencies } from './dependencies.ts'
import { replacements } from './fence.ts'
import type { StepOutcome } from './ledger.ts'
import { fenceOutcome, jobOutcome, safetyOutcome, unfenceOutcome, type FencedWorker } from './outcome.ts'

/** What was seen, and what a pod found out. */
export interface Worked {
  readonly outcome: StepOutcome
  readonly report?: RestoreReport | undefined
  readonly safetyBackup?: string
  readonly progress?: RestoreProgress | undefined
}

/** Does what the step needs, as often as it is called. */
export async function work(
  deps: RestoreDependencies,
  object: KubeObject,
  restore: Restore,
  { bot, step }: { readonly bot: TodoChatbot; readonly step: StepStatus },
  signal: AbortSignal,
): Promise<Worked> {
  switch (step.name) {
    case 'SafetyBackup':
      return safety(deps, restore, bot, signal)
    case 'Fence':
      return { outcome: fenceOutcome(workersOf(deps, bot)) }
    case 'Unfence': {
      const summary = bot.status?.summary
      return { outcome: unfenceOutcome(workersOf(deps, bot), summary) }
    }
    default: {
      const left = Date.parse(step.deadline ?? '') - deps.now()
      return runJob(deps, object, restore, { bot, job: jobSteps[step.name], left }, signal)
    }
  }
}

/** Steps that a Job does. */
export const jobSteps = {
  Check: 'check',
  Database: 'database',
  Reapply: 'reapply',
  Topics: 'topics',
  Switch: 'switch',
  Undo: 'undo',
  Validate: 'validate',
  CleanUp: 'cleanup',
} as const satisfies Partial<Record<RestoreStep, RestoreJobStep>>

/** Makes the Job of a step if it does not exist, and says how it stands. @param left how long it may take, ms */
export async function runJob(
  deps: RestoreDependencies,
  object: KubeObject,
  restore: Restore,
  { bot, job: step, left }: { readonly bot: TodoChatbot; readonly job: RestoreJobStep; readonly left: number },
  signal: AbortSignal,
): Promise<Worked> {
  const { informers, applier, now } = deps
  const { namespace, name } = restore.metadata
  const jobName = names.restoreStep(name, step)
  const source = sourceOf(deps, restore, bot)
  let problem: Finding | undefined
  if (informers.Job.get({ namespace, name: jobName }) === undefined) {
    if ('problem' in source) return { outcome: { kind: source.final ? 'Failed' : 'Running', message: source.problem } }
    const replacedAt = replacements(bot, informers.Restore.inNamespace(namespace))
    const objects = restoreObjects({ ...jobInput(bot, deps), restore, ...source, replacedAt }, step, left)
    problem = await bringAbout(applier, object, objects, signal)
  }
  const job = informers.Job.get({ namespace, name: jobName })
  const pods = informers.Pod.inNamespace(namespace)
    .filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === jobName)
    .map(podView)
  const outcome = jobOutcome(job === undefined ? undefined : jobView(job), pods, { problem, now: now() })
  const progress = outcome.kind === 'Running' ? await deps.askProgress(pods, signal) : undefined
  return { outcome: withProgress(outcome, progress), report: reportOf(pods, restoreReportSchema), progress }
}

const withProgress = (outcome: StepOutcome, progress: RestoreProgress | undefined): StepOutcome =>
  outcome.kind !== 'Running' || progress === undefined || progress.percent === 0
    ? outcome
    : { ...outcome, message: `${progress.part}, ${progress.percent} %` }

type Source =
  | { readonly destination: DestinationSpec; readonly path: string }
  /** `final`: waiting changes nothing. */
  | { readonly problem: string; readonly final: boolean }

/** Where the backup lies. A path that was found once stays, whatever becomes of its Backup. */
function sourceOf({ informers }: RestoreDependencies, { spec, status, metadata }: Restore, bot: TodoChatbot): Source {
  const own = spec.source.destination ?? bot.spec.backup.destination
  const missing = {
    problem: 'there is no destination: set spec.backup.destination of the system or spec.source.destination',
    final: true,
  }
  const path = spec.source.path ?? status?.path
  const { backup } = spec.source
  const found = backup === undefined ? undefined : informers.Backup.get({ namespace: metadata.namespace, name: backup })
  const { phase, path: folder, destination = own } = (found?.['status'] ?? {}) as BackupStatus
  if (path !== undefined) return destination === undefined ? missing : { destination, path }
  if (found === undefined)
    return {
      problem: `Backup/${backup ?? ''} does not exist; restore from its path if the files are still there`,
      final: true,
    }
  if (phase === 'Failed') return { problem: `Backup/${backup ?? ''} failed; choose another`, final: true }
  if (folder === undefined || phase === undefined || phase === 'Pending' || phase === 'Running')
    return { problem: `waits for Backup/${backup ?? ''} to end`, final: false }
  return destination === undefined ? missing : { destination, path: folder }
}

async function safety(
  { client, informers, fieldManager }: RestoreDependencies,
  restore: Restore,
  bot: TodoChatbot,
  signal: AbortSignal,
): Promise<Worked> {
  const { namespace } = restore.metadata
  const name = names.safetyBackup(restore.metadata.name)
  const known = informers.Backup.get({ namespace, name })
  if (known === undefined) {
    const backup: KubeObject = {
      apiVersion,
      kind: backupKind,
      metadata: {
        name,
        namespace,
        labels: { [label.instance]: bot.metadata.name, [label.managedBy]: manager },
        ownerReferences: [ownerReference(bot)],
      },
      spec: { system: bot.metadata.name, trigger: 'Safety' },
    }
    try {
      informers.Backup.observe(await client.create(backup, { fieldManager, signal }))
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
    }
  }
  const status = known?.['status'] as BackupStatus | undefined
  return { outcome: safetyOutcome(name, status), safetyBackup: name }
}

function workersOf({ informers, now }: RestoreDependencies, bot: TodoChatbot): readonly FencedWorker[] {
  const { name: system, namespace } = bot.metadata
  const { services } = withDefaults(bot).spec
  return workerFields.map((field) => {
    const name = names.worker(system, workerNames[field])
    const live = informers.Deployment.get({ namespace, name })
    const whole = live === undefined ? undefined : informers.Deployment.whole(live)
    const isolated = isolationAt(bot, field, now()) !== undefined
    return {
      name,
      replicas: whole === undefined ? undefined : ((whole['spec'] as { replicas?: number } | undefined)?.replicas ?? 1),
      workload: whole === undefined ? undefined : workloadView(whole),
      pods: informers.Pod.inNamespace(namespace)
        .filter(
          ({ metadata: { labels } }) =>
            labels?.[label.instance] === system && labels[label.name] === workerNames[field],
        )
        .map(podView)
        .filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed'),
      exempt: isolated || (services[field].autoscaling === undefined && services[field].replicas === 0),
    }
  })
}
