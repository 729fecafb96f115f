import type { Logger } from 'pino'
import { manager } from '../../api/v1alpha1/labels.ts'
import type { ReplayStatus } from '../../api/v1alpha1/replay.ts'
import type { Config } from '../../config.ts'
import { createController, type Controller } from '../../runtime/controller.ts'
import type { Metrics } from '../../runtime/metrics.ts'
import { statusWriter } from '../todochatbot/status-writer.ts'
import { wakeReplays } from './controller.ts'
import { askProgress } from './progress.ts'
import { replayReconciler, type ReplayDependencies } from './reconcile.ts'

/** What the controller is made of. */
export interface ReplayControllerParts extends Pick<ReplayDependencies, 'informers' | 'client' | 'applier' | 'record'> {
  readonly config: Config
  readonly version: string
  /** ms, monotonic */
  readonly now: () => number
  readonly metrics: Metrics
  readonly logger: Logger
}

/** The controller of Replays, connected to what wakes it. One thread: two of them could start two Replays on one worker. */
export function replayController({
  config,
  version,
  now,
  metrics,
  logger,
  ...parts
}: ReplayControllerParts): Controller {
  const controller = createController(
    {
      name: 'replay',
      reconcile: replayReconciler({
        ...parts,
        statuses: statusWriter<ReplayStatus>({
          client: parts.client,
          fieldManager: manager,
          observe: (written) => parts.informers.Replay.observe(written),
          now,
          interval: 0,
          settle: 0,
          progressInterval: 0,
        }),
        fieldManager: manager,
        operatorVersion: version,
        images: config.images,
        now: Date.now,
        askProgress: askProgress(1_000),
      }),
      concurrency: 1,
    },
    { metrics, logger },
  )
  wakeReplays(parts.informers, controller)
  return controller
}
