import type { FastifyInstance } from 'fastify'
import { Counter } from 'prom-client'
import { registerSubscription } from '../lib/consumer.ts'
import type { Logger } from '../lib/logger.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Database } from '../lib/postgres.ts'
import { defaultLimits } from '../lib/recurrence/index.ts'
import type { RecurrenceLimits } from '../lib/recurrence/index.ts'
import { taskEventDataSchema, taskEventTypes } from '../lib/task/event.ts'
import type { Tracing } from '../lib/tracing.ts'
import { createCompletionHandler } from './completion.ts'
import type { RecurringTaskSettings } from './config.ts'

/** What the worker is made of; `main.ts` brings the real ones. */
export interface RecurringTaskOptions {
  server: FastifyInstance
  database: Database
  logger: Logger
  metrics: Metrics
  tracing: Tracing
  /** What its sidecar proves itself with. */
  appToken?: string
  /** Dapr app id. */
  service: string
  settings: RecurringTaskSettings
  now: () => Date
}

/** Registers the worker's one subscription, `/events/task-events`. */
export function registerRecurringTask(options: RecurringTaskOptions): void {
  const { server, settings, metrics } = options
  const handle = createCompletionHandler({
    database: options.database,
    logger: options.logger,
    producer: options.service,
    // Read for each event: these settings change while the worker runs.
    limits: () => limitsOf(settings),
    catchUp: () => settings.catchUp,
    now: options.now,
    outcomes: new Counter({
      name: 'todochatbot_recurrence_completions_total',
      help: 'Completed instances of a series, by what followed.',
      labelNames: ['outcome'],
      registers: [metrics.registry],
    }),
  })
  registerSubscription(
    server,
    {
      path: '/events/task-events',
      types: [taskEventTypes.COMPLETED],
      data: taskEventDataSchema,
      handle: ({ event, replay }, signal) => handle(event, signal, replay),
    },
    options,
  )
}

/** Rules finer than an hour also need room for more times a day. */
function limitsOf({ finestFrequency, maxInterval, maxCount }: RecurringTaskSettings): RecurrenceLimits {
  const maxPerDay = finestFrequency === 'MINUTELY' ? 24 * 60 : defaultLimits.maxPerDay
  return { ...defaultLimits, finestFrequency, maxInterval, maxCount, maxPerDay }
}
