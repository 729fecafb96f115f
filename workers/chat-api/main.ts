import { createAuthenticator, createTokenIssuer } from '../lib/auth.ts'
import { HttpProblem } from '../lib/http-errors.ts'
import { deleteExpiredPeriodically } from '../lib/expiry.ts'
import { createOutboxRelay } from '../lib/outbox-relay.ts'
import { createStateStore } from '../lib/state-store.ts'
import { uuidv7 } from '../lib/uuid.ts'
import { runWorker } from '../lib/worker.ts'
import { readEnvironment } from '../lib/environment.ts'
import { registerChatApi } from './app.ts'
import { chatApiConfigSchema } from './config.ts'
import { expiries } from './expiries.ts'

await runWorker({
  schema: chatApiConfigSchema,
  secrets: ['jwtKey'],
  bodyLimit: ({ settings }) => settings.bodyLimit,
  build: ({ config, secrets, database, sidecar, server, lifecycle, logger, metrics }) => {
    const { settings } = config
    const principal = createAuthenticator({ jwtKey: secrets.jwtKey })
    const now = (): Date => new Date()
    const store = config.dapr.stateStore
    const port = readEnvironment().daprHttpPort ?? config.dapr.httpPort
    const stateStore = store === undefined ? undefined : createStateStore({ port, store, timeout: 1_000 })
    registerChatApi(server, {
      database,
      stateStore,
      settings,
      logger,
      producer: config.service,
      version: config.version,
      authenticate: async (authorization) => {
        const who = await principal(authorization)
        if (who.kind !== 'user') throw new HttpProblem('FORBIDDEN', 'this API is for users; log in')
        return who.userId
      },
      issueToken: createTokenIssuer({ jwtKey: secrets.jwtKey, ttl: settings.tokenLifetime / 1000 }),
      now,
      newId: uuidv7,
    })
    if (stateStore) lifecycle.onClose('state store', () => stateStore.close())
    const relay = createOutboxRelay({
      database,
      publisher: sidecar,
      topics: config.topics,
      logger,
      metrics: metrics.outbox,
    })
    lifecycle.background('outbox relay', (signal) => relay.run(signal))
    lifecycle.background('expiry', (signal) =>
      deleteExpiredPeriodically({ db: database, expiries: () => expiries, now, logger }, signal),
    )
  },
})
