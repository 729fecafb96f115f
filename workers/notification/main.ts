import { deleteExpiredPeriodically } from '../lib/expiry.ts'
import type { Expiry } from '../lib/expiry.ts'
import { inboxExpiry } from '../lib/inbox.ts'
import { createOutboxRelay } from '../lib/outbox-relay.ts'
import { runWorker } from '../lib/worker.ts'
import { registerNotification } from './app.ts'
import { notificationConfigSchema } from './config.ts'
import { consumer } from './intake.ts'
import { notificationExpiry } from './retention.ts'

await runWorker({
  schema: notificationConfigSchema,
  secrets: ['appToken'],
  build: ({ config, secrets: { appToken }, database, sidecar, server, lifecycle, logger, metrics, tracing }) => {
    const { service, settings, topics } = config
    const now = (): Date => new Date()
    registerNotification({ server, database, logger, metrics, tracing, lifecycle, appToken, service, settings, now })
    const relay = createOutboxRelay({ database, publisher: sidecar, topics, logger, metrics: metrics.outbox })
    lifecycle.background('relay', (signal) => relay.run(signal))
    const expiries = (): Expiry[] => [
      inboxExpiry(consumer, settings.inboxRetention),
      notificationExpiry(settings.notificationRetention),
    ]
    lifecycle.background('expiry', (signal) =>
      deleteExpiredPeriodically({ db: database, expiries, now, logger }, signal),
    )
  },
})
