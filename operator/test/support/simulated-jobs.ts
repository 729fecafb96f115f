/** What the pods of Jobs say at their end, as the programs of those Jobs would: evidence of an Incident, a backup, a check, retention. */
import type { BackupJobConfig, BackupJobReport } from '../../../workers/jobs/backup/config.ts'
import { backupFolder } from '../../../workers/lib/backup/catalogue.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { kinds } from '../../src/kube/kinds.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { lastWordsOf } from './simulated-reports.ts'
import { restoreReportOf } from './simulated-restore.ts'

/** Where Jobs of backups leave what they make. Tests look at it, and break it. */
export interface SimulatedDestination {
  /** Paths, oldest first. */
  backups: string[]
  /** The moment that each of them shows. */
  readonly cuts: Map<string, string>
  /** Why it takes nothing: the code and reason that every Job ends with. */
  refuses: { readonly code: string; readonly reason: string } | undefined
  /** Jobs that make a backup do not end before this is false. */
  held: boolean
  /** Jobs that remove old backups do not end before this is false. */
  pruneHeld: boolean
  /** What a backup could not hold. */
  missing: readonly { readonly what: string; readonly why: string }[]
}

/** An empty one that takes everything. */
export const simulatedDestination = (): SimulatedDestination => ({
  backups: [],
  cuts: new Map(),
  refuses: undefined,
  held: false,
  pruneHeld: false,
  missing: [],
})

/** What tests may set. */
export interface JobWorld {
  readonly destination: SimulatedDestination
  missingEvidence: readonly object[]
}

/** How a pod of a Job ended; undefined: it has not. */
export interface JobEnd {
  readonly succeeded: boolean
  readonly status: object
}

/** Ends a pod. */
export async function endOfJob(client: KubeClient, pod: KubeObject, world: JobWorld): Promise<JobEnd | undefined> {
  const labels = pod.metadata.labels ?? {}
  if (labels['app.kubernetes.io/component'] === 'backup') return endOfBackup(client, pod, world.destination)
  const said =
    (await restoreReportOf(client, pod, world.destination.cuts)) ?? lastWordsOf(labels, world.missingEvidence)
  return {
    succeeded: true,
    status: said === undefined ? { phase: 'Succeeded' } : terminated(pod, said.container, 0, said.report),
  }
}

async function endOfBackup(
  client: KubeClient,
  pod: KubeObject,
  destination: SimulatedDestination,
): Promise<JobEnd | undefined> {
  const { namespace = '', labels, creationTimestamp = '' } = pod.metadata
  const name = labels?.['batch.kubernetes.io/job-name'] ?? ''
  const configMap = await client.get(kinds.ConfigMap, { namespace, name })
  const { 'config.json': text = '' } = (configMap['data'] ?? {}) as Record<string, string>
  const config = JSON.parse(text) as BackupJobConfig
  if (config.mode === 'Backup' && destination.held) return undefined
  if (config.mode === 'Prune' && destination.pruneHeld) return undefined
  const report = reportOf(config, destination, creationTimestamp)
  const succeeded = report.result !== 'Failed'
  return { succeeded, status: terminated(pod, 'backup', succeeded ? 0 : 1, report) }
}

function reportOf(config: BackupJobConfig, destination: SimulatedDestination, now: string): BackupJobReport {
  if (destination.refuses !== undefined)
    return { result: 'Failed', ...destination.refuses, remedy: 'Correct the access key and the secret key' }
  if (config.mode === 'Check') return { result: 'Check', writeMs: 3, readMs: 2, destination: 'a folder' }
  if (config.mode === 'Prune') {
    const { keepLast, dryRun, verified, inUse } = config
    const kept = new Set([...destination.backups.slice(-keepLast), ...verified.slice(-1), ...inUse])
    const removed = destination.backups.filter((path) => !kept.has(path))
    if (!dryRun) destination.backups = destination.backups.filter((path) => kept.has(path))
    return {
      result: 'Prune',
      dryRun,
      removed: removed.map((path) => ({ path, bytes: 1024 })),
      removedBytes: removed.length * 1024,
      kept: kept.size,
      unfinished: 0,
      problems: [],
    }
  }
  const { namespace, system, backup } = config
  const path = backupFolder({ namespace, system, ...backup, requestedAt: new Date(backup.requestedAt) })
  if (!destination.backups.includes(path)) destination.backups.push(path)
  const at = destination.cuts.get(path) ?? new Date().toISOString()
  destination.cuts.set(path, at)
  const partial = destination.missing.length > 0
  return {
    result: 'Backup',
    phase: partial ? 'PartiallySucceeded' : 'Succeeded',
    path,
    bytes: 4096,
    manifestSha256: 'b'.repeat(64),
    encrypted: config.encryption !== undefined,
    startedAt: now,
    finishedAt: now,
    cut: { at, skewMs: 4.5, audit: [{ stream: 'main', seq: 7, hash: 'c'.repeat(64) }] },
    counts: { rows: 12, records: 34, stateKeys: 1 },
    missing: [...destination.missing],
  }
}

/** Status of a pod whose container ended with these last words. */
function terminated({ metadata }: KubeObject, name: string, exitCode: number, report: object): object {
  const at = metadata.creationTimestamp
  const state = {
    terminated: {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      message: JSON.stringify(report),
      startedAt: at,
      finishedAt: at,
    },
  }
  const container = { name, image: 'x', imageID: 'x', ready: false, restartCount: 0, state }
  return { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [container] }
}
