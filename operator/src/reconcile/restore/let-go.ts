/**
 * Deletion of a Restore. One under way is first undone, with the workers still away; what a finished one has kept (the database of before) is
 * removed. Both by a Job, for at most {@link patience}: then it goes all the same, with an event that says what is left behind. A system that
 * is gone takes its databases with it, so nothing is to be done.
 */
import { restoreFinalizer } from '../../api/v1alpha1/labels.ts'
import { names } from '../../api/v1alpha1/names.ts'
import type { Restore } from '../../api/v1alpha1/restore.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Outcome } from '../../runtime/controller.ts'
import type { RestoreDependencies } from './dependencies.ts'
import { hasBegun, isSwitched } from './ledger.ts'
import { systemOf } from './reconcile.ts'
import { jobSteps, runJob } from './work.ts'

/** How long the Job may hold up a deletion, ms. */
const patience = 5 * 60_000
/** How often it is looked at, ms; its end wakes earlier. */
const lookAgain = 5_000

/** Lets a Restore go once what it made is gone. */
export async function letGo(
  deps: RestoreDependencies,
  object: KubeObject,
  restore: Restore,
  signal: AbortSignal,
): Promise<Outcome> {
  if (object.metadata.finalizers?.includes(restoreFinalizer) !== true)
    return { kind: 'wait', reason: 'the garbage collector removes what is owned' }
  const bot = systemOf(deps, restore)
  const ledger = restore.status?.steps ?? []
  // A drill that was cleaned up has left nothing.
  const clean = ledger.some(({ name, state }) => name === 'CleanUp' && state === 'Succeeded')
  if (typeof bot === 'string' || clean || !hasBegun(ledger, 'Database')) return release(deps, object, signal)
  const job = isSwitched(ledger) || restore.spec.mode === 'Drill' ? 'cleanup' : 'undo'
  if (await stopOthers(deps, restore, job, signal)) return { kind: 'again', afterMs: lookAgain }
  const asked = Date.parse(object.metadata.deletionTimestamp ?? '')
  const left = asked + patience - deps.now()
  const { outcome } = await runJob(deps, object, restore, { bot, job, left: Math.max(10_000, left) }, signal)
  if (outcome.kind === 'Running' && left > 0) return { kind: 'again', afterMs: Math.min(left, lookAgain) }
  if (outcome.kind !== 'Succeeded')
    deps.record(object, {
      type: 'Warning',
      reason: 'RestoreIncomplete',
      action: 'CleanUp',
      note: `not everything could be removed, and perhaps databases _restore_ and _before_${restore.metadata.uid.slice(0, 8)} are left: ${outcome.message}`,
    })
  return release(deps, object, signal)
}

/** Ends the Jobs of the steps before anything is undone. Returns whether one of their pods is still there. */
async function stopOthers(
  { client, informers }: RestoreDependencies,
  { metadata: { namespace, name } }: Restore,
  keep: string,
  signal: AbortSignal,
): Promise<boolean> {
  const others = Object.values(jobSteps).filter((step) => step !== keep)
  for (const step of others) {
    const job = informers.Job.get({ namespace, name: names.restoreStep(name, step) })
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) continue
    await client.delete(kinds.Job, job.metadata, { signal }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
  const jobs = new Set(others.map((step) => names.restoreStep(name, step)))
  return informers.Pod.inNamespace(namespace).some(({ metadata: { labels }, ...pod }) => {
    const { phase } = (pod['status'] ?? {}) as { phase?: string }
    return jobs.has(labels?.['batch.kubernetes.io/job-name'] ?? '') && phase !== 'Succeeded' && phase !== 'Failed'
  })
}

async function release(
  { client, fieldManager }: RestoreDependencies,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<Outcome> {
  const finalizers = (metadata.finalizers ?? []).filter((one) => one !== restoreFinalizer)
  const patch = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } }
  try {
    // Not put into the cache: the answer to the last write of an object may come after the news that it is gone, and would bring it back.
    await client.patch(kinds.Restore, metadata, patch, { fieldManager, signal })
  } catch (error) {
    if (hasReason(error, 'Conflict')) return { kind: 'again', afterMs: 100 }
    if (!isNotFound(error)) throw error
  }
  return { kind: 'done' }
}
