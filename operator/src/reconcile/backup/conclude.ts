/** The status of a Backup, from its Job, what the Job's pod says while it works, and its last words. Pure. */
import {
  backupJobReportSchema,
  type BackupJobReport,
  type BackupProgress,
} from '../../../../workers/jobs/backup/config.ts'
import type { Backup, BackupPhase, BackupStatus } from '../../api/v1alpha1/backup.ts'
import { formatDuration } from '../../api/v1alpha1/durations.ts'
import { oneShotConditions, type FinalPhase } from '../../api/v1alpha1/one-shot.ts'
import type { DestinationSpec } from '../../api/v1alpha1/schema/destination.ts'
import { backupPath } from '../../desired/backup-job.ts'
import { lineOf, type Finding } from '../errors.ts'
import { lastWordsOf } from '../one-shot/last-words.ts'
import { firstBlocker, lastError } from '../todochatbot/blockers.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import type { ClaimView, JobView, PodView } from '../todochatbot/views.ts'

/** What a status is made from. */
export interface BackupSeen {
  readonly backup: Backup
  readonly job: JobView | undefined
  readonly pods: readonly PodView[]
  readonly progress: BackupProgress | undefined
  readonly claim: ClaimView | undefined
  /** What keeps the Job from being made, such as another backup that comes first. */
  readonly problem: Finding | undefined
  /** ms since the epoch */
  readonly now: number
}

/** The status of the first look: from here on the deadline counts. @param deadline ms */
export function started({ metadata, status }: Backup, deadline: number, now: number): BackupStatus {
  const startedAt = timestamp(now)
  const message = 'Waiting for its turn'
  return {
    ...status,
    observedGeneration: metadata.generation,
    phase: 'Pending',
    summary: message,
    startedAt,
    deadline: timestamp(Date.parse(startedAt) + deadline),
    conditions: oneShotConditions(status?.conditions, {
      phase: 'Pending',
      message,
      generation: metadata.generation,
      now: startedAt,
    }),
  }
}

/** What is settled when its turn has come: where it lies, whatever becomes of the policy of the system afterwards. */
export const placed = (backup: Backup, destination: DestinationSpec): Pick<BackupStatus, 'destination' | 'path'> => ({
  destination,
  path: backupPath(backup),
})

/** The status now. */
export function conclude(seen: BackupSeen): BackupStatus {
  const { backup, job, pods, problem, now } = seen
  const words = lastWordsOf(pods, backupJobReportSchema)
  if (words?.report.result === 'Backup') return made(seen, words.report)
  if (job?.state === 'Complete') return lost(seen)
  if (job?.state === 'Failed') {
    const said = words?.report.result === 'Failed' ? words.report : undefined
    const why = said?.reason ?? lastError(pods) ?? job.message
    return failed(seen, said === undefined ? why : `${said.code}: ${why}`, said?.remedy)
  }
  const line = problem === undefined ? waitingFor(seen) : lineOf(problem)
  const { startedAt = '', deadline = '' } = backup.status ?? {}
  if (now >= Date.parse(deadline)) {
    const allowed = formatDuration(Date.parse(deadline) - Date.parse(startedAt))
    return failed(seen, `not done within ${allowed}: ${line}`)
  }
  const running = pods.some(({ phase }) => phase === 'Running')
  return {
    ...unfinished(seen, running ? 'Running' : 'Pending', line),
    ...(seen.progress === undefined || !running ? {} : { progress: seen.progress }),
  }
}

type BackupReport = Extract<BackupJobReport, { result: 'Backup' }>

function made(seen: BackupSeen, report: BackupReport): BackupStatus {
  const { phase, path, bytes, manifestSha256, encrypted, cut, base, counts, missing, more = 0 } = report
  const left = missing.length + more
  const what = `${sizeOf(bytes)}: ${counts.rows} rows, ${counts.records} records`
  const [first] = missing
  const why = missing.map((entry) => `${entry.what}: ${entry.why}`).join('; ')
  const summary = left === 0 ? what : `${what}; ${left} missing: ${first?.what ?? ''}`
  const message = left === 0 ? `The backup holds ${what}` : `It can be restored, but does not hold everything. ${why}`
  const beyond = more === 0 ? [] : [{ what: `${more} more`, why: 'manifest.json of the backup lists all of them' }]
  return {
    ...finished(seen, phase, summary, message),
    ...{ path, bytes, manifestSha256, encrypted },
    cut: { at: cut.at, skewMs: Math.round(cut.skewMs), audit: cut.audit },
    ...(base === undefined ? {} : { base }),
    ...(left === 0 ? {} : { missing: [...missing, ...beyond].slice(0, 64) }),
  }
}

/** The Job ended well, and its pod was removed before its last words were read: what is there can be restored by its path only. */
function lost(seen: BackupSeen): BackupStatus {
  const why =
    'the pod of the Job was gone before its report was read; a Restore from the path reads manifest.json in the destination'
  return {
    ...finished(seen, 'PartiallySucceeded', 'A backup was written; its report is lost', why),
    missing: [{ what: 'report', why }],
  }
}

function failed(seen: BackupSeen, why: string, remedy = 'Correct the cause and create another Backup'): BackupStatus {
  return finished(seen, 'Failed', why, `There is no backup. ${why}. ${remedy}`)
}

/** The end carries milliseconds: of two Backups that end within one second, which one is newer decides what the system says. */
function finished(seen: BackupSeen, phase: FinalPhase, summary: string, message: string): BackupStatus {
  return { ...unfinished(seen, phase, summary, message), finishedAt: new Date(seen.now).toISOString() }
}

function unfinished({ backup, now }: BackupSeen, phase: BackupPhase, summary: string, message = summary): BackupStatus {
  const { status, metadata } = backup
  const rest = Object.fromEntries(
    Object.entries(status ?? {}).filter(([field]) => field !== 'progress'),
  ) as BackupStatus
  return {
    ...rest,
    observedGeneration: metadata.generation,
    phase,
    summary: summary.slice(0, 1024),
    conditions: oneShotConditions(status?.conditions, {
      phase,
      message,
      generation: metadata.generation,
      now: timestamp(now),
    }),
  }
}

function waitingFor({ pods, claim, progress, now }: BackupSeen): string {
  const blocker = firstBlocker(pods, now)
  if (blocker !== undefined) return lineOf(blocker)
  if (pods.some(({ phase }) => phase === 'Running'))
    return progress === undefined ? 'Working' : `Writing ${progress.part}, ${progress.percent} %`
  if (claim?.bound === false)
    return `PersistentVolumeClaim/${claim.name}: waits for a volume from ${claim.storageClass === '' ? 'the default storage class' : `storage class ${claim.storageClass}`}`
  return 'Waiting for the pod of the Job'
}

const sizeOf = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
