/** Whether a Restore may begin, or may take the workers away: in the order of yields, Isolation > Restore, and one Restore at a time. Pure. */
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import { isPaused } from '../../api/v1alpha1/paused.ts'
import { isolationAt } from '../../api/v1alpha1/isolation.ts'
import { workerNames } from '../../api/v1alpha1/names.ts'
import type { Restore, RestoreSpec, RestoreStatus } from '../../api/v1alpha1/restore.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { KubeObject } from '../../kube/object.ts'
import { pauseDetail } from '../todochatbot/assess.ts'

/** What has to happen first; undefined: nothing. @param restores every Restore of the namespace @param now ms since the epoch */
export const waitsFor = (
  restore: Restore,
  bot: TodoChatbot,
  restores: readonly KubeObject[],
  now: number,
): string | undefined => {
  const ahead = restores
    .filter((other) => (other['spec'] as Partial<RestoreSpec> | undefined)?.system === bot.metadata.name)
    .filter((other) => other.metadata.uid !== restore.metadata.uid && !isFinished(statusOf(other)))
    .filter((other) => comesBefore(other, restore.metadata))
    .toSorted((a, b) => (comesBefore(a, b.metadata) ? -1 : 1))[0]
  if (ahead !== undefined)
    return `waits for Restore/${ahead.metadata.name}: ${statusOf(ahead)?.summary ?? 'it came first'}`
  if (restore.spec.mode === 'Drill') return undefined
  const isolated = workerFields.find((worker) => isolationAt(bot, worker, now) !== undefined)
  if (isolated !== undefined)
    return `waits until ${workerNames[isolated]} is not isolated any more (spec.services.${isolated}.isolated)`
  return isPaused(bot, now) ? `waits: the system ${pauseDetail({ bot })}` : undefined
}

/** The older one goes first, whoever has begun before all others. */
const comesBefore = (one: KubeObject, other: KubeObject['metadata']): boolean => {
  const a = one.metadata.creationTimestamp ?? ''
  const b = other.creationTimestamp ?? ''
  return a === b ? one.metadata.name < other.name : a < b
}

const statusOf = (object: KubeObject): RestoreStatus | undefined => object['status'] as RestoreStatus | undefined
