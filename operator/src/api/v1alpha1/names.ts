import type { TopicAlias } from './schema/kafka.ts'
import type { WorkerField } from './schema/services.ts'

/** Longest name of a TodoChatbot. Every derived name stays within 63 characters, pods of Deployments included. */
export const maxNameLength = 30

/** Kebab-case names of the workers: part of object names, Dapr app ids and image entry points. */
export const workerNames = {
  chatApi: 'chat-api',
  recurringTask: 'recurring-task',
  notification: 'notification',
  audit: 'audit',
} as const satisfies Record<WorkerField, string>
/** Kebab-case name of a worker. */
export type WorkerName = (typeof workerNames)[WorkerField]

/** Port each worker serves HTTP on: API, Dapr deliveries, probes and metrics. */
export const workerPorts = {
  chatApi: 8000,
  recurringTask: 3001,
  notification: 3002,
  audit: 3003,
} as const satisfies Record<WorkerField, number>

/** Base names of the topics: `<topicPrefix><base>`. Also the path of the deliveries, `/events/<base>`. */
export const topicBases = {
  taskEvents: 'task-events',
  taskReminders: 'task-reminders',
  taskUpdates: 'task-updates',
} as const satisfies Record<TopicAlias, string>

/** Suffix of a dead-letter topic. */
export const deadLetterSuffix = '.dlq'

/** The dependencies the Embedded modes run. */
export type DependencyName = 'kafka' | 'postgresql' | 'redis'
/** Ports of the dependencies. */
export const dependencyPorts = { kafka: 9092, postgresql: 5432, redis: 6379 } as const satisfies Record<
  DependencyName,
  number
>

/**
 * Names of everything a system owns. `system` is the name of the TodoChatbot; every name carries it, so that several systems share a
 * namespace.
 */
export const names = {
  /** Deployment, Service, ServiceAccount and Dapr app id of a worker. */
  worker: (system: string, worker: WorkerName) => `${system}-${worker}`,
  /** ConfigMap of what a worker reads at its start; never changed, another content has another `hash` (8 characters). */
  coldConfig: (system: string, worker: WorkerName, hash: string) => `${system}-${worker}-config-${hash}`,
  /** ConfigMap of what a running worker takes over. */
  workerConfig: (system: string, worker: WorkerName) => `${system}-${worker}-config`,
  /** StatefulSet, Service and ServiceAccount of an Embedded dependency. */
  dependency: (system: string, dependency: DependencyName) => `${system}-${dependency}`,
  /** Generated Secret with the passwords and connection strings of the Embedded PostgreSQL. */
  databaseSecret: (system: string) => `${system}-database`,
  /** Generated Secret with the password of the Embedded Redis. */
  redisSecret: (system: string) => `${system}-redis`,
  /** Generated Secret with the keys of the workers' own tokens. */
  authSecret: (system: string) => `${system}-auth`,
  /** Generated Secret with the token by which a worker knows its own sidecar; Dapr reads its key `token`. */
  appTokenSecret: (system: string) => `${system}-app-token`,
  /** Dapr Component of Kafka. */
  pubsub: (system: string) => `${system}-task-pubsub`,
  /** Dapr Component of the state store. */
  stateStore: (system: string) => `${system}-statestore`,
  /** Dapr Resiliency. */
  resiliency: (system: string) => `${system}-resiliency`,
  /** Dapr Configuration. */
  daprConfiguration: (system: string) => `${system}-config`,
  /** Dapr Subscription of one worker to one topic. */
  subscription: (system: string, worker: WorkerName, alias: TopicAlias) => `${system}-${worker}-${topicBases[alias]}`,
  /** ServiceAccount of the migrations. */
  migration: (system: string) => `${system}-migrate`,
  /** ConfigMap of the migrations. */
  migrationConfig: (system: string) => `${system}-migrate-config`,
  /** Migration Job; `hash` stands for version, image and database. */
  migrationJob: (system: string, hash: string) => `${system}-migrate-${hash}`,
  /** NetworkPolicy that cuts off an isolated worker. */
  isolation: (system: string, worker: WorkerName) => `${system}-${worker}-isolated`,
  /** PersistentVolumeClaim with the archives of all incidents of a system. */
  evidenceClaim: (system: string) => `${system}-evidence`,
  /** Generated Secret with the Ed25519 key that manifests of backups are signed with: private.pem and public.pem. */
  backupSigningSecret: (system: string) => `${system}-backup-signing`,
  /** PersistentVolumeClaim with the backups of a system, where spec.backup.destination.volume names no other. */
  backupClaim: (system: string) => `${system}-backups`,
  /** Job, ServiceAccount and ConfigMap of one Backup. */
  backup: (backup: string) => `${backup}-backup`,
  /** Job, ServiceAccount and ConfigMap of one Replay. */
  replay: (replay: string) => `${replay}-replay`,
  /** Job, ServiceAccount, Role, RoleBinding and ConfigMap of one Incident. */
  evidence: (incident: string) => `${incident}-evidence`,
  /** ConfigMap and ServiceAccount of one Restore. */
  restore: (restore: string) => `${restore}-restore`,
  /** Job of one step of a Restore; `step` in lower case. */
  restoreStep: (restore: string, step: string) => `${restore}-${step}`,
  /** Backup that a Restore takes of the state before. */
  safetyBackup: (restore: string) => `${restore}-safety`,
} as const
