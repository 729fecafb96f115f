/**
 * Reconciles one Backup: notes when it began, waits for its turn, makes a Job, and writes down what the Job says. The Job does the work and
 * nobody but its pod knows how: the operator may be killed after any write, because everything it needs to go on is in the status or in objects
 * of fixed names. A Backup that is deleted takes its Job along and leaves its data (docs/adr/0032).
 *
 * Backups are reconciled one at a time (concurrency 1), so that of two that become possible at once only one begins: what the first has written
 * is in the caches before the second is looked at. Proof: operator/test/backup.integration.test.ts.
 */
import type { BackupProgress } from '../../../../workers/jobs/backup/config.ts'
import { parseBackup, type Backup, type BackupStatus } from '../../api/v1alpha1/backup.ts'
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { names } from '../../api/v1alpha1/names.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import { describeProblems } from '../../api/v1alpha1/problems.ts'
import type { DestinationSpec } from '../../api/v1alpha1/schema/destination.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { Applier } from '../../apply/kube.ts'
import { backupClaim, claimOf } from '../../desired/backup-destination.ts'
import { backupObjects, neededKeys } from '../../desired/backup-job.ts'
import type { OperandImages } from '../../desired/types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { keyOf, type KubeObject, type ObjectRef } from '../../kube/object.ts'
import type { Outcome, Reconcile } from '../../runtime/controller.ts'
import type { EventInput } from '../../runtime/events.ts'
import { finding, type Finding } from '../errors.ts'
import { ensureClaim } from '../incident/claim.ts'
import { bringAbout } from '../one-shot/bring-about.ts'
import { jobInput } from '../one-shot/job-input.ts'
import type { PodReport, PodWatch } from '../pods/pod-watch.ts'
import type { EventReason } from '../todochatbot/events.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { StatusWriter } from '../todochatbot/status-writer.ts'
import { claimView, jobView, podView, type PodView } from '../todochatbot/views.ts'
import { conclude, placed, started } from './conclude.ts'
import { progressTargets } from './progress.ts'
import { missingKeys } from './secrets.ts'
import { ensureSigningKey } from './signing.ts'
import { jobsOf } from './tasks.ts'
import { waitsFor } from './turn.ts'

/** Everything a reconcile of a Backup works with. */
export interface BackupDependencies {
  readonly informers: Informers
  readonly client: KubeClient
  readonly applier: Applier
  readonly statuses: StatusWriter<BackupStatus>
  readonly progress: PodWatch<BackupProgress>
  readonly fieldManager: string
  readonly operatorVersion: string
  readonly images: OperandImages
  /** ms since the epoch */
  readonly now: () => number
  /** The restore that holds the backups of a system, as `Restore/name`. */
  readonly fence: (system: ObjectRef) => string | undefined
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/** How often one that waits looks again, although nothing told it to, ms. */
const waitingPause = 10_000

/** Makes the reconcile function of the backup controller. */
export function backupReconciler(deps: BackupDependencies): Reconcile {
  return async (request, { signal }) => {
    const object = deps.informers.Backup.get(request)
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) {
      deps.statuses.forget(keyOf(request))
      deps.progress.release(keyOf(request))
      return object === undefined ? { kind: 'done' } : { kind: 'wait', reason: 'the garbage collector removes its Job' }
    }
    const parsed = parseBackup(object)
    if ('problems' in parsed) return { kind: 'wait', reason: describeProblems(parsed.problems) }
    const backup = parsed.resource
    if (isFinished(backup.status)) {
      deps.progress.release(keyOf(request))
      return { kind: 'done' }
    }
    const system = systemOf(deps, backup)
    if (backup.status?.startedAt === undefined) {
      const deadline = parseDuration(backup.spec.deadline ?? system.bot?.spec.backup.deadline ?? '6h')
      await deps.statuses.write(object, started(backup, deadline, deps.now()), signal)
      return { kind: 'again', afterMs: 0 }
    }
    const problem = await begin(deps, object, backup, system, signal)
    return problem === 'placed' ? { kind: 'again', afterMs: 0 } : writeDown(deps, object, backup, problem, signal)
  }
}

interface System {
  readonly bot?: TodoChatbot
  readonly problem?: Finding
}

function systemOf(
  { informers }: BackupDependencies,
  { metadata: { namespace }, spec: { system: name } }: Backup,
): System {
  const system = informers.TodoChatbot.get({ namespace, name })
  if (system === undefined) return { problem: finding('Waiting', `TodoChatbot/${name}`, 'does not exist') }
  const parsed = parseTodoChatbot(system)
  return parsed.ok
    ? { bot: parsed.bot }
    : { problem: finding('Waiting', `TodoChatbot/${name}`, 'does not fit the schema of this operator') }
}

/** Brings the Job about when it is its turn. Returns what is in the way; `placed`: where it lies was written, look again. */
async function begin(
  deps: BackupDependencies,
  object: KubeObject,
  backup: Backup,
  { bot, problem }: System,
  signal: AbortSignal,
): Promise<Finding | 'placed' | undefined> {
  const { informers, applier, client, fieldManager, now } = deps
  const { namespace, name } = backup.metadata
  const hasJob = (of: string): boolean => informers.Job.get({ namespace, name: names.backup(of) }) !== undefined
  // The Job was made before: what it needs was, too.
  if (hasJob(name)) return undefined
  if (bot === undefined) return problem
  const wait = waitsFor({
    backup: object,
    backups: informers.Backup.inNamespace(namespace),
    bot,
    hasJob,
    pruning: jobsOf(deps, bot.metadata, 'Prune').some((job) => jobView(job).state === 'Running'),
    fence: deps.fence({ namespace, name: bot.metadata.name }),
  })
  if (wait !== undefined) return wait
  const destination = backup.status?.destination ?? backup.spec.destination ?? bot.spec.backup.destination
  if (destination === undefined)
    return finding(
      'Waiting',
      `TodoChatbot/${bot.metadata.name}`,
      'has no spec.backup.destination, and spec.destination names none',
    )
  if (backup.status?.path === undefined) {
    await deps.statuses.write(
      object,
      { observedGeneration: backup.metadata.generation, ...backup.status, ...placed(backup, destination) },
      signal,
    )
    return 'placed'
  }
  const left = Date.parse(backup.status.deadline ?? '') - now()
  if (left <= 0) return finding('Waiting', `Backup/${name}`, 'its turn came too late')
  const input = { ...jobInput(bot, deps), backup, destination, left }
  const missing = await missingKeys(client, namespace, neededKeys(input), signal)
  if (missing !== undefined) return missing
  const claim = backupClaim(input, destination)
  if (claim !== undefined) await ensureClaim(deps, claim, signal)
  await ensureSigningKey(client, bot, fieldManager, signal)
  return bringAbout(applier, object, backupObjects(input), signal)
}

async function writeDown(
  deps: BackupDependencies,
  object: KubeObject,
  backup: Backup,
  problem: Finding | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const { informers, now, statuses } = deps
  const { namespace, name } = backup.metadata
  const job = informers.Job.get({ namespace, name: names.backup(name) })
  const pods = informers.Pod.inNamespace(namespace)
    .filter(({ metadata }) => metadata.labels?.[label.backup] === name)
    .map(podView)
  const status = conclude({
    backup,
    job: job === undefined ? undefined : jobView(job),
    pods,
    progress: progressOf(deps, backup, pods),
    claim: claimSeen(deps, backup, backup.status?.destination),
    problem,
    now: now(),
  })
  const written = await statuses.write(informers.Backup.get(backup.metadata) ?? object, status, signal)
  if (isFinished(status)) {
    if (typeof written === 'object') return { kind: 'again', afterMs: Math.max(1, written.tooEarlyBy) }
    deps.progress.release(keyOf(backup.metadata))
    if (written === 'written') deps.record(object, eventOf(status))
    return { kind: 'done' }
  }
  const left = Math.max(0, Date.parse(status.deadline ?? '') - now())
  const early = typeof written === 'object' ? written.tooEarlyBy : Infinity
  return { kind: 'again', afterMs: Math.max(100, Math.min(left, early, problem === undefined ? left : waitingPause)) }
}

function progressOf(
  { progress }: BackupDependencies,
  { metadata }: Backup,
  pods: readonly PodView[],
): BackupProgress | undefined {
  const reports: ReadonlyMap<string, PodReport<BackupProgress>> = progress.ensure(
    keyOf(metadata),
    progressTargets(pods),
  )
  for (const report of reports.values()) if (report.state === 'Answered') return report.answer
  return undefined
}

function claimSeen(
  { informers }: BackupDependencies,
  { metadata: { namespace }, spec: { system } }: Backup,
  destination: DestinationSpec | undefined,
) {
  const name = destination === undefined ? undefined : claimOf(system, destination)
  const claim = name === undefined ? undefined : informers.PersistentVolumeClaim.get({ namespace, name })
  return claim === undefined ? undefined : claimView(claim)
}

function eventOf({ phase, summary = '' }: BackupStatus): EventInput<EventReason> {
  const action = 'Backup'
  if (phase === 'Succeeded') return { type: 'Normal', reason: 'BackupSucceeded', action, note: summary }
  return phase === 'PartiallySucceeded'
    ? { type: 'Warning', reason: 'BackupIncomplete', action, note: summary }
    : { type: 'Warning', reason: 'BackupFailed', action, note: summary }
}
