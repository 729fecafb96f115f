import { parseDuration } from '../api/v1alpha1/durations.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import { owned } from './object.ts'
import type { Desire } from './types.ts'

/**
 * Retry of deliveries: exponential from half a second, bounded in number and, by Dapr itself, at 15 minutes. Then the event goes to the
 * dead-letter topic. No circuit breaker: an open one would send every event there at once. No timeout either: it would not stop the worker,
 * and the same event would be handled twice at the same time.
 */
export const daprResiliency: Desire = (input) => {
  const { metadata, spec } = input.bot
  const system = metadata.name
  const { maxRetries } = spec.dapr.resiliency
  // Dapr reads Go's durations, which know no days.
  const maxInterval = `${String(parseDuration(spec.dapr.resiliency.maxInterval))}ms`
  return [
    owned(input, {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Resiliency',
      name: names.resiliency(system),
      app: 'todochatbot',
      component: 'dapr',
      stage: 'Dapr',
      body: {
        scopes: workerFields.map((field) => names.worker(system, workerNames[field])),
        spec: {
          policies: { retries: { delivery: { policy: 'exponential', maxInterval, maxRetries } } },
          targets: { components: { [names.pubsub(system)]: { inbound: { retry: 'delivery' } } } },
        },
      },
    }),
  ]
}
