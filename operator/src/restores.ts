/** Puts the controller of restores together: its queue, its status writer, what wakes it. */
import type { Logger } from 'pino'
import { manager } from './api/v1alpha1/labels.ts'
import type { RestoreStatus } from './api/v1alpha1/restore.ts'
import { wakeRestores } from './reconcile/restore/controller.ts'
import type { RestoreDependencies } from './reconcile/restore/dependencies.ts'
import { restoreReconciler } from './reconcile/restore/reconcile.ts'
import { statusWriter } from './reconcile/todochatbot/status-writer.ts'
import { createController, type Controller } from './runtime/controller.ts'
import type { Metrics } from './runtime/metrics.ts'

/** What the controller is built from. */
export interface RestoreParts extends Omit<RestoreDependencies, 'statuses' | 'fieldManager' | 'now'> {
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Makes the controller and connects it to the informers. */
export const restoreController = ({ metrics, logger, ...parts }: RestoreParts): Controller => {
  const { client, informers } = parts
  // The ledger is what a successor goes by, so every change of it is written at once.
  const statuses = statusWriter<RestoreStatus>({
    client,
    fieldManager: manager,
    observe: (written) => informers.Restore.observe(written),
    now: () => performance.now(),
    interval: 0,
    settle: 0,
    progressInterval: 0,
  })
  const reconcile = restoreReconciler({ ...parts, statuses, fieldManager: manager, now: Date.now })
  const controller = createController({ name: 'restore', reconcile, concurrency: 4 }, { metrics, logger })
  wakeRestores(informers, controller)
  return controller
}
