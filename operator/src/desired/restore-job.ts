/**
 * The Jobs of a Restore, one per step: they share image, configuration and secrets and differ in the one argument. None may ask the API server
 * for anything. A pod that refuses (exit code 3) ends its Job at once; whatever else goes wrong is tried again. Pure.
 */
import {
  refusedExitCode,
  type RestoreConfig,
  type RestoreJobStep,
  type RestoreUntil,
} from '../../../workers/jobs/restore/config.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { label, labelsFor } from '../api/v1alpha1/labels.ts'
import { names } from '../api/v1alpha1/names.ts'
import { quantityValue } from '../api/v1alpha1/quantities.ts'
import type { Restore } from '../api/v1alpha1/restore.ts'
import type { DestinationSpec } from '../api/v1alpha1/schema/destination.ts'
import { databaseReference } from './secret-references.ts'
import { desiredTopics } from './topics.ts'
import { backupsVolume, destinationConfig, destinationKeys } from './backup-destination.ts'
import { jobGroups, jobKafka } from './job-kafka.ts'
import { jobObjects } from './job-pod.ts'
import { mountedSecrets, secretFile, type MountedKey } from './job-secrets.ts'
import { jobStateStore } from './job-state-store.ts'
import { versionOf, type Json } from './object.ts'
import type { DesireInput } from './types.ts'

/** Pods of one step before the Job gives up; each goes on where the one before ended. */
const retries = 6

/** What a Job is built from. */
export interface RestoreInput extends DesireInput {
  readonly restore: Restore
  readonly destination: DestinationSpec
  /** Folder of the backup. */
  readonly path: string
  /** When other Restores replaced the data of the system, RFC 3339. */
  readonly replacedAt: readonly string[]
}

const kafkaOf = ({ bot }: DesireInput) => {
  const { connection, keys } = jobKafka(bot)
  const topics = desiredTopics(bot).map(({ alias, name }) => ({ alias, topic: name }))
  return { config: { ...connection, topics, groups: jobGroups(bot) }, keys }
}

/** The schema of the resource sees to it that there is one of the two. */
const restoreUntil = ({ time = '', auditSequence }: NonNullable<Restore['spec']['until']>): RestoreUntil =>
  auditSequence === undefined ? { time } : { auditSequence }

/** config.json of the Jobs, and the keys of Secrets they read. */
export const restoreConfig = (input: RestoreInput): { readonly config: Json; readonly keys: readonly MountedKey[] } => {
  const { bot, restore, destination, path, replacedAt } = input
  const { name: system, namespace } = bot.metadata
  const { source, signature, mode, until } = restore.spec
  const { encryption, throttle } = bot.spec.backup
  const kafka = kafkaOf(input)
  const stateStore = jobStateStore(input)
  const database = databaseReference(bot)
  const owner = { secret: database.name, key: database.ownerKey }
  const app = { secret: database.name, key: database.key }
  const { name: secret = names.backupSigningSecret(system), key = 'public.pem' } = source.publicKeySecretRef ?? {}
  const publicKey = signature === undefined ? { secret, key } : undefined
  const identity = encryption && { secret: encryption.secretRef.name, key: 'identity' }
  const config: Omit<RestoreConfig, 'kafka' | 'stateStore' | 'database'> & Json = {
    service: `${system}-restore`,
    system,
    namespace,
    version: versionOf(input),
    logLevel: 'info',
    restore: {
      name: restore.metadata.name,
      uid: restore.metadata.uid,
      mode,
      ...(until === undefined ? {} : { until: restoreUntil(until) }),
      replacedAt: [...replacedAt],
    },
    source: { destination: destinationConfig(destination), path },
    ...(publicKey === undefined ? {} : { publicKeyFile: secretFile(publicKey) }),
    ...(identity === undefined ? {} : { identityFile: secretFile(identity) }),
    ...(throttle === undefined ? {} : { throttle: Math.max(1, Math.floor(quantityValue(throttle))) }),
    database: { ownerUriFile: secretFile(owner), uriFile: secretFile(app) },
    kafka: kafka.config,
    stateStore: stateStore.config,
  }
  return {
    config,
    keys: [
      ...destinationKeys(destination),
      ...kafka.keys,
      ...stateStore.keys,
      owner,
      app,
      ...(publicKey === undefined ? [] : [publicKey]),
      ...(identity === undefined ? [] : [identity]),
    ],
  }
}

/** What a step needs, in the order of writing, the Job last; each is created once and never changed. @param left how long it may take, ms */
export const restoreObjects = (input: RestoreInput, step: RestoreJobStep, left: number): readonly KubeObject[] => {
  const { bot, restore, destination } = input
  const { config, keys } = restoreConfig(input)
  return jobObjects(input, {
    name: names.restore(restore.metadata.name),
    jobName: names.restoreStep(restore.metadata.name, step),
    labels: {
      ...labelsFor(bot.metadata.name, 'restore', 'restore', versionOf(input)),
      [label.restore]: restore.metadata.name,
    },
    config,
    retries,
    deadline: Math.max(10, Math.floor(left / 1000)),
    podFailurePolicy: {
      rules: [
        { action: 'FailJob', onExitCodes: { containerName: 'restore', operator: 'In', values: [refusedExitCode] } },
      ],
    },
    pod: {
      container: 'restore',
      image: 'backup',
      command: ['node', '/app/restore.mjs', step],
      progress: true,
      resources: bot.spec.backup.resources,
      gracePeriod: 20,
      // The identity may be kept outside the cluster until it is needed; the pod says what it lacks.
      secrets: mountedSecrets(keys, true),
      ...backupsVolume(bot.metadata.name, destination),
      scratch: '64Mi',
    },
  })
}
