import { createOutboxRelay } from '../lib/outbox-relay.ts'
import { runWorker } from '../lib/worker.ts'
import { registerNotification } from './app.ts'
import { notificationConfigSchema } from './config.ts'

await runWorker({
  schema: notificationConfigSchema,
  build: ({ config, database, sidecar, server, lifecycle, logger, metrics, tracing }) => {
    const { service, settings, topics } = config
    const now = (): Date => new Date()
    registerNotification({ server, database, logger, metrics, tracing, lifecycle, service, settings, now })
    const relay = createOutboxRelay({ database, publisher: sidecar, topics, logger, metrics: metrics.outbox })
    lifecycle.background('relay', (signal) => relay.run(signal))
  },
})
