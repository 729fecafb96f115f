import type { DependencyName } from './names.ts'
import type { Resources } from './schema/resources.ts'
import type { logLevels, WorkerField } from './schema/services.ts'
import type { Profile } from './todochatbot.ts'

/** What a profile decides. The descriptions in schema/ state the same values for `kubectl explain`; profiles.test.ts holds them together. */
export interface ProfileDefaults {
  readonly replicas: Readonly<Record<WorkerField, number>>
  readonly logLevel: (typeof logLevels)[number]
  readonly topicReplicas: number
  readonly pool: { readonly min: number; readonly max: number }
  readonly samplingRate: string
  /** spec.update.minReady */
  readonly minReady: string
  readonly worker: Resources
  readonly sidecar: Resources
  readonly dependency: Readonly<Record<DependencyName, Resources>>
  readonly backup: BackupDefaults
}

/** What a profile decides about backups. */
export interface BackupDefaults {
  readonly keepLast: number
  readonly maxAge: string
  readonly parallelism: number
  /** Of the Job's container. */
  readonly resources: Resources
}

const resources = (cpu: string, memory: string, memoryLimit: string): Resources => ({
  requests: { cpu, memory },
  limits: { memory: memoryLimit },
})

/** Defaults per profile. Development fits two systems on a machine with two cores and 8 GB. */
export const profileDefaults: Readonly<Record<Profile, ProfileDefaults>> = {
  Development: {
    replicas: { chatApi: 1, recurringTask: 1, notification: 1, audit: 1 },
    logLevel: 'debug',
    topicReplicas: 1,
    pool: { min: 1, max: 5 },
    samplingRate: '1',
    minReady: '0s',
    worker: resources('10m', '96Mi', '256Mi'),
    sidecar: resources('10m', '64Mi', '256Mi'),
    dependency: {
      kafka: resources('50m', '512Mi', '768Mi'),
      postgresql: resources('25m', '128Mi', '512Mi'),
      redis: resources('10m', '32Mi', '128Mi'),
    },
    backup: { keepLast: 3, maxAge: '168h', parallelism: 1, resources: resources('10m', '96Mi', '512Mi') },
  },
  Staging: {
    replicas: { chatApi: 2, recurringTask: 1, notification: 1, audit: 1 },
    logLevel: 'info',
    topicReplicas: 2,
    pool: { min: 2, max: 10 },
    samplingRate: '0.1',
    minReady: '30s',
    worker: resources('100m', '128Mi', '384Mi'),
    sidecar: resources('50m', '96Mi', '256Mi'),
    dependency: {
      kafka: resources('250m', '1Gi', '1536Mi'),
      postgresql: resources('250m', '512Mi', '1Gi'),
      redis: resources('50m', '64Mi', '256Mi'),
    },
    backup: { keepLast: 7, maxAge: '720h', parallelism: 2, resources: resources('100m', '128Mi', '512Mi') },
  },
  Production: {
    replicas: { chatApi: 3, recurringTask: 2, notification: 2, audit: 2 },
    logLevel: 'info',
    topicReplicas: 3,
    pool: { min: 2, max: 20 },
    samplingRate: '0.01',
    minReady: '1m',
    worker: resources('250m', '256Mi', '512Mi'),
    sidecar: resources('100m', '128Mi', '384Mi'),
    dependency: {
      kafka: resources('500m', '2Gi', '3Gi'),
      postgresql: resources('500m', '1Gi', '2Gi'),
      redis: resources('100m', '128Mi', '512Mi'),
    },
    backup: { keepLast: 14, maxAge: '2160h', parallelism: 4, resources: resources('250m', '256Mi', '1Gi') },
  },
}
