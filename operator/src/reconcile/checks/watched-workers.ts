import { isolationAt } from '../../api/v1alpha1/isolation.ts'
import { workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { Observed } from '../todochatbot/assess.ts'
import type { PodView } from '../todochatbot/views.ts'

/** A worker that is supposed to work: neither scaled to nothing nor isolated. */
export interface WatchedWorker {
  readonly field: WorkerField
  /** Kebab-case. */
  readonly name: string
  /** Name of its Deployment, and its Dapr app id. */
  readonly appId: string
  /** Pods that are neither ended nor on their way out. */
  readonly pods: readonly PodView[]
}

/** The workers whose silence means something. */
export function watchedWorkers({ live, seen }: Pick<Observed, 'live' | 'seen'>): readonly WatchedWorker[] {
  return workerFields.flatMap((field) => {
    const { wanted, name, pods } = live.workers[field]
    if (wanted === 0 || isolationAt(seen.bot, field, seen.now) !== undefined) return []
    const living = pods.filter(({ terminating, phase }) => !terminating && phase !== 'Succeeded' && phase !== 'Failed')
    return [{ field, name: workerNames[field], appId: name, pods: living }]
  })
}

/** How old a pod must be, in ms, before it is expected to be ready and to have joined. */
export const startPatience = 120_000

/** A pod that had the time to start. */
export const isGrownUp = ({ createdAt }: PodView, now: number): boolean => now - Date.parse(createdAt) >= startPatience
