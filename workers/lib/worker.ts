import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { ConfigError, loadSecrets } from './config.ts'
import type { WorkerConfig } from './config-schema.ts'
import { registerDaprRoutes } from './consumer.ts'
import { createSidecar } from './dapr.ts'
import type { Sidecar } from './dapr.ts'
import { readEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'
import { createLifecycle, stopOnSignals } from './lifecycle.ts'
import type { Lifecycle } from './lifecycle.ts'
import { loadLiveConfig } from './live-config.ts'
import { createLogger } from './logger.ts'
import type { Logger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { createDatabase } from './postgres.ts'
import type { Database } from './postgres.ts'
import { registerProbes } from './probes.ts'
import { createServer } from './server.ts'
import { registerSidecarMetrics } from './sidecar-metrics.ts'
import { reportFailure } from './termination.ts'
import { createTracing } from './tracing.ts'
import type { Tracing } from './tracing.ts'

/** Secret files a worker may ask for beside `databaseUri`, which all of them have. */
export type SecretName = 'appToken' | 'jwtKey' | 'serviceToken'

/** Everything a worker is built from; all of it is closed by the lifecycle, in the right order. */
export interface WorkerContext<Settings, Secret extends SecretName = never> {
  /** Fields marked hot (config-schema.ts) change in it while the worker runs: read them at each use, keep no copy. */
  readonly config: WorkerConfig<Settings>
  readonly secrets: Readonly<Record<Secret, string>>
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly database: Database
  readonly sidecar: Sidecar
  /** Not listening yet: register routes and subscriptions here. */
  readonly server: FastifyInstance
  /** `background` for loops, `onClose` for what else has to be closed, `signal` for waits. */
  readonly lifecycle: Lifecycle
}

/** One program: its configuration and how its parts are put together. */
export interface WorkerDefinition<Settings, Secret extends SecretName = never> {
  readonly schema: z.ZodType<WorkerConfig<Settings>>
  /** Secret files to load, which must be mounted; a worker is given only what it names. */
  readonly secrets?: readonly Secret[]
  /** Called once, before the server listens. Register routes and loops and return; do not wait for dependencies. */
  readonly build: (context: WorkerContext<Settings, Secret>) => void | Promise<void>
  /** Largest request body, bytes, when not 64 KiB. */
  readonly bodyLimit?: (config: WorkerConfig<Settings>) => number
}

const start = async <Settings, Secret extends SecretName>(
  definition: WorkerDefinition<Settings, Secret>,
  environment: Environment,
): Promise<void> => {
  const { schema } = definition
  const live = await loadLiveConfig(schema, environment.configDirectory)
  const { config } = live
  const { databaseUri } = await loadSecrets(['databaseUri'], environment.secretsDirectory)
  const secrets = await loadSecrets(definition.secrets ?? [], environment.secretsDirectory)
  const identity = { service: config.service, system: config.system, version: config.version }
  const logger = createLogger({ ...identity, pod: environment.podName, level: config.logLevel })
  const metrics = createMetrics(identity)
  const tracing = await createTracing({ ...identity, ...config.tracing })
  const lifecycle = createLifecycle({
    logger,
    gracePeriod: config.shutdown.gracePeriod,
    exit: (code) => process.exit(code),
  })
  stopOnSignals(lifecycle)
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'uncaught exception')
    process.exit(1)
  })

  const queries = { total: 0, slow: 0 }
  const database = createDatabase({
    uri: databaseUri,
    applicationName: config.service,
    ...config.database,
    logger,
    onQuery: (seconds, slow) => {
      queries.total += 1
      if (slow) queries.slow += 1
      metrics.queryDuration.observe(seconds)
      if (slow) metrics.slowQueries.inc()
    },
  })
  metrics.observePool(database)
  const sidecar = createSidecar({ port: environment.daprHttpPort ?? config.dapr.httpPort, pubsub: config.dapr.pubsub })
  const bodyLimit = definition.bodyLimit?.(config)
  const server = createServer({ logger, metrics, tracing, ...(bodyLimit === undefined ? {} : { bodyLimit }) })
  const checks = { database: () => database.ping(), sidecar: (signal: AbortSignal) => sidecar.check(signal) }
  const pool = (): ReturnType<Database['stats']> => database.stats()
  registerProbes(server, {
    ...identity,
    phase: lifecycle.phase,
    checks,
    metrics,
    pool,
    queries: () => ({ ...queries }),
    applied: live.applied,
  })
  registerDaprRoutes(server)
  registerSidecarMetrics(server, { port: config.dapr.metricsPort })
  live.watch({ logger, signal: lifecycle.signal })

  lifecycle.onClose('tracing', () => tracing.shutdown())
  lifecycle.onClose('database', () => database.close())
  lifecycle.onClose('sidecar', () => sidecar.close())
  await definition.build({ config, secrets, logger, metrics, tracing, database, sidecar, server, lifecycle })
  lifecycle.onDrain('server', () => server.close())
  await server.listen({ host: '::', port: config.http.port })
  lifecycle.ready()
  logger.info({ port: config.http.port }, 'started')
}

/**
 * Runs a worker until SIGTERM. The server listens before the database or the sidecar answer: daprd waits for the app's
 * port, and `/readyz` tells what is missing. A configuration that is not valid ends the process with a message that
 * names the file, the path, the problem and what is allowed.
 */
export const runWorker = async <Settings, Secret extends SecretName = never>(
  definition: WorkerDefinition<Settings, Secret>,
): Promise<void> => {
  try {
    await start(definition, readEnvironment())
  } catch (error) {
    reportFailure(error instanceof ConfigError ? error.message : `cannot start: ${String(error)}`)
    process.exit(1)
  }
}
