/** The status of a Replay, from its Job, what its pod said, and the decision. Pure. */
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import { oneShotConditions } from '../../api/v1alpha1/one-shot.ts'
import type { Replay, ReplayPhase, ReplayStatus } from '../../api/v1alpha1/replay.ts'
import { replayReportSchema, type ReplayProgress, type ReplayReport } from '../../../../workers/jobs/replay/config.ts'
import { firstBlocker, lastError } from '../todochatbot/blockers.ts'
import { lineOf } from '../errors.ts'
import { reportOf } from '../one-shot/last-words.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import type { JobView, PodView } from '../todochatbot/views.ts'

/** The status of the first look: from here on the deadline counts. */
export function begun(replay: Replay, now: number): ReplayStatus {
  const { metadata, spec, status } = replay
  const startedAt = timestamp(now)
  const summary = 'Waiting for its turn'
  return {
    ...status,
    observedGeneration: metadata.generation,
    phase: 'Pending',
    summary,
    startedAt,
    deadline: timestamp(Date.parse(startedAt) + parseDuration(spec.deadline)),
    conditions: conditionsOf(replay, 'Pending', summary, now),
  }
}

/** A status that is not final. Counts stay as they were last known. */
export function unfinished(
  replay: Replay,
  phase: 'Pending' | 'Running' | 'Paused',
  summary: string,
  now: number,
  progress?: ReplayProgress,
): ReplayStatus {
  const { metadata, status } = replay
  return {
    ...status,
    observedGeneration: metadata.generation,
    phase,
    summary: summary.slice(0, 1024),
    ...(progress === undefined ? {} : { progress: { percent: progress.percent }, counts: progress.counts }),
    conditions: conditionsOf(replay, phase, summary, now),
  }
}

/** While its Job runs. */
export function running(
  replay: Replay,
  pods: readonly PodView[],
  progress: ReplayProgress | undefined,
  now: number,
): ReplayStatus {
  if (progress !== undefined) return unfinished(replay, 'Running', lineOfCounts(replay, progress.counts), now, progress)
  const blocker = firstBlocker(pods, now)
  const error = lastError(pods)
  if (blocker !== undefined) return unfinished(replay, 'Pending', lineOf(blocker), now)
  if (pods.some(({ phase }) => phase === 'Running'))
    return unfinished(
      replay,
      'Running',
      replay.status?.phase === 'Running' ? (replay.status.summary ?? 'Reading') : 'Reading',
      now,
    )
  return unfinished(
    replay,
    'Pending',
    error === undefined ? 'Waiting for the pod of the Job' : `is tried again: ${error}`,
    now,
  )
}

/** A final status that is no result of the Job. */
export function ended(replay: Replay, phase: 'Aborted' | 'Failed', summary: string, now: number): ReplayStatus {
  const delivered = replay.status?.counts?.delivered ?? 0
  const kept = delivered > 0 ? `; at least ${delivered} events were delivered and stay so` : ''
  return finished(
    replay,
    phase,
    `${summary}${kept}`,
    `${summary}${kept}. Another Replay passes over what was delivered.`,
    now,
  )
}

/** What the Job came to. */
export function concluded(replay: Replay, job: JobView, pods: readonly PodView[], now: number): ReplayStatus {
  const report = reportOf(pods, replayReportSchema)
  if (report === undefined && job.state === 'Failed')
    return ended(replay, 'Failed', lastError(pods) ?? job.message, now)
  if (report === undefined) {
    const why = 'the pod of the Job was gone before its report was read'
    const missing = [{ what: 'report', why: `${why}; a dry run of the same Replay says how the worker stands` }]
    return { ...finished(replay, 'PartiallySucceeded', 'It came to its end; its report is lost', why, now), missing }
  }
  const { counts, failures, missing, types, gaps } = report
  const partial = counts.failed > 0 || missing.length > 0 || (gaps?.unexplained ?? 0) > 0
  const hopeless = counts.failed > 0 && counts.failed === counts.matched
  const phase = hopeless ? 'Failed' : partial ? 'PartiallySucceeded' : 'Succeeded'
  const summary = [
    lineOfCounts(replay, counts),
    ...lineOfGaps(gaps),
    ...missing.slice(0, 1).map(({ what }) => `missing: ${what}`),
  ].join('; ')
  const why = [
    ...failures.map(({ where, reason }) => `${where}: ${reason}`),
    ...missing.map(({ what, why: because }) => `${what}: ${because}`),
  ]
  return {
    ...finished(replay, phase, summary, why.length === 0 ? summary : `${summary}. ${why.join('; ')}`, now),
    progress: { percent: 100 },
    counts,
    types,
    ...(failures.length === 0 ? {} : { failures }),
    ...(missing.length === 0 ? {} : { missing }),
    ...(gaps === undefined ? {} : { gaps }),
  }
}

function lineOfCounts({ spec }: Replay, counts: ReplayReport['counts']): string {
  const { matched, delivered, duplicates, ignored, failed } = counts
  const rest = [
    ...(duplicates > 0 ? [`${duplicates} handled before`] : []),
    ...(ignored > 0 ? [`${ignored} not for this worker`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ]
  if (spec.dryRun) {
    const due = spec.force ? matched - delivered : matched - delivered - duplicates
    return [`dry run: ${matched} matched`, ...rest, `${due} would be delivered`].join(', ')
  }
  return [`${matched} matched`, `${delivered} delivered`, ...rest].join(', ')
}

function lineOfGaps(gaps: ReplayReport['gaps']): string[] {
  if (gaps === undefined || gaps.numbers === 0) return []
  const { numbers, unexplained } = gaps
  return [`${numbers} numbers are missing in the trail${unexplained > 0 ? `, ${unexplained} without an event` : ''}`]
}

function finished(
  replay: Replay,
  phase: Exclude<ReplayPhase, 'Pending' | 'Running' | 'Paused'>,
  summary: string,
  message: string,
  now: number,
): ReplayStatus {
  const { metadata, status } = replay
  return {
    ...status,
    observedGeneration: metadata.generation,
    phase,
    summary: summary.slice(0, 1024),
    finishedAt: timestamp(now),
    conditions: conditionsOf(replay, phase, message, now),
  }
}

/** kstatus: an aborted Replay is not stuck, somebody wanted it; it never becomes Ready. */
function conditionsOf(
  { metadata, status }: Pick<Replay, 'metadata' | 'status'>,
  phase: ReplayPhase,
  message: string,
  now: number,
): NonNullable<ReplayStatus['conditions']> {
  const made = oneShotConditions(status?.conditions, {
    phase: phase === 'Aborted' ? 'Failed' : phase,
    message,
    generation: metadata.generation,
    now: timestamp(now),
  })
  return phase === 'Aborted'
    ? made.map((condition) => (condition.reason === 'Failed' ? { ...condition, reason: 'Aborted' } : condition))
    : made
}
