/** backup-destination among the routine checks: what the Job that checks it last said (tasks.ts). Nothing is asked here. */
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { found, judged, passed, type CheckFamily, type Outcome } from '../checks/check.ts'

/** Judges. @param configured whether the spec names a destination */
export function judgeDestination(configured: boolean, check: SystemBackup['check']): Outcome {
  const name = 'backup-destination'
  if (!configured) return passed(name)
  if (check === undefined) return found(name, 'Unknown', 'the destination has not been checked yet')
  return check.ok ? passed(name, 'takes backups') : found(name, 'Failed', check.message ?? 'the check failed')
}

/** The family. */
export const destinationChecks: CheckFamily = judged(['backup-destination'], ({ observed: { seen } }) => [
  judgeDestination(seen.bot.spec.backup.destination !== undefined, seen.bot.status?.backup?.check),
])
