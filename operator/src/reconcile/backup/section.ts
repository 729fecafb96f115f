/** `status.backup` of a system, from its Backups and what the status said before. Pure. */
import type { Backup, BackupStatus } from '../../api/v1alpha1/backup.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import type { Restore } from '../../api/v1alpha1/restore.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { drillSection, type DrillNotes } from './drill-section.ts'

/** What the section is made from. */
export interface SectionInput {
  /** Every Backup of the system. */
  readonly backups: readonly Backup[]
  /** Every Restore of the system. */
  readonly restores: readonly Restore[]
  readonly previous: SystemBackup | undefined
  /** What the schedule, the check and retention say now; absent parts stay as they were, `next` does not. */
  readonly now: Pick<SystemBackup, 'destination' | 'next' | 'scheduledAt' | 'check' | 'retention'>
  /** What the schedule of drills says now; absent: there is none. */
  readonly drill?: DrillNotes | undefined
}

/** Makes the section; undefined: there is nothing to say. */
export function sectionOf({ backups, restores, previous, now, drill }: SectionInput): SystemBackup | undefined {
  const [newest, before] = usable(backups)
  const failed = backups
    .filter(({ status }) => status?.phase === 'Failed')
    .sort((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? ''))[0]
  const running = backups
    .filter(({ status, metadata }) => !isFinished(status) && metadata.deletionTimestamp === undefined)
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))[0]
  const last = newest === undefined ? undefined : lastOf(newest)
  const failedAt = failed?.status?.finishedAt ?? ''
  const isNews = failed !== undefined && failedAt > (newest?.status?.finishedAt ?? '')
  const proof = proofOf(restores, backups, previous)
  const section = defined({
    destination: now.destination,
    next: now.next,
    scheduledAt: now.scheduledAt ?? previous?.scheduledAt,
    last,
    lastFailed: isNews
      ? { name: failed.metadata.name, at: failedAt, message: failed.status?.summary ?? 'no reason given' }
      : undefined,
    running: running?.metadata.name,
    lastVerifiedRestore: proof.lastVerifiedRestore,
    measuredRPO: rpoOf(newest, before, restores),
    measuredRTO: proof.measuredRTO,
    drill: drillSection(restores, proof.lastVerifiedRestore?.at, drill),
    check: now.destination === undefined ? undefined : (now.check ?? previous?.check),
    retention: now.destination === undefined ? undefined : (now.retention ?? previous?.retention),
  })
  return Object.keys(section).length === 0 ? undefined : section
}

/** The newest backup that can be restored. */
export const newestUsable = (backups: readonly Backup[]): Backup | undefined => usable(backups)[0]

/** Newest cut first. */
const usable = (backups: readonly Backup[]): readonly Backup[] =>
  backups
    .filter(({ status, metadata }) => isUsable(status) && metadata.deletionTimestamp === undefined)
    .sort((a, b) => cutOf(b).localeCompare(cutOf(a)) || a.metadata.name.localeCompare(b.metadata.name))

/** The longer of what lies between the last two cuts, and how old the newest was when a restore of it began; s. */
function rpoOf(
  newest: Backup | undefined,
  before: Backup | undefined,
  restores: readonly Restore[],
): number | undefined {
  if (newest === undefined) return undefined
  const between = before === undefined ? [] : [(Date.parse(cutOf(newest)) - Date.parse(cutOf(before))) / 1000]
  const ages = restores
    .filter(({ status }) => status?.path !== undefined && status.path === newest.status?.path)
    .flatMap(({ status }) => status?.measured?.rpo ?? [])
  const all = [...between, ...ages]
  return all.length === 0 ? undefined : Math.round(Math.max(...all))
}

/** A backup whose report was lost has no cut: it is restored by its path and counts as nothing here. */
const isUsable = (status: BackupStatus | undefined): boolean =>
  (status?.phase === 'Succeeded' || status?.phase === 'PartiallySucceeded') && status.cut !== undefined

const cutOf = ({ status }: Backup): string => status?.cut?.at ?? ''

const lastOf = ({ metadata, status }: Backup): NonNullable<SystemBackup['last']> => ({
  name: metadata.name,
  at: status?.cut?.at ?? '',
  phase: status?.phase === 'Succeeded' ? 'Succeeded' : 'PartiallySucceeded',
  ...(status?.bytes === undefined ? {} : { bytes: status.bytes }),
})

/** The newest proof: a Restore that succeeded, what a restore wrote into its Backup, or what was known before both were removed. */
function proofOf(
  restores: readonly Restore[],
  backups: readonly Backup[],
  previous: SystemBackup | undefined,
): Pick<SystemBackup, 'lastVerifiedRestore' | 'measuredRTO'> {
  const lastVerifiedRestore = verifiedOf(backups, previous?.lastVerifiedRestore)
  const before = { lastVerifiedRestore, measuredRTO: previous?.measuredRTO }
  const newest = restores
    .filter(({ status }) => status?.phase === 'Succeeded' && status.path !== undefined)
    .sort((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? ''))[0]
  const { path, finishedAt, measured } = newest?.status ?? {}
  if (newest === undefined || path === undefined || finishedAt === undefined) return before
  if (lastVerifiedRestore !== undefined && lastVerifiedRestore.at > finishedAt) return before
  const backup = backups.find(({ status }) => status?.path === path)?.metadata.name
  return {
    lastVerifiedRestore: {
      ...(backup === undefined ? {} : { backup }),
      ...{ path, at: finishedAt, restore: newest.metadata.name },
    },
    measuredRTO: measured?.rto ?? previous?.measuredRTO,
  }
}

/** What a restore wrote into its Backup, or what was known. */
function verifiedOf(
  backups: readonly Backup[],
  previous: SystemBackup['lastVerifiedRestore'],
): SystemBackup['lastVerifiedRestore'] {
  const newest = backups
    .filter(({ status }) => status?.verifiedAt !== undefined && status.path !== undefined)
    .sort((a, b) => (b.status?.verifiedAt ?? '').localeCompare(a.status?.verifiedAt ?? ''))[0]
  const { verifiedAt, path } = newest?.status ?? {}
  if (newest === undefined || verifiedAt === undefined || path === undefined) return previous
  if (previous !== undefined && previous.at >= verifiedAt) return previous
  return { backup: newest.metadata.name, path, at: verifiedAt }
}

const defined = (section: { readonly [K in keyof SystemBackup]: SystemBackup[K] | undefined }): SystemBackup =>
  Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined))
