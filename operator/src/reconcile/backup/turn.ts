/**
 * Whose turn it is: of the Backups of one system at most one works, and none while something goes on that it must not see half done. A Backup
 * reads and disrupts nothing, so neither a pause nor an isolated worker holds it: that is when its data is needed most. Pure.
 */
import type { BackupSpec, BackupStatus } from '../../api/v1alpha1/backup.ts'
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { KubeObject } from '../../kube/object.ts'
import { finding, type Finding } from '../errors.ts'

/** What is looked at. */
export interface TurnInput {
  readonly backup: KubeObject
  /** Every Backup in the namespace. */
  readonly backups: readonly KubeObject[]
  readonly bot: TodoChatbot
  /** Whether the Job of a Backup exists, by name of the Backup. */
  readonly hasJob: (backup: string) => boolean
  /** Whether a Job removes old backups now: what an incremental backup would build on may be among them. */
  readonly pruning: boolean
  /** What holds every backup but the one a restore makes for safety: the Restore that is under way, as `Restore/name`. */
  readonly fence: string | undefined
}

/** What the Backup has to wait for; undefined: it is its turn. */
export function waitsFor({ backup, backups, bot, hasJob, pruning, fence }: TurnInput): Finding | undefined {
  const { metadata } = bot
  const system = `TodoChatbot/${metadata.name}`
  if (metadata.deletionTimestamp !== undefined) return finding('Waiting', system, 'is being deleted')
  const isSafety = specOf(backup).trigger === 'Safety'
  if (fence !== undefined && !isSafety)
    return finding('Waiting', fence, 'is under way; the backup is made when it has ended')
  const others = backups.filter(
    (other) =>
      other.metadata.uid !== backup.metadata.uid &&
      specOf(other).system === metadata.name &&
      !isFinished(other['status'] as BackupStatus | undefined) &&
      other.metadata.deletionTimestamp === undefined,
  )
  const working = others.find(({ metadata: { name } }) => hasJob(name))
  const first = working ?? others.find((other) => isBefore(other, backup))
  if (first !== undefined)
    return finding('Waiting', `Backup/${first.metadata.name}`, 'comes first: never two backups of a system at once')
  if (pruning) return finding('Waiting', system, 'old backups are being removed')
  for (const type of ['DatabaseReady', 'KafkaReady'] as const) {
    const condition = findCondition(bot.status?.conditions, type)
    // While a restore holds the workers, its safety backup looks at what is there.
    if (condition?.status === 'True' || isSafety) continue
    return finding('Waiting', system, `is not ready for a backup: ${condition?.message ?? `${type} is not known yet`}`)
  }
  return undefined
}

/** Every Backup of a system that is not finished. */
export const unfinishedOf = (backups: readonly KubeObject[], system: string): readonly KubeObject[] =>
  backups.filter((one) => specOf(one).system === system && !isFinished(one['status'] as BackupStatus | undefined))

/** The order of Backups that wait: what was made first, and a safety backup before all, because a restore waits for it. */
function isBefore(a: KubeObject, b: KubeObject): boolean {
  const rank = (one: KubeObject): string =>
    `${specOf(one).trigger === 'Safety' ? 0 : 1} ${one.metadata.creationTimestamp ?? ''} ${one.metadata.name}`
  return rank(a) < rank(b)
}

const specOf = (object: KubeObject): Partial<BackupSpec> => object['spec'] ?? {}
