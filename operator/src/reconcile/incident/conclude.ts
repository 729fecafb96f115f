/** The status of an Incident, from its Job and what the Job's pod said at its end. Pure. */
import type { Incident, IncidentStatus } from '../../api/v1alpha1/incident.ts'
import { names } from '../../api/v1alpha1/names.ts'
import { oneShotConditions, type FinalPhase } from '../../api/v1alpha1/one-shot.ts'
import { archiveFile, incidentDeadline } from '../../desired/evidence.ts'
import { evidenceReportSchema, type EvidenceReport } from '../../../../workers/jobs/evidence/config.ts'
import { lineOf, type Finding } from '../errors.ts'
import { reportOf } from '../one-shot/last-words.ts'
import { firstBlocker, lastError } from '../todochatbot/blockers.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import type { ClaimView, JobView, PodView } from '../todochatbot/views.ts'

/** What a status is made from. */
export interface IncidentSeen {
  readonly incident: Incident
  readonly job: JobView | undefined
  readonly pods: readonly PodView[]
  readonly claim: ClaimView | undefined
  /** What kept the objects from being written, such as a system that does not exist. */
  readonly problem: Finding | undefined
  /** ms since the epoch */
  readonly now: number
}

/** The status of the first look: from here on the deadline counts. */
export function started({ metadata, status }: Incident, now: number): IncidentStatus {
  const startedAt = timestamp(now)
  return {
    ...status,
    observedGeneration: metadata.generation,
    phase: 'Pending',
    summary: 'Waiting for the Job that collects the evidence',
    startedAt,
    deadline: timestamp(Date.parse(startedAt) + incidentDeadline),
    conditions: oneShotConditions(status?.conditions, {
      phase: 'Pending',
      message: 'Waiting for the Job to start',
      generation: metadata.generation,
      now: startedAt,
    }),
  }
}

/** The status now; one that is finished stays as it is. */
export function conclude(seen: IncidentSeen): IncidentStatus {
  const { incident, job, pods, problem, now } = seen
  const report = reportOf(pods, evidenceReportSchema)
  if (report !== undefined) return collected(seen, report)
  if (job?.state === 'Complete') return lost(seen)
  if (job?.state === 'Failed') return failed(seen, lastError(pods) ?? job.message)
  const line = problem === undefined ? waitingFor(seen) : lineOf(problem)
  const deadline = Date.parse(incident.status?.deadline ?? '')
  if (now >= deadline) return failed(seen, `not done within ${incidentDeadline / 1000} s: ${line}`)
  const running = pods.some(({ phase }) => phase === 'Running')
  return unfinished(seen, running ? 'Collecting' : 'Pending', line)
}

function collected(seen: IncidentSeen, report: EvidenceReport): IncidentStatus {
  const { bytes, sha256, missing, more = 0 } = report
  const files = report.collected.reduce((total, entry) => total + entry.files, 0)
  const size = bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
  const left = missing.length + more
  const partial = left > 0
  const { summary, why } = partial
    ? {
        summary: `${files} files, ${size}; ${left} missing: ${missing[0]?.what ?? ''}`,
        why: missing.map((entry) => `${entry.what}: ${entry.why}`).join('; '),
      }
    : { summary: `${files} files, ${size}`, why: '' }
  const phase = partial ? 'PartiallySucceeded' : 'Succeeded'
  const said = partial ? `The archive is written, but not everything is in it. ${why}` : `The archive holds ${summary}`
  return {
    ...finished(seen, phase, summary, said),
    archive: { ...archiveOf(seen.incident), bytes, sha256 },
    collected: report.collected,
    ...(partial ? { missing: [...missing, ...(more > 0 ? [andMore(more)] : [])] } : {}),
  }
}

const andMore = (more: number): { what: string; why: string } => ({
  what: `${more} more`,
  why: 'manifest.json in the archive lists all of them',
})

/** The Job ended well, and its pod was removed before its last words were read. */
function lost(seen: IncidentSeen): IncidentStatus {
  const archive = archiveOf(seen.incident)
  const why = `the pod of the Job was gone before its report was read; ${archive.path}.sha256 in the volume holds the checksum`
  return {
    ...finished(seen, 'PartiallySucceeded', 'An archive was written; its report is lost', why),
    archive,
    missing: [{ what: 'report', why }],
  }
}

function failed(seen: IncidentSeen, why: string): IncidentStatus {
  return {
    ...finished(seen, 'Failed', why.slice(0, 1024), `No archive was written. ${why}. ${remedy}`),
    missing: [{ what: 'archive', why: why.slice(0, 1024) }],
  }
}

const remedy = 'Create another Incident once the cause is corrected'

function finished(seen: IncidentSeen, phase: FinalPhase, summary: string, message: string): IncidentStatus {
  return {
    ...unfinished(seen, phase, summary, message),
    finishedAt: timestamp(seen.now),
  }
}

function unfinished(
  { incident, now }: IncidentSeen,
  phase: NonNullable<IncidentStatus['phase']>,
  summary: string,
  message = summary,
): IncidentStatus {
  const { status, metadata } = incident
  return {
    ...status,
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

const archiveOf = (incident: Incident): NonNullable<IncidentStatus['archive']> => ({
  claim: names.evidenceClaim(incident.spec.system),
  path: archiveFile(incident),
})

function waitingFor({ incident, pods, claim, now }: IncidentSeen): string {
  const blocker = firstBlocker(pods, now)
  if (blocker !== undefined) return lineOf(blocker)
  if (pods.some(({ phase }) => phase === 'Running')) return 'Collecting'
  const name = names.evidenceClaim(incident.spec.system)
  if (claim?.bound === false)
    return `PersistentVolumeClaim/${name}: waits for a volume from ${claim.storageClass === '' ? 'the default storage class' : `storage class ${claim.storageClass}`}`
  return 'Waiting for the pod of the Job'
}
