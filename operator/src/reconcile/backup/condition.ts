/** BackupCurrent: whether there is a recent backup that is known to be good. Pure. */
import type { ConditionUpdate } from '../../api/v1alpha1/conditions.ts'
import { formatDuration, parseDuration } from '../../api/v1alpha1/durations.ts'
import type { BackupPolicy } from '../../api/v1alpha1/schema/backup.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { finding, messageOf, type Reason } from '../errors.ts'

/** What the condition follows from. Times are ms since the epoch. */
export interface CurrencyInput {
  readonly name: string
  readonly policy: Pick<BackupPolicy, 'schedule' | 'suspend' | 'deadline' | 'destination'>
  readonly section: SystemBackup | undefined
  /** Why the schedule cannot be followed. */
  readonly scheduleProblem: string | undefined
  /** Why the schedule of drills cannot be followed. */
  readonly drillProblem?: string | undefined
  /** The newest time of the schedule up to now that lies after the policy was first seen. */
  readonly lastDue: number | undefined
  /** How old the proof may be, ms; undefined: any. */
  readonly proofMaxAge?: number | undefined
  readonly now: number
}

/** Judges; what is most urgent is said first. */
export function backupCondition(input: CurrencyInput): ConditionUpdate {
  const { name, policy, section = {}, scheduleProblem, drillProblem, lastDue, proofMaxAge, now } = input
  const { last, lastFailed, check, lastVerifiedRestore, next, drill } = section
  const say = (status: ConditionUpdate['status'], reason: Reason, detail: string): ConditionUpdate => ({
    type: 'BackupCurrent',
    status,
    reason,
    message: messageOf(finding(reason, `TodoChatbot/${name}`, detail)).slice(0, 4096),
  })
  if (policy.destination === undefined && last === undefined && lastFailed === undefined)
    return say('Unknown', 'BackupNotConfigured', 'has no spec.backup.destination: nothing is backed up')
  if (scheduleProblem !== undefined) return say('False', 'BackupScheduleInvalid', scheduleProblem)
  if (check?.ok === false)
    return say(
      'False',
      'BackupDestinationUnreachable',
      `its destination takes no backup: ${check.message ?? 'no reason given'}`,
    )
  if (lastFailed !== undefined)
    return say('False', 'BackupFailed', `Backup/${lastFailed.name} failed at ${lastFailed.at}: ${lastFailed.message}`)
  const patience = parseDuration(policy.deadline)
  const newest = last === undefined ? -Infinity : Date.parse(last.at)
  if (lastDue !== undefined && !policy.suspend && newest < lastDue && now > lastDue + patience)
    return say(
      'False',
      'BackupOverdue',
      `a backup was due at ${new Date(lastDue).toISOString()} and has not been made within ${formatDuration(patience)}`,
    )
  if (last === undefined)
    return say(
      'Unknown',
      'NoBackupYet',
      next === undefined ? 'has no backup yet' : `has no backup yet; the first is due at ${next}`,
    )
  if (drillProblem !== undefined) return say('False', 'BackupScheduleInvalid', drillProblem)
  if (drill?.lastFailed !== undefined) {
    const { restore, backup, at, message } = drill.lastFailed
    return say('False', 'DrillFailed', `Restore/${restore} of Backup/${backup} failed at ${at}: ${message}`)
  }
  const soon =
    drill?.running === undefined
      ? drill?.next === undefined
        ? ''
        : `; the next drill is due at ${drill.next}`
      : `; Restore/${drill.running} is under way`
  if (lastVerifiedRestore === undefined)
    return say(
      'Unknown',
      'BackupUnverified',
      `Backup/${last.name} shows ${last.at}, and no backup of it was ever restored${soon}`,
    )
  if (proofMaxAge !== undefined && now > Date.parse(lastVerifiedRestore.at) + proofMaxAge)
    return say(
      'Unknown',
      'BackupUnverified',
      `the last restore was verified at ${lastVerifiedRestore.at}, longer than ${formatDuration(proofMaxAge)} ago${soon}`,
    )
  return {
    type: 'BackupCurrent',
    status: 'True',
    reason: 'Current',
    message: `Backup/${last.name} shows ${last.at}; a restore was verified at ${lastVerifiedRestore.at}`,
  }
}
