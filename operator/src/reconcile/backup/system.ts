/**
 * Backups as a part of the reconcile of their system: follows the schedule, keeps the destination in order, and says how it stands. Whatever
 * cannot be done here is said and tried again; it never holds up the rest of the system. What it has to remember (the answered time of the
 * schedule, the last check, the last look for what has to go) is in status.backup, and each step can be taken twice: a Backup and a Job are named
 * after what they answer. Proof: operator/test/backup.integration.test.ts.
 */
import type { Backup } from '../../api/v1alpha1/backup.ts'
import { parseBackup } from '../../api/v1alpha1/backup.ts'
import type { ConditionUpdate } from '../../api/v1alpha1/conditions.ts'
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import { parseRestore, type Restore } from '../../api/v1alpha1/restore.ts'
import type { DestinationSpec } from '../../api/v1alpha1/schema/destination.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { backupClaim, describeDestination } from '../../desired/backup-destination.ts'
import { shortHash } from '../../desired/hash.ts'
import type { KubeObject, ObjectRef } from '../../kube/object.ts'
import type { EventInput } from '../../runtime/events.ts'
import { alignClaim } from '../incident/claim.ts'
import type { EventReason } from '../todochatbot/events.ts'
import type { Seen } from '../todochatbot/observe.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { backupCondition } from './condition.ts'
import { lookAtRetention, type RetentionTools } from './retention.ts'
import { keepDrills } from './drill.ts'
import type { DrillNotes } from './drill-section.ts'
import { followSchedule, type Followed } from './follow.ts'
import { lastTime, scheduledBackup } from './schedule.ts'
import { sectionOf } from './section.ts'
import { runTask, type TaskTools } from './tasks.ts'

/** What keeping backups needs. */
export interface KeepTools extends TaskTools, RetentionTools {
  /** The restore that holds the backups of a system, as `Restore/name`. */
  readonly fence: (system: ObjectRef) => string | undefined
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/** How the backups of a system stand. */
export interface KeptBackups {
  readonly section: SystemBackup | undefined
  readonly condition: ConditionUpdate
  /** When to look again although nothing told us to, ms from now. */
  readonly afterMs: number | undefined
}

/** A destination that fails its check is checked again after this, ms: what is corrected should be seen soon. */
const recheck = 5 * 60_000

/** Does what is due and says how it stands. */
export async function keepBackups(tools: KeepTools, seen: Seen, signal: AbortSignal): Promise<KeptBackups> {
  const { bot, resolved, now } = seen
  const { name: system, namespace } = bot.metadata
  const policy = resolved.spec.backup
  const previous = bot.status?.backup
  const backups = backupsOf(tools, namespace, system)
  const restores = restoresOf(tools, namespace, system)
  const held = tools.fence({ namespace, name: system }) !== undefined
  const busy = backups.some(({ status, metadata }) => !isFinished(status) && metadata.deletionTimestamp === undefined)
  const answered = answeredTime(previous, backups)
  const backup = await followSchedule(
    tools,
    { field: 'spec.backup', policy, answered, busy: busy || held, now },
    (time) => scheduledBackup(bot, time),
    signal,
  )
  const drill = await keepDrills(tools, { seen, backups, restores }, signal)
  const destination = policy.destination
  const checked = destination === undefined || busy || held ? {} : await check(tools, seen, destination, signal)
  const look =
    destination === undefined || busy || restores.some(({ status }) => !isFinished(status))
      ? {}
      : await lookAtRetention(tools, { seen, destination, backups, previous: previous?.retention }, signal)
  const section = sectionOf({
    backups,
    restores,
    previous,
    now: {
      ...(destination === undefined ? {} : { destination: describeDestination(system, destination) }),
      ...(backup.next === undefined ? {} : { next: backup.next }),
      ...(backup.scheduledAt === undefined ? {} : { scheduledAt: backup.scheduledAt }),
      ...(checked.check === undefined ? {} : { check: checked.check }),
      ...(look.retention === undefined ? {} : { retention: look.retention }),
    },
    drill: policy.drill && drillNotes(drill, previous?.drill?.scheduledAt),
  })
  const due = lastTime(policy, answered, now)
  const { maxAge } = policy.drill ?? {}
  const proofMaxAge = maxAge === undefined ? undefined : parseDuration(maxAge)
  const condition = backupCondition({
    name: system,
    policy,
    section,
    scheduleProblem: backup.problem,
    drillProblem: drill.problem,
    lastDue: due,
    proofMaxAge,
    now,
  })
  const grace = due === undefined ? undefined : due + parseDuration(policy.deadline) - now
  const proved = section?.lastVerifiedRestore
  const proofEnds = proofMaxAge === undefined || proved === undefined ? 0 : Date.parse(proved.at) + proofMaxAge - now
  const waits = [
    // When what was due is overdue.
    grace !== undefined && grace > 0 ? grace + 1_000 : undefined,
    // When the proof is too old.
    proofEnds > 0 ? proofEnds + 1_000 : undefined,
    backup.afterMs,
    drill.afterMs,
    checked.afterMs,
    look.afterMs,
  ].filter((wait) => wait !== undefined)
  return { section, condition, afterMs: waits.length === 0 ? undefined : Math.max(1, Math.min(...waits)) }
}

/** Makes the claim of the backups go with its system or stay behind, as the policy says now. */
export async function alignBackupClaim(tools: TaskTools, seen: Seen, signal: AbortSignal): Promise<void> {
  const { destination } = seen.resolved.spec.backup
  const claim = destination === undefined ? undefined : backupClaim({ bot: seen.resolved }, destination)
  if (claim !== undefined) await alignClaim(tools, claim, signal)
}

function backupsOf({ informers }: KeepTools, namespace: string, system: string): readonly Backup[] {
  return informers.Backup.inNamespace(namespace).flatMap((object) => {
    const parsed = parseBackup(object)
    return 'problems' in parsed || parsed.resource.spec.system !== system ? [] : [parsed.resource]
  })
}

function restoresOf({ informers }: KeepTools, namespace: string, system: string): readonly Restore[] {
  return informers.Restore.inNamespace(namespace).flatMap((object) => {
    const parsed = parseRestore(object)
    return 'problems' in parsed || parsed.resource.spec.system !== system ? [] : [parsed.resource]
  })
}

/** What the status notes; before it does, a scheduled Backup that exists answers for the time it was made. */
function answeredTime(previous: SystemBackup | undefined, backups: readonly Backup[]): number | undefined {
  if (previous?.scheduledAt !== undefined) return Date.parse(previous.scheduledAt)
  const made = backups
    .filter(({ spec }) => spec.trigger === 'Schedule')
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''))
  return made.length === 0 ? undefined : Math.max(...made)
}

/** What the schedule of drills says now; what was answered stays. */
const drillNotes = ({ next, scheduledAt }: Followed, before: string | undefined): DrillNotes => {
  const answered = scheduledAt ?? before
  return { ...(next === undefined ? {} : { next }), ...(answered === undefined ? {} : { scheduledAt: answered }) }
}

interface Checked {
  readonly check?: NonNullable<SystemBackup['check']>
  readonly afterMs?: number
}

/** Checks the destination when it is time, or when it is another one than was checked. */
async function check(
  tools: KeepTools,
  seen: Seen,
  destination: DestinationSpec,
  signal: AbortSignal,
): Promise<Checked> {
  const { bot, resolved, now } = seen
  const of = shortHash(destination)
  const before = bot.status?.backup?.check
  const same = before?.of === of ? before : undefined
  const interval = parseDuration(resolved.spec.backup.checkInterval)
  const due = same === undefined ? now : Date.parse(same.at) + (same.ok ? interval : Math.min(interval, recheck))
  // A clock that was ahead must not hold the check up until then.
  if (due > now && due - now <= interval) return { afterMs: due - now }
  const round = `${of} ${same?.at ?? ''}`
  const result = await runTask(tools, seen, { destination, task: { mode: 'Check' }, round }, signal)
  if (result.state === 'Running') return {}
  const at = timestamp(now)
  return result.state === 'Done'
    ? { check: { at, of, ok: true }, afterMs: interval }
    : { check: { at, of, ok: false, message: result.message.slice(0, 1024) }, afterMs: Math.min(interval, recheck) }
}
