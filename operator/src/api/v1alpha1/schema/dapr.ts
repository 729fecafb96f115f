import { z } from 'zod'
import { described, duration, text } from './field.ts'
import { resourcesSchema } from './resources.ts'

/** Sidecars, delivery and tracing. */
export const daprSchema = described(
  z.strictObject({
    logLevel: described(
      z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      'Log level of the sidecars. A change restarts the worker pods one by one.',
    ),
    appMaxConcurrency: described(
      z.int().min(1).max(1000),
      'Most requests a sidecar sends to its worker at once, 1 to 1000; no limit when absent.',
    ).optional(),
    resiliency: described(
      z
        .strictObject({
          maxInterval: duration('Longest pause between two deliveries of an event that a worker could not take', {
            min: 100,
            max: 300_000,
          }).default('10s'),
          maxRetries: described(
            z.int().min(3).max(10_000).default(240),
            'Deliveries of one event before it goes to the dead-letter topic, 3 to 10000. Only failures that may pass are retried (a database that is away); an event no worker can read goes to the dead-letter topic at once.',
          ),
        })
        .prefault({}),
      'Retry of incoming events: exponential, from half a second up to maxInterval, for at most 15 minutes.',
    ),
    tracing: described(
      z
        .strictObject({
          endpoint: text({
            description:
              'OTLP/HTTP endpoint, such as http://otel-collector.observability:4318; no traces leave the pods when absent.',
            pattern: '^https?://[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]{1,5})?(/[-a-zA-Z0-9._~/]*)?$',
            message: 'must be an http or https URL without query, such as http://otel-collector.observability:4318',
            max: 500,
          }).optional(),
          samplingRate: text({
            description: 'Share of requests that are traced, 0 to 1, as a string.',
            pattern: '^(0|1|0[.][0-9]{1,6}|1[.]0{1,6})$',
            message: 'samplingRate must be a string between "0" and "1", such as "0.1"',
            max: 8,
          }).optional(),
        })
        .prefault({}),
      'Tracing (W3C trace context). Default of samplingRate by profile: Development 1, Staging 0.1, Production 0.01.',
    ),
    sidecarResources: resourcesSchema.optional(),
  }),
  'Dapr: the sidecar of every worker.',
)

/** Dapr part of a spec as the API server stores it. */
export type Dapr = z.output<typeof daprSchema>
