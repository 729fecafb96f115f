import { BackupError, isBackupError, wordsOf } from '../../lib/backup/errors.ts'
import { ConfigError } from '../../lib/config.ts'
import type { BackupJobReport } from './config.ts'

/** The kubelet keeps 4096 bytes of a termination message; some are left for what it adds. */
const maxBytes = 3_900

/** The report as text that fits: reasons are shortened, then the longest list, and `more` says by how many. */
export const reportText = (report: BackupJobReport): string => {
  if (report.result === 'Backup') {
    const missing = report.missing.map(({ what, why }) => ({ what: what.slice(0, 120), why: why.slice(0, 200) }))
    return shortened(missing, (kept, more) => ({ ...report, missing: kept, ...more }))
  }
  if (report.result === 'Prune') {
    const problems = report.problems.slice(0, 5).map(({ path, why }) => ({ path, why: why.slice(0, 200) }))
    return shortened(report.removed, (removed, more) => ({ ...report, problems, removed, ...more }))
  }
  return JSON.stringify(report)
}

const shortened = <Item>(
  items: readonly Item[],
  build: (kept: Item[], more: { more?: number }) => BackupJobReport,
): string => {
  for (let kept = Math.min(items.length, 64); ; kept -= 1) {
    const more = items.length - kept
    const text = JSON.stringify(build(items.slice(0, kept), more === 0 ? {} : { more }))
    if (kept === 0 || Buffer.byteLength(text) <= maxBytes) return text
  }
}

/** What is said of a failure. */
export const failureReport = (error: unknown): BackupJobReport => {
  if (isBackupError(error))
    return { result: 'Failed', code: error.code, reason: error.reason.slice(0, 2_000), remedy: error.remedy }
  if (error instanceof ConfigError)
    return {
      result: 'Failed',
      code: 'ConfigInvalid',
      reason: error.message.slice(0, 2_000),
      remedy: 'The operator and the image of the Job do not belong together: give both the same version',
    }
  return {
    result: 'Failed',
    code: 'Failed',
    reason: wordsOf(error).slice(0, 2_000),
    remedy: 'Look at the log of the Job; it is tried again',
  }
}

/** What an aborted signal means: a deadline has its own error already. */
export const stopped = (reason: unknown): unknown =>
  isBackupError(reason) ? reason : new BackupError('Stopped', 'the Job was told to stop', { cause: reason })
