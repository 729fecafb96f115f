/** What a Replay waits for, in the order of procedures: isolation, restore, backup. Pure. */
import { isolationAt } from '../../api/v1alpha1/isolation.ts'
import { annotation } from '../../api/v1alpha1/labels.ts'
import type { ReplayedWorker } from '../../api/v1alpha1/replay.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { fieldOfWorker } from '../../desired/replay.ts'
import type { Obstacle } from './decide.ts'

/** What is looked at. */
export interface ObstacleSources {
  readonly bot: TodoChatbot
  readonly worker: ReplayedWorker
  /** Of the worker; undefined: there is none yet. */
  readonly deployment: KubeObject | undefined
  /** Restores and Backups of the namespace. */
  readonly restores: readonly KubeObject[]
  readonly backups: readonly KubeObject[]
  /** ms since the epoch */
  readonly now: number
}

/** The first obstacle, or undefined. */
export function obstacleOf({ bot, worker, deployment, restores, backups, now }: ObstacleSources): Obstacle | undefined {
  const isolated = isolationAt(bot, fieldOfWorker(worker), now) !== undefined
  if (isolated || deployment?.metadata.annotations?.[annotation.isolated] !== undefined)
    return { line: `waits until the isolation of ${worker} ends`, interrupts: true }
  const restore = restores.find((object) => isAbout(object, bot) && isGoingOn(object))
  if (restore !== undefined) return { line: `waits until Restore/${restore.metadata.name} ends`, interrupts: true }
  const backup = backups.find((object) => isAbout(object, bot) && phaseOf(object) === 'Running')
  if (backup !== undefined) return { line: `waits until Backup/${backup.metadata.name} ends`, interrupts: false }
  return undefined
}

const isAbout = ({ spec }: KubeObject, { metadata }: TodoChatbot): boolean =>
  (spec as { system?: string } | undefined)?.system === metadata.name

const phaseOf = (object: KubeObject): string | undefined => (object['status'] as { phase?: string } | undefined)?.phase

/** A drill touches nothing of the system. */
const isGoingOn = (restore: KubeObject): boolean =>
  (restore['spec'] as { mode?: string } | undefined)?.mode !== 'Drill' &&
  !['Succeeded', 'PartiallySucceeded', 'Failed', 'Aborted'].includes(phaseOf(restore) ?? '')
