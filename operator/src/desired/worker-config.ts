import { hotFieldsOf } from '../../../workers/lib/config-schema.ts'
import { parseDuration } from '../api/v1alpha1/durations.ts'
import { names, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import { topicAliases } from '../api/v1alpha1/schema/kafka.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { settingsSchemas } from './config-problems.ts'
import { contentHash } from './hash.ts'
import type { Json } from './object.ts'
import { versionOf } from './object.ts'
import { oncePer } from './once-per.ts'
import { topicName } from './topics.ts'
import type { DesireInput } from './types.ts'

/** How long a worker may drain after SIGTERM; the pod's grace period leaves room for the sidecar after it. ms */
export const workerGracePeriod = 20_000

/** Workers that use the Dapr state store. */
export const stateStoreUsers: readonly WorkerField[] = ['chatApi']

const ofWorkers = <T>(make: (field: WorkerField) => T): Readonly<Record<WorkerField, T>> =>
  Object.fromEntries(workerFields.map((field) => [field, make(field)])) as Record<WorkerField, T>

/** Settings that running workers take over, by the marks in their own schemas. */
const hotFields = ofWorkers((field): readonly string[] => hotFieldsOf(settingsSchemas[field]))

/** Splits settings into those a running worker takes over and those that need a restart. */
const splitSettings = (field: WorkerField, settings: Json): { readonly hot: Json; readonly cold: Json } => {
  const hot = hotFields[field]
  const only = (wanted: boolean): Json =>
    Object.fromEntries(Object.entries(settings).filter(([name]) => hot.includes(name) === wanted))
  return { hot: only(true), cold: only(false) }
}

/** Level a worker logs at now. */
const levelOf = ({ bot, facts }: DesireInput, field: WorkerField): string =>
  facts.active.debug.includes(field) ? 'debug' : bot.spec.services[field].logLevel

/**
 * hot.json of a worker, as workers/lib/live-config.ts reads it: what running pods take over, whatever their template. The revision is what
 * they report once it is in force.
 */
export const hotConfig = (input: DesireInput, field: WorkerField): Json & { readonly revision: string } => {
  const settings = splitSettings(field, input.bot.spec.services[field].config).hot
  const content = { logLevel: levelOf(input, field), settings }
  return { revision: contentHash(content), ...content }
}

/** As workers/lib/config-schema.ts reads it. Durations in ms. */
const configFile = (input: DesireInput, field: WorkerField): Json => {
  const { metadata, spec } = input.bot
  const system = metadata.name
  const service = spec.services[field]
  const { endpoint, samplingRate } = spec.dapr.tracing
  return {
    service: names.worker(system, workerNames[field]),
    system,
    version: versionOf(input),
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
    settings: splitSettings(field, service.config).cold,
  }
}

/** config.json of a worker: what counts at the start of a pod only. */
export interface ColdConfig {
  readonly content: Json
  readonly hash: string
  /** Of its ConfigMap. It changes with the content, so a template of the past still finds the configuration of its time. */
  readonly name: string
}

const coldConfigs = oncePer((input: DesireInput) =>
  ofWorkers((field): ColdConfig => {
    const content = configFile(input, field)
    const hash = contentHash(content)
    const name = names.coldConfig(input.bot.metadata.name, workerNames[field], hash.slice(0, 8))
    return { content, hash, name }
  }),
)

/** config.json of a worker. */
export const coldConfig = (input: DesireInput, field: WorkerField): ColdConfig => coldConfigs(input)[field]
