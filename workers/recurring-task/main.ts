import { deleteExpiredPeriodically } from '../lib/expiry.ts'
import type { Expiry } from '../lib/expiry.ts'
import { inboxExpiry, ledgerExpiry } from '../lib/inbox.ts'
import { createOutboxRelay } from '../lib/outbox-relay.ts'
import { runWorker } from '../lib/worker.ts'
import { registerRecurringTask } from './app.ts'
import { consumer } from './completion.ts'
import { recurringTaskConfigSchema } from './config.ts'

await runWorker({
  schema: recurringTaskConfigSchema,
  secrets: ['appToken'],
  build: ({ config, secrets: { appToken }, database, sidecar, server, lifecycle, logger, metrics, tracing }) => {
    const { service, settings, topics } = config
    const now = (): Date => new Date()
    registerRecurringTask({ server, database, logger, metrics, tracing, appToken, service, settings, now })
    const relay = createOutboxRelay({ database, publisher: sidecar, topics, logger, metrics: metrics.outbox })
    lifecycle.background('relay', (signal) => relay.run(signal))
    const expiries = (): Expiry[] => [inboxExpiry(consumer, settings.inboxRetention), ledgerExpiry]
    lifecycle.background('expiry', (signal) =>
      deleteExpiredPeriodically({ db: database, expiries, now, logger }, signal),
    )
  },
})
