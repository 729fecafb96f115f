/** What is seen of the running step of a Restore: its Job and the last words of its pod, the safety backup, the workers. Pure. */
import { restoreReportSchema } from '../../../../workers/jobs/restore/config.ts'
import type { BackupStatus } from '../../api/v1alpha1/backup.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import { lineOf, type Finding } from '../errors.ts'
import { reportOf } from '../one-shot/last-words.ts'
import { firstBlocker, lastError } from '../todochatbot/blockers.ts'
import type { JobView, PodView, WorkloadView } from '../todochatbot/views.ts'
import type { StepOutcome } from './ledger.ts'

/** Of a step that is a Job. `problem`: what kept its objects from being written. */
export const jobOutcome = (
  job: JobView | undefined,
  pods: readonly PodView[],
  { problem, now }: { readonly problem: Finding | undefined; readonly now: number },
): StepOutcome => {
  const report = reportOf(pods, restoreReportSchema)
  if (report !== undefined) return { kind: 'Succeeded', message: report.message }
  if (job?.state === 'Failed') return { kind: 'Failed', message: lastError(pods) ?? job.message }
  // News of the Job may come before that of its pod, whose last words are then still on their way.
  const unended = pods.find(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed')
  if (job?.state === 'Complete' && unended !== undefined)
    return { kind: 'Running', message: `waits for the last words of Pod/${unended.name}` }
  if (job?.state === 'Complete')
    return { kind: 'Failed', message: `Job/${job.name} is complete, and its pod was gone before its report was read` }
  if (problem !== undefined) return { kind: 'Running', message: lineOf(problem) }
  const blocker = firstBlocker(pods, now)
  if (blocker !== undefined) return { kind: 'Running', message: lineOf(blocker) }
  const said = lastError(pods)
  if (said !== undefined) return { kind: 'Running', message: `is tried again; last error: ${said}` }
  return {
    kind: 'Running',
    message: pods.some(({ phase }) => phase === 'Running') ? 'is running' : 'waits for the pod of the Job',
  }
}

/** Of the backup of the state before. */
export const safetyOutcome = (name: string, status: BackupStatus | undefined): StepOutcome => {
  if (!isFinished(status)) return { kind: 'Running', message: `Backup/${name}: ${status?.summary ?? 'is asked for'}` }
  return status?.phase === 'Failed'
    ? {
        kind: 'Failed',
        message: `Backup/${name} failed: ${status.summary ?? ''}. Correct the cause, or set spec.safetyBackup.skip in another Restore and say why`,
      }
    : { kind: 'Succeeded', message: `Backup/${name} holds the state before` }
}

/** One worker as the fence sees it. */
export interface FencedWorker {
  readonly name: string
  /** spec.replicas; undefined: there is no Deployment. */
  readonly replicas: number | undefined
  readonly workload: WorkloadView | undefined
  readonly pods: readonly PodView[]
  /** It is isolated, or its spec asks for no pods. */
  readonly exempt: boolean
}

/** All workers are away when no pod of any is left. */
export const fenceOutcome = (workers: readonly FencedWorker[]): StepOutcome => {
  const scaled = workers.filter(({ replicas = 0 }) => replicas > 0).map(({ name }) => `Deployment/${name}`)
  if (scaled.length > 0) return { kind: 'Running', message: `waits for ${scaled.join(', ')} to be scaled down` }
  const pods = workers.flatMap((worker) => worker.pods.map(({ name }) => `Pod/${name}`))
  return pods.length === 0
    ? { kind: 'Succeeded', message: 'no pod of a worker runs' }
    : { kind: 'Running', message: `waits for ${pods.slice(0, 4).join(', ')} to end` }
}

/** All workers are back when every pod asked for is ready. */
export const unfenceOutcome = (workers: readonly FencedWorker[], system: string | undefined): StepOutcome => {
  const waiting = workers.filter(({ exempt, replicas = 0, workload }) => {
    if (exempt) return false
    return (
      replicas === 0 ||
      workload === undefined ||
      workload.ready < replicas ||
      workload.observedGeneration < workload.generation
    )
  })
  if (waiting.length === 0) return { kind: 'Succeeded', message: 'every worker is ready' }
  const names = waiting.map(({ name }) => `Deployment/${name}`).join(', ')
  return { kind: 'Running', message: `waits for ${names}${system === undefined ? '' : ` (${system})`}` }
}
