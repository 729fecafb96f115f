/** Puts the controller of replays together: its queue, its status writer, what wakes it. */
import type { Logger } from 'pino'
import { replayProgressSchema } from '../../workers/jobs/replay/config.ts'
import { manager } from './api/v1alpha1/labels.ts'
import { askProgress } from './reconcile/one-shot/progress.ts'
import { promptStatuses } from './reconcile/one-shot/statuses.ts'
import { wakeReplays } from './reconcile/replay/controller.ts'
import { replayReconciler, type ReplayDependencies } from './reconcile/replay/reconcile.ts'
import { createController, type Controller } from './runtime/controller.ts'
import type { Metrics } from './runtime/metrics.ts'

/** What the controller is built from. */
export interface ReplayParts extends Omit<ReplayDependencies, 'statuses' | 'fieldManager' | 'askProgress'> {
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Makes the controller and connects it to the informers. */
export const replayController = ({ metrics, logger, ...parts }: ReplayParts): Controller => {
  const { client, informers } = parts
  const statuses: ReplayDependencies['statuses'] = promptStatuses(client, informers.Replay)
  const reconcile = replayReconciler({
    ...parts,
    statuses,
    fieldManager: manager,
    askProgress: askProgress(replayProgressSchema, 1_000),
  })
  // One thread: two of them could start two Replays on one worker.
  const controller = createController({ name: 'replay', reconcile, concurrency: 1 }, { metrics, logger })
  wakeReplays(informers, controller)
  return controller
}
