import { memoByIdentity } from './memo.ts'
import { profileDefaults } from './profiles.ts'
import { canonicalQuantity, quantityValue } from './quantities.ts'
import type { ProfileDefaults } from './profiles.ts'
import type { BackupPolicy, DrillPolicy } from './schema/backup.ts'
import type { Dapr } from './schema/dapr.ts'
import type { Database, StateStore } from './schema/database.ts'
import type { Images } from './schema/images.ts'
import type { Kafka, Topic, TopicAlias } from './schema/kafka.ts'
import { topicAliases } from './schema/kafka.ts'
import type { Resources } from './schema/resources.ts'
import type { Service, WorkerField } from './schema/services.ts'
import { workerFields } from './schema/services.ts'
import type { TodoChatbot, TodoChatbotSpec } from './todochatbot.ts'

/** `T` with the named keys always present. */
type With<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]-?: Exclude<T[P], undefined> }

/** A topic with nothing left open. */
export type ResolvedTopic = With<Topic, 'replicas' | 'config'>
/** Kafka with nothing left open. */
export type ResolvedKafka = Omit<With<Kafka, 'resources'>, 'topics'> & {
  readonly topics: Readonly<Record<TopicAlias, ResolvedTopic>>
}
/** PostgreSQL with nothing left open. */
export type ResolvedDatabase = Omit<With<Database, 'resources'>, 'pool'> & {
  readonly pool: { readonly min: number; readonly max: number }
}
/** The state store with nothing left open. */
export type ResolvedStateStore = With<StateStore, 'resources'>
/** Dapr with nothing left open. */
export type ResolvedDapr = Omit<With<Dapr, 'sidecarResources'>, 'tracing'> & {
  readonly tracing: With<Dapr['tracing'], 'samplingRate'>
}
/** A worker with nothing left open. */
export type ResolvedService = With<Service, 'replicas' | 'resources' | 'logLevel' | 'config'>

/** Policy of backups with nothing left open but what is not configured. */
export type ResolvedBackup = Omit<With<BackupPolicy, 'parallelism' | 'resources'>, 'retention' | 'drill'> & {
  readonly retention: With<BackupPolicy['retention'], 'keepLast' | 'maxAge'>
  readonly drill?: With<DrillPolicy, 'timeZone'>
}

/** How changes are rolled out, with nothing left open. */
export type ResolvedUpdate = With<TodoChatbotSpec['update'], 'minReady'>

/** A spec with every default applied, including those of the profile. */
export interface ResolvedSpec extends Omit<
  TodoChatbotSpec,
  'kafka' | 'database' | 'stateStore' | 'dapr' | 'services' | 'images' | 'backup' | 'update'
> {
  readonly kafka: ResolvedKafka
  readonly database: ResolvedDatabase
  readonly stateStore: ResolvedStateStore
  readonly dapr: ResolvedDapr
  readonly services: Readonly<Record<WorkerField, ResolvedService>>
  readonly images: Images
  readonly backup: ResolvedBackup
  readonly update: ResolvedUpdate
}

/** A TodoChatbot whose spec leaves nothing open but the version and the images, which the operator's installation decides. */
export interface ResolvedTodoChatbot extends Omit<TodoChatbot, 'spec'> {
  readonly spec: ResolvedSpec
}

const canonical = <T extends Resources['requests']>(amounts: T): T =>
  Object.fromEntries(
    Object.entries(amounts ?? {}).flatMap(([name, amount]) =>
      amount === undefined ? [] : [[name, canonicalQuantity(amount)]],
    ),
  ) as T

/** Given amounts win one by one; where only one of request and limit is given, the other never contradicts it. */
const mergeResources = (given: Resources | undefined, fallback: Resources): Resources => {
  const requests = { ...fallback.requests, ...given?.requests }
  const limits = { ...fallback.limits, ...given?.limits }
  for (const name of ['cpu', 'memory', 'ephemeral-storage'] as const) {
    const request = requests[name]
    const limit = limits[name]
    if (request === undefined || limit === undefined || quantityValue(request) <= quantityValue(limit)) continue
    if (given?.limits?.[name] === undefined) limits[name] = request
    else if (given.requests?.[name] === undefined) requests[name] = limit
  }
  return { requests: canonical(requests), limits: canonical(limits) }
}

const resolveTopic = (topic: Topic, mode: Kafka['mode'], defaults: ProfileDefaults): ResolvedTopic => ({
  ...topic,
  replicas: topic.replicas ?? (mode === 'Embedded' ? 1 : defaults.topicReplicas),
  config: topic.config ?? {},
})

const resolveKafka = (kafka: Kafka, defaults: ProfileDefaults): ResolvedKafka => ({
  ...kafka,
  topics: byKey(topicAliases, (alias) => resolveTopic(kafka.topics[alias], kafka.mode, defaults)),
  resources: mergeResources(kafka.resources, defaults.dependency.kafka),
})

const resolveDatabase = (database: Database, defaults: ProfileDefaults): ResolvedDatabase => {
  const max = database.pool?.max ?? Math.max(defaults.pool.max, database.pool?.min ?? 0)
  return {
    ...database,
    pool: { min: database.pool?.min ?? Math.min(defaults.pool.min, max), max },
    resources: mergeResources(database.resources, defaults.dependency.postgresql),
  }
}

const resolveService = (service: Service, field: WorkerField, defaults: ProfileDefaults): ResolvedService => ({
  ...service,
  replicas: service.replicas ?? defaults.replicas[field],
  logLevel: service.logLevel ?? defaults.logLevel,
  config: service.config ?? {},
  resources: mergeResources(service.resources, defaults.worker),
})

const resolveBackup = ({ drill, ...policy }: BackupPolicy, { backup }: ProfileDefaults): ResolvedBackup => ({
  ...policy,
  ...(drill === undefined ? {} : { drill: { ...drill, timeZone: drill.timeZone ?? policy.timeZone } }),
  parallelism: policy.parallelism ?? backup.parallelism,
  resources: mergeResources(policy.resources, backup.resources),
  retention: {
    ...policy.retention,
    keepLast: policy.retention.keepLast ?? backup.keepLast,
    maxAge: policy.retention.maxAge ?? backup.maxAge,
  },
})

/** A record with one value per key. */
const byKey = <K extends string, V>(keys: readonly K[], value: (key: K) => V): Readonly<Record<K, V>> =>
  Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>

const resolveSpec = memoByIdentity((spec: TodoChatbotSpec): ResolvedSpec => {
  const defaults = profileDefaults[spec.profile]
  return {
    ...spec,
    kafka: resolveKafka(spec.kafka, defaults),
    database: resolveDatabase(spec.database, defaults),
    stateStore: {
      ...spec.stateStore,
      resources: mergeResources(spec.stateStore.resources, defaults.dependency.redis),
    },
    dapr: {
      ...spec.dapr,
      tracing: { ...spec.dapr.tracing, samplingRate: spec.dapr.tracing.samplingRate ?? defaults.samplingRate },
      sidecarResources: mergeResources(spec.dapr.sidecarResources, defaults.sidecar),
    },
    services: byKey(workerFields, (field) => resolveService(spec.services[field], field, defaults)),
    images: spec.images ?? {},
    backup: resolveBackup(spec.backup, defaults),
    update: { ...spec.update, minReady: spec.update.minReady ?? defaults.minReady },
  }
})

/** Applies every default. Idempotent: applying it to its own result changes nothing (property test). */
export const withDefaults = (bot: TodoChatbot): ResolvedTodoChatbot => ({ ...bot, spec: resolveSpec(bot.spec) })
