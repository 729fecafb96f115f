import { createOutboxRelay } from '../lib/outbox-relay.ts'
import { runWorker } from '../lib/worker.ts'
import { registerRecurringTask } from './app.ts'
import { recurringTaskConfigSchema } from './config.ts'

await runWorker({
  schema: recurringTaskConfigSchema,
  build: ({ config, database, sidecar, server, lifecycle, logger, metrics, tracing }) => {
    const { service, settings, topics } = config
    registerRecurringTask({ server, database, logger, metrics, tracing, service, settings, now: () => new Date() })
    const relay = createOutboxRelay({ database, publisher: sidecar, topics, logger, metrics: metrics.outbox })
    lifecycle.background('relay', (signal) => relay.run(signal))
  },
})
