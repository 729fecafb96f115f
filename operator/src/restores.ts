/** Puts the controller of restores together: its queue, its status writer, what wakes it. */
import type { Logger } from 'pino'
import { restoreProgressSchema } from '../../workers/jobs/restore/config.ts'
import { manager } from './api/v1alpha1/labels.ts'
import { askProgress } from './reconcile/one-shot/progress.ts'
import { promptStatuses } from './reconcile/one-shot/statuses.ts'
import { wakeRestores } from './reconcile/restore/controller.ts'
import type { RestoreDependencies } from './reconcile/restore/dependencies.ts'
import { restoreReconciler } from './reconcile/restore/reconcile.ts'
import { createController, type Controller } from './runtime/controller.ts'
import type { Metrics } from './runtime/metrics.ts'

/** What the controller is built from. */
export interface RestoreParts extends Omit<RestoreDependencies, 'statuses' | 'fieldManager' | 'askProgress'> {
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Makes the controller and connects it to the informers. */
export const restoreController = ({ metrics, logger, ...parts }: RestoreParts): Controller => {
  const { client, informers } = parts
  const statuses: RestoreDependencies['statuses'] = promptStatuses(client, informers.Restore)
  const reconcile = restoreReconciler({
    ...parts,
    statuses,
    fieldManager: manager,
    askProgress: askProgress(restoreProgressSchema, 1_000),
  })
  const controller = createController({ name: 'restore', reconcile, concurrency: 4 }, { metrics, logger })
  wakeRestores(informers, controller)
  return controller
}
