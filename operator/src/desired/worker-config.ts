import { parseDuration } from '../api/v1alpha1/durations.ts'
import { names, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import { topicAliases } from '../api/v1alpha1/schema/kafka.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import type { Json } from './object.ts'
import { versionOf } from './object.ts'
import { topicName } from './topics.ts'
import type { DesireInput } from './types.ts'

/** How long a worker may drain after SIGTERM; the pod's grace period leaves room for the sidecar after it. ms */
export const workerGracePeriod = 20_000

/** Workers that use the Dapr state store. */
export const stateStoreUsers: readonly WorkerField[] = ['chatApi']

/** Fields a worker applies while it runs; every other field needs a restart and is part of the pod template's hash. */
const hotFields: readonly string[] = ['logLevel']

/** config.json of a worker, as workers/lib/config-schema.ts reads it. Durations in ms. */
export const workerConfig = (input: DesireInput, field: WorkerField): Json => {
  const { metadata, spec } = input.bot
  const system = metadata.name
  const service = spec.services[field]
  const { endpoint, samplingRate } = spec.dapr.tracing
  return {
    service: names.worker(system, workerNames[field]),
    system,
    version: versionOf(input),
    logLevel: service.logLevel,
    http: { port: workerPorts[field] },
    dapr: {
      httpPort: 3500,
      pubsub: names.pubsub(system),
      ...(stateStoreUsers.includes(field) ? { stateStore: names.stateStore(system) } : {}),
    },
    topics: Object.fromEntries(topicAliases.map((alias) => [alias, topicName(input.bot, alias)])),
    database: {
      pool: spec.database.pool,
      statementTimeout: parseDuration(spec.database.statementTimeout),
      slowQueryThreshold: parseDuration(spec.database.slowQueryThreshold),
    },
    tracing: { ...(endpoint === undefined ? {} : { endpoint }), samplingRate: Number(samplingRate) },
    shutdown: { gracePeriod: workerGracePeriod },
    settings: service.config,
  }
}

/** The part of a config.json that only counts after a restart. */
export const coldConfig = (config: Json): Json =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !hotFields.includes(key)))
