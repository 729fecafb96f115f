/**
 * Which backups go. The Job in the mode Prune decides from what lies in the destination (workers/jobs/backup), because that is where the bases of
 * incremental backups are known and where backups lie whose resources are gone; here it is decided when to look, and which Backup resources go
 * with what was removed. A failed Backup has no data: the newest keepLast of them stay to be looked at, older ones go by age.
 */
import type { Backup } from '../../api/v1alpha1/backup.ts'
import { backupKind } from '../../api/v1alpha1/backup.ts'
import type { ResolvedBackup } from '../../api/v1alpha1/defaults.ts'
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import type { DestinationSpec } from '../../api/v1alpha1/schema/destination.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { shortHash } from '../../desired/hash.ts'
import { roundLabel } from '../../desired/backup-job.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { EventInput } from '../../runtime/events.ts'
import type { EventReason } from '../todochatbot/events.ts'
import type { Seen } from '../todochatbot/observe.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { jobsOf, readTask, runTask, type TaskTools } from './tasks.ts'

/** What retention needs. */
export interface RetentionTools extends TaskTools {
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/** What retention looks at. */
export interface RetentionInput {
  readonly seen: Seen
  readonly destination: DestinationSpec
  /** Every Backup of the system; none of them is unfinished. */
  readonly backups: readonly Backup[]
  readonly previous: SystemBackup['retention']
}

/** What came of a look. */
export interface RetentionLook {
  readonly retention?: NonNullable<SystemBackup['retention']>
  /** ms */
  readonly afterMs?: number
}

const day = 86_400_000

/** Looks once per backup that was made, per change of the policy, and once a day because backups grow old by themselves. */
export async function lookAtRetention(
  tools: RetentionTools,
  { seen, destination, backups, previous }: RetentionInput,
  signal: AbortSignal,
): Promise<RetentionLook> {
  const { resolved, now } = seen
  const policy = resolved.spec.backup.retention
  const newest = backups
    .filter(({ status }) => status?.phase === 'Succeeded' || status?.phase === 'PartiallySucceeded')
    .map(({ metadata, status }) => `${status?.finishedAt ?? ''} ${metadata.uid}`)
    .sort()
    .at(-1)
  if (newest === undefined) return {}
  const today = Math.floor(now / day)
  const decides = shortHash({ newest, policy, destination, today })
  const wanted = roundLabel(decides)
  // What an earlier round removed is known from its report only: it is read before another one begins.
  const unread = jobsOf(tools, resolved.metadata, 'Prune').find(
    ({ metadata: { labels } }) => labels?.[label.backupRound] !== previous?.round,
  )
  const round = unread?.metadata.labels?.[label.backupRound] ?? wanted
  // What came of an earlier round says nothing about what is wanted now, and nobody wakes us for that.
  const tomorrow = { afterMs: round === wanted ? (today + 1) * day - now : 1 }
  if (previous?.round === round) return tomorrow
  const verified = provenPaths(backups, resolved.status?.backup?.lastVerifiedRestore?.path)
  const task = { mode: 'Prune', verified, inUse: [] } as const
  const result =
    unread === undefined
      ? await runTask(tools, seen, { destination, task, round: decides }, signal)
      : readTask(tools, unread, 'Prune', now)
  if (result.state === 'Running') return {}
  const at = timestamp(now)
  if (result.state === 'Failed')
    return { retention: { at, round, message: result.message.slice(0, 1024) }, ...tomorrow }
  if (result.report.result !== 'Prune') return {}
  const { removed, dryRun, problems, more = 0 } = result.report
  const paths = removed.map(({ path }) => path)
  const message = [
    ...problems.map(({ path, why }) => `${path}: ${why}`),
    ...(more === 0 ? [] : [`${more} more are named in the log of the Job`]),
  ].join('; ')
  const said = message === '' ? {} : { message: message.slice(0, 1024) }
  if (dryRun) return { retention: { at, round, would: paths.slice(0, 64), ...said }, ...tomorrow }
  const gone = [...withoutData(backups, paths, destination), ...oldFailures(backups, policy, now)]
  await removeResources(tools, gone, signal)
  if (gone.length > 0) {
    const note = `Removed by spec.backup.retention: ${gone.map(({ metadata }) => metadata.name).join(', ')}`
    tools.record(seen.resource, { type: 'Normal', reason: 'BackupsRemoved', action: 'CleanUp', note })
  }
  return { retention: { at, round, removed: removed.length, ...said }, ...tomorrow }
}

/** Paths that a restore has proved, newest proof last. */
export const provenPaths = (backups: readonly Backup[], drilled: string | undefined): readonly string[] => [
  ...new Set([
    ...backups
      .filter(({ status }) => status?.verifiedAt !== undefined)
      .sort((a, b) => (a.status?.verifiedAt ?? '').localeCompare(b.status?.verifiedAt ?? ''))
      .flatMap(({ status }) => status?.path ?? []),
    ...(drilled === undefined ? [] : [drilled]),
  ]),
]

/** Backups whose data was removed from this destination. */
export const withoutData = (
  backups: readonly Backup[],
  paths: readonly string[],
  destination: DestinationSpec,
): readonly Backup[] => {
  const place = shortHash(destination)
  return backups.filter(
    ({ status }) =>
      status?.path !== undefined &&
      paths.includes(status.path) &&
      status.destination !== undefined &&
      shortHash(status.destination) === place,
  )
}

/** Failed Backups that are older than the policy keeps any, beyond the newest. */
export const oldFailures = (
  backups: readonly Backup[],
  { keepLast, maxAge }: Pick<ResolvedBackup['retention'], 'keepLast' | 'maxAge'>,
  now: number,
): readonly Backup[] =>
  backups
    .filter(({ status }) => status?.phase === 'Failed')
    .sort((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? ''))
    .slice(keepLast)
    .filter(({ status }) => Date.parse(status?.finishedAt ?? '') < now - parseDuration(maxAge))

async function removeResources({ client }: TaskTools, backups: readonly Backup[], signal: AbortSignal): Promise<void> {
  for (const { metadata } of backups) {
    const options = { uid: metadata.uid, propagationPolicy: 'Background' as const, signal }
    await client.delete(kinds[backupKind], metadata, options).catch((error: unknown) => {
      if (!isNotFound(error) && !hasReason(error, 'Conflict')) throw error
    })
  }
}
