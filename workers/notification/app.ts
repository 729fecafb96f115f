import type { FastifyInstance } from 'fastify'
import { Counter, Histogram } from 'prom-client'
import { registerSubscription } from '../lib/consumer.ts'
import type { Lifecycle } from '../lib/lifecycle.ts'
import type { Logger } from '../lib/logger.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Database } from '../lib/postgres.ts'
import { taskEventDataSchema } from '../lib/task/event.ts'
import type { Tracing } from '../lib/tracing.ts'
import type { NotificationSettings } from './config.ts'
import type { FiredReminder } from './fire.ts'
import { createIntake } from './intake.ts'
import { runScheduler } from './scheduler.ts'

/** What the worker is made of; `main.ts` brings the real ones. */
export interface NotificationOptions {
  server: FastifyInstance
  database: Database
  logger: Logger
  metrics: Metrics
  tracing: Tracing
  /** What its sidecar proves itself with. */
  appToken?: string
  lifecycle: Pick<Lifecycle, 'background'>
  /** Dapr app id. */
  service: string
  settings: NotificationSettings
  now: () => Date
}

/** Registers the subscription `/events/task-events` and starts the scheduler. */
export function registerNotification(options: NotificationOptions): void {
  const { server, database, settings, service } = options
  const intake = createIntake({ database, producer: service, now: options.now })
  registerSubscription(
    server,
    {
      path: '/events/task-events',
      data: taskEventDataSchema,
      handle: ({ event, replay }, signal) => intake(event, signal, replay),
    },
    options,
  )
  const onFired = observeFired(options)
  options.lifecycle.background('scheduler', (signal) =>
    runScheduler(
      {
        // These settings change while the worker runs.
        get batchSize() {
          return settings.batchSize
        },
        get pollInterval() {
          return settings.pollInterval
        },
        get lateAfter() {
          return settings.lateAfter
        },
        database,
        logger: options.logger,
        producer: service,
        now: options.now,
        onFired,
      },
      signal,
    ),
  )
}

function observeFired({ metrics, logger }: NotificationOptions): (fired: FiredReminder) => void {
  const registers = [metrics.registry]
  const count = new Counter({
    name: 'todochatbot_reminders_fired_total',
    help: 'Reminders delivered; late ones were overdue by more than lateAfter.',
    labelNames: ['late'],
    registers,
  })
  const lateness = new Histogram({
    name: 'todochatbot_reminder_lateness_seconds',
    help: 'From the time a reminder was set for to its delivery.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 60, 600, 3600],
    registers,
  })
  return ({ reminderId, scheduledFor, firedAt, late }) => {
    const milliseconds = firedAt.getTime() - scheduledFor.getTime()
    count.inc({ late: String(late) })
    lateness.observe(milliseconds / 1000)
    logger.info({ reminderId, latenessMs: milliseconds, late }, 'reminder fired')
  }
}
