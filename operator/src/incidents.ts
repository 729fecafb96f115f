/** Puts the controller of incidents together: its queue, its status writer, what wakes it. */
import type { Logger } from 'pino'
import { manager } from './api/v1alpha1/labels.ts'
import { wakeIncidents } from './reconcile/incident/controller.ts'
import { incidentReconciler, type IncidentDependencies } from './reconcile/incident/reconcile.ts'
import { promptStatuses } from './reconcile/one-shot/statuses.ts'
import { createController, type Controller } from './runtime/controller.ts'
import type { Metrics } from './runtime/metrics.ts'

/** What the controller is built from. */
export interface IncidentParts extends Omit<IncidentDependencies, 'statuses' | 'fieldManager'> {
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Makes the controller and connects it to the informers. */
export const incidentController = ({ metrics, logger, ...parts }: IncidentParts): Controller => {
  const { client, informers } = parts
  const statuses: IncidentDependencies['statuses'] = promptStatuses(client, informers.Incident)
  const reconcile = incidentReconciler({ ...parts, statuses, fieldManager: manager })
  const controller = createController({ name: 'incident', reconcile, concurrency: 4 }, { metrics, logger })
  wakeIncidents(informers, controller)
  return controller
}
