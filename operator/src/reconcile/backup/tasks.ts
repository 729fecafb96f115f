/**
 * The two tasks that keep a destination in order: a check that it would take a backup, long before the night of the backup, and the removal of
 * what retention lets go. Each round is a Job whose name follows from what it is about, so an operator that is killed finds it again; the objects
 * of earlier rounds go when the next one begins, so that the log of the last one can be read until then.
 */
import { backupJobReportSchema, type BackupJobReport } from '../../../../workers/jobs/backup/config.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import type { DestinationSpec } from '../../api/v1alpha1/schema/destination.ts'
import { backupClaim, destinationKeys } from '../../desired/backup-destination.ts'
import { maintenanceName, maintenanceObjects, type MaintenanceTask } from '../../desired/backup-job.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import { lineOf } from '../errors.ts'
import { ensureClaim } from '../incident/claim.ts'
import { lastWordsOf } from '../one-shot/last-words.ts'
import { firstBlocker, lastError } from '../todochatbot/blockers.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { Seen } from '../todochatbot/observe.ts'
import { jobView, podView } from '../todochatbot/views.ts'
import { missingKeys } from './secrets.ts'

/** What running a task needs. */
export interface TaskTools {
  readonly client: KubeClient
  readonly informers: Informers
  readonly fieldManager: string
}

/** How a round stands. */
export type TaskResult =
  | { readonly state: 'Running' }
  | { readonly state: 'Done'; readonly report: BackupJobReport }
  /** `message` says why and what to do. */
  | { readonly state: 'Failed'; readonly message: string }

/** Brings the Job of a round about, or says what came of it. */
export async function runTask(
  tools: TaskTools,
  seen: Pick<Seen, 'resolved' | 'facts' | 'now'>,
  round: { readonly destination: DestinationSpec; readonly task: MaintenanceTask; readonly round: string },
  signal: AbortSignal,
): Promise<TaskResult> {
  const { informers } = tools
  const { name: system, namespace } = seen.resolved.metadata
  const { mode } = round.task
  const name = maintenanceName(system, mode, round.round)
  const job = informers.Job.get({ namespace, name })
  return job === undefined ? begin(tools, seen, round, name, signal) : readTask(tools, job, mode, seen.now)
}

/** What came of the Job of a round. @param now ms since the epoch */
export function readTask(
  { informers }: Pick<TaskTools, 'informers'>,
  job: KubeObject,
  mode: MaintenanceTask['mode'],
  now: number,
): TaskResult {
  const { name, namespace = '' } = job.metadata
  const view = jobView(job)
  const pods = informers.Pod.inNamespace(namespace)
    .filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === name)
    .map(podView)
  const words = lastWordsOf(pods, backupJobReportSchema)?.report
  if (words?.result === mode) return { state: 'Done', report: words }
  if (words?.result === 'Failed') return { state: 'Failed', message: `${words.code}: ${words.reason}. ${words.remedy}` }
  if (view.state === 'Running') return { state: 'Running' }
  const blocker = firstBlocker(pods, now)
  const why = lastError(pods) ?? (blocker === undefined ? view.message : lineOf(blocker))
  return { state: 'Failed', message: `Job/${name}: ${why === '' ? 'its report is lost' : why}` }
}

/** The Jobs of a task that exist. */
export const jobsOf = (
  { informers }: Pick<TaskTools, 'informers'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  mode: MaintenanceTask['mode'],
): readonly KubeObject[] =>
  informers.Job.inNamespace(namespace).filter(
    ({ metadata: { labels } }) => labels?.[label.instance] === name && labels[label.backupTask] === mode,
  )

async function begin(
  tools: TaskTools,
  seen: Pick<Seen, 'resolved' | 'facts'>,
  round: { readonly destination: DestinationSpec; readonly task: MaintenanceTask; readonly round: string },
  name: string,
  signal: AbortSignal,
): Promise<TaskResult> {
  const { client, informers, fieldManager } = tools
  const { namespace } = seen.resolved.metadata
  const input = { bot: seen.resolved, facts: seen.facts }
  const missing = await missingKeys(client, namespace, destinationKeys(round.destination), signal)
  if (missing !== undefined) return { state: 'Failed', message: lineOf(missing) }
  await removeEarlier(tools, seen, round.task.mode, name, signal)
  const claim = backupClaim(input, round.destination)
  if (claim !== undefined) await ensureClaim(tools, claim, signal)
  for (const object of maintenanceObjects(input, round)) {
    const made = await client.create(object, { fieldManager, signal }).catch((error: unknown) => {
      if (!hasReason(error, 'AlreadyExists')) throw error
      return undefined
    })
    if (made !== undefined) informers[object.kind as 'Job'].observe(made)
  }
  return { state: 'Running' }
}

async function removeEarlier(
  { client, informers }: TaskTools,
  { resolved: { metadata } }: Pick<Seen, 'resolved'>,
  mode: MaintenanceTask['mode'],
  current: string,
  signal: AbortSignal,
): Promise<void> {
  const isEarlier = ({ metadata: { name, labels } }: KubeObject): boolean =>
    labels?.[label.instance] === metadata.name && labels[label.backupTask] === mode && name !== current
  for (const kind of ['Job', 'ConfigMap', 'ServiceAccount'] as const) {
    for (const object of informers[kind].inNamespace(metadata.namespace).filter(isEarlier)) {
      const options = { uid: object.metadata.uid, propagationPolicy: 'Background' as const, signal }
      await client.delete(kinds[kind], object.metadata, options).catch((error: unknown) => {
        if (!isNotFound(error) && !hasReason(error, 'Conflict')) throw error
      })
    }
  }
}
