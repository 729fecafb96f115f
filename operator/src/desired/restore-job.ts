/**
 * The Jobs of a Restore, one per step: they share image, configuration and secrets and differ in the one argument. None may ask the API server
 * for anything. A pod that refuses (exit code 3) ends its Job at once; whatever else goes wrong is tried again. Pure.
 */
import { refusedExitCode, type RestoreConfig, type RestoreJobStep } from '../../../workers/jobs/restore/config.ts'
import { parseDuration } from '../api/v1alpha1/durations.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { label, labelsFor } from '../api/v1alpha1/labels.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import { quantityValue } from '../api/v1alpha1/quantities.ts'
import type { Restore } from '../api/v1alpha1/restore.ts'
import type { DestinationSpec } from '../api/v1alpha1/schema/destination.ts'
import { backupsFolder, claimOf, destinationConfig, destinationKeys, type MountedKey } from './backup-destination.ts'
import { consumers } from './consumers.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { dependencyAddress } from './dependencies.ts'
import { imageOf } from './image.ts'
import { kafkaCluster, type SecretKey } from './kafka-cluster.ts'
import { versionOf, type Json } from './object.ts'
import { containerPort, containerSecurity, paths, podBase, scratchVolume, secretMode } from './pod.ts'
import { databaseReference } from './secret-references.ts'
import { desiredTopics } from './topics.ts'
import type { DesireInput } from './types.ts'
import { stateStoreUsers } from './worker-config.ts'

/** Port on which a pod says how far it is. */
export const restoreProgressPort = 8081

/** Pods of one step before the Job gives up; each goes on where the one before ended. */
const retries = 6

/** What a Job is built from. */
export interface RestoreInput extends DesireInput {
  readonly restore: Restore
  readonly destination: DestinationSpec
  /** Folder of the backup. */
  readonly path: string
}

const below = ({ secret, key }: MountedKey): string => `${secret}/${key}`
const keyOf = ({ name, key }: SecretKey): MountedKey => ({ secret: name, key })
const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const

interface Mounted {
  readonly keys: readonly MountedKey[]
}

const kafkaOf = ({ bot }: DesireInput): Mounted & { readonly config: Json } => {
  const { brokers, tls, sasl } = kafkaCluster(bot)
  const login = sasl && { username: keyOf(sasl.username), password: keyOf(sasl.password) }
  const ca = tls?.ca === undefined ? undefined : keyOf(tls.ca)
  return {
    config: {
      brokers,
      ...(tls === undefined ? {} : { tls: ca === undefined ? {} : { ca: below(ca) } }),
      ...(sasl === undefined || login === undefined
        ? {}
        : {
            sasl: {
              mechanism: mechanisms[sasl.mechanism],
              username: below(login.username),
              password: below(login.password),
            },
          }),
      topics: desiredTopics(bot).map(({ alias, name }) => ({ alias, topic: name })),
      groups: consumers(bot).map(({ worker, group }) => ({
        group,
        service: workerNames[worker],
        aliases: subscriptionsOf[worker],
      })),
    },
    keys: [...(ca === undefined ? [] : [ca]), ...(login === undefined ? [] : [login.username, login.password])],
  }
}

const stateStoreOf = ({ bot }: DesireInput): Mounted & { readonly config: Json } => {
  const { name: system, namespace } = bot.metadata
  const { mode, host, tls, secretRef } = bot.spec.stateStore
  const embedded = mode === 'Embedded'
  const password = embedded ? { name: names.redisSecret(system), key: 'password' } : secretRef
  return {
    config: {
      address: embedded ? dependencyAddress(bot, 'redis') : host,
      ...(tls ? { tls: {} } : {}),
      ...(password === undefined ? {} : { password: below(keyOf(password)) }),
      // As Dapr's keyPrefix `namespace` makes them (dapr-components.ts).
      keyPrefixes: stateStoreUsers.map((field) => `${namespace}.${names.worker(system, workerNames[field])}||`),
    },
    keys: password === undefined ? [] : [keyOf(password)],
  }
}

/** config.json of the Jobs, and the keys of Secrets they read. */
export const restoreConfig = (input: RestoreInput): Mounted & { readonly config: Json } => {
  const { bot, restore, destination, path } = input
  const { name: system, namespace } = bot.metadata
  const { source, signature, mode } = restore.spec
  const { encryption, throttle } = bot.spec.backup
  const kafka = kafkaOf(input)
  const stateStore = stateStoreOf(input)
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
    restore: { name: restore.metadata.name, uid: restore.metadata.uid, mode },
    source: { destination: destinationConfig(destination), path },
    ...(publicKey === undefined ? {} : { publicKeyFile: below(publicKey) }),
    ...(identity === undefined ? {} : { identityFile: below(identity) }),
    ...(throttle === undefined ? {} : { throttle: Math.max(1, Math.floor(quantityValue(throttle))) }),
    database: { ownerUriFile: below(owner), uriFile: below(app) },
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
  const { bot, restore } = input
  const { namespace } = bot.metadata
  const name = names.restore(restore.metadata.name)
  const labels = {
    ...labelsFor(bot.metadata.name, 'restore', 'restore', versionOf(input)),
    [label.restore]: restore.metadata.name,
  }
  const { config, keys } = restoreConfig(input)
  const object = (apiVersion: string, kind: string, as: string, body: Json): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: as, namespace, labels },
    ...body,
  })
  return [
    object('v1', 'ServiceAccount', name, { automountServiceAccountToken: false }),
    object('v1', 'ConfigMap', name, { data: { 'config.json': JSON.stringify(config, undefined, 2) } }),
    object('batch/v1', 'Job', names.restoreStep(restore.metadata.name, step), {
      spec: {
        backoffLimit: retries,
        activeDeadlineSeconds: Math.max(10, Math.floor(left / 1000)),
        ttlSecondsAfterFinished: Math.floor(parseDuration(bot.spec.maintenance.cleanup.finishedJobs) / 1000),
        podFailurePolicy: {
          rules: [
            {
              action: 'FailJob',
              onExitCodes: { containerName: 'restore', operator: 'In', values: [refusedExitCode] },
            },
          ],
        },
        template: template(input, { step, keys, labels }),
      },
    }),
  ]
}

const template = (
  input: RestoreInput,
  {
    step,
    keys,
    labels,
  }: {
    readonly step: RestoreJobStep
    readonly keys: readonly MountedKey[]
    readonly labels: Readonly<Record<string, string>>
  },
): Json => {
  const { bot, restore, destination } = input
  const name = names.restore(restore.metadata.name)
  const secrets = [...Map.groupBy(keys, ({ secret }) => secret)].map(([secret, entries], index) => ({
    secret,
    volume: `secret-${index}`,
    keys: [...new Set(entries.map(({ key }) => key))],
  }))
  const claim = claimOf(bot.metadata.name, destination)
  return {
    metadata: { labels },
    spec: {
      ...podBase(input, name),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 20,
      containers: [
        {
          name: 'restore',
          ...imageOf(input, 'backup'),
          terminationMessagePolicy: 'FallbackToLogsOnError',
          command: ['node', '/app/restore.mjs', step],
          ports: [containerPort('progress', restoreProgressPort)],
          resources: bot.spec.backup.resources,
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'config', mountPath: paths.config, readOnly: true },
            ...secrets.map(({ secret, volume }) => ({
              name: volume,
              mountPath: `${paths.secrets}/${secret}`,
              readOnly: true,
            })),
            ...(claim === undefined ? [] : [{ name: 'backups', mountPath: backupsFolder }]),
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name } },
        ...secrets.map(({ secret, volume, keys: wanted }) => ({
          name: volume,
          secret: {
            secretName: secret,
            // The identity may be kept outside the cluster until it is needed; the pod says what it lacks.
            optional: true,
            defaultMode: secretMode,
            items: wanted.map((key) => ({ key, path: key })),
          },
        })),
        ...(claim === undefined ? [] : [{ name: 'backups', persistentVolumeClaim: { claimName: claim } }]),
        scratchVolume('tmp', '64Mi'),
      ],
    },
  }
}
