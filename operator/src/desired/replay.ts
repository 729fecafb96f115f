/**
 * What carries out one Replay: a Job that reads the log, the worker's database and its backups, and posts to the worker's replay route. It has no
 * rights at the API server; everything it needs is in its ConfigMap and in Secrets that the system has anyway. Everything belongs to the Replay.
 * Pure.
 */
import { parseDuration } from '../api/v1alpha1/durations.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { label, labelsFor } from '../api/v1alpha1/labels.ts'
import { names, topicBases, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import type { Replay, ReplayedWorker } from '../api/v1alpha1/replay.ts'
import type { DestinationSpec } from '../api/v1alpha1/schema/destination.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { backupsFolder, claimOf, destinationConfig, destinationKeys, type MountedKey } from './backup-destination.ts'
import { consumerGroup } from './consumers.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { imageOf } from './image.ts'
import { jobKafka } from './job-kafka.ts'
import { kafkaCluster } from './kafka-cluster.ts'
import { versionOf, type Json } from './object.ts'
import { containerPort, containerSecurity, paths, podBase, scratchVolume, secretMode } from './pod.ts'
import { databaseReference } from './secret-references.ts'
import { deadLetterName, topicName } from './topics.ts'
import type { DesireInput } from './types.ts'

/** Port of the Job's pod that answers /progress; workers/jobs/replay/config.ts has the same. */
const progressPort = 8081

/** What a replay is built from. */
export interface ReplayInput extends DesireInput {
  readonly replay: Replay
  /** Time the Job has left, ms. */
  readonly timeLeft: number
}

/** Field of a worker by its name. */
export const fieldOfWorker = (worker: ReplayedWorker): WorkerField =>
  workerFields.find((field) => workerNames[field] === worker) ?? 'audit'

const topicsOf = ({ bot, replay: { spec } }: ReplayInput): Json[] => {
  const aliases = spec.topic === undefined ? subscriptionsOf[fieldOfWorker(spec.worker)] : [spec.topic]
  return aliases.map((alias) => ({
    alias,
    topic: spec.source === 'DeadLetters' ? deadLetterName(bot, alias) : topicName(bot, alias),
    path: `/replay/${topicBases[alias]}`,
  }))
}

const bounds = <T>(from: T | undefined, to: T | undefined): Json | undefined =>
  from === undefined && to === undefined
    ? undefined
    : { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }

const selectionOf = ({ spec: { select = {} } }: Replay): Json => {
  const { partitions, fromOffset, toOffset, fromTime, toTime, keys, types, eventIds } = select
  const ms = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time))
  const all = {
    partitions,
    offsets: bounds(fromOffset, toOffset),
    time: bounds(ms(fromTime), ms(toTime)),
    keys,
    types,
    eventIds,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** config.json of the Job. */
export const replayConfig = (input: ReplayInput): Json => {
  const { bot, replay } = input
  const { name: system, namespace } = bot.metadata
  const { worker, source, dryRun, force, sideEffects, rate } = replay.spec
  const field = fieldOfWorker(worker)
  const service = names.worker(system, workerNames[field])
  const database = databaseReference(bot)
  return {
    service: `${system}-replay`,
    system,
    namespace,
    version: versionOf(input),
    replay: { name: replay.metadata.name, id: replay.metadata.uid },
    worker,
    url: `http://${service}.${namespace}.svc:${String(workerPorts[field])}`,
    workerGroup: consumerGroup(namespace, service),
    group: consumerGroup(namespace, `${system}-replay`),
    source,
    topics: topicsOf(input),
    select: selectionOf(replay),
    dryRun,
    force,
    muted: sideEffects === 'Muted',
    rate,
    kafka: jobKafka(bot),
    ...backupsOf(input),
    secrets: {
      databaseUri: `${database.name}/${database.key}`,
      appToken: `${names.appTokenSecret(system)}/token`,
    },
  }
}

/** Where the search for gaps finds what Kafka does not keep any more; nothing else reads backups. */
const destinationOf = ({ bot, replay }: ReplayInput): DestinationSpec | undefined =>
  replay.spec.source === 'AuditGaps' ? bot.spec.backup.destination : undefined

/** Secrets that need not be there: the first backup makes the one, and the other may be kept outside the cluster. */
const backupKeys = ({
  bot,
}: ReplayInput): { readonly publicKey: MountedKey; readonly identities: MountedKey | undefined } => ({
  publicKey: { secret: names.backupSigningSecret(bot.metadata.name), key: 'public.pem' },
  identities: bot.spec.backup.encryption && { secret: bot.spec.backup.encryption.secretRef.name, key: 'identity' },
})

const below = ({ secret, key }: MountedKey): string => `${secret}/${key}`

const backupsOf = (input: ReplayInput): Json => {
  const destination = destinationOf(input)
  if (destination === undefined) return {}
  const { publicKey, identities } = backupKeys(input)
  return {
    backups: {
      destination: destinationConfig(destination),
      publicKey: below(publicKey),
      ...(identities === undefined ? {} : { identities: below(identities) }),
    },
  }
}

/** The keys the Job reads, by Secret, and no other: the database as the workers' role, the token of the sidecars, the login of Kafka. */
const secretsOf = (
  input: ReplayInput,
): readonly { readonly name: string; readonly keys: readonly string[]; readonly optional: boolean }[] => {
  const { bot } = input
  const destination = destinationOf(input)
  const { tls, sasl } = kafkaCluster(bot)
  const needed = [
    databaseReference(bot),
    { name: names.appTokenSecret(bot.metadata.name), key: 'token' },
    ...(tls?.ca === undefined ? [] : [tls.ca]),
    ...(sasl === undefined ? [] : [sasl.username, sasl.password]),
    ...(destination === undefined ? [] : destinationKeys(destination).map(({ secret: name, key }) => ({ name, key }))),
  ]
  const spare = destination === undefined ? [] : Object.values(backupKeys(input)).filter((key) => key !== undefined)
  return [
    ...[...new Set(needed.map(({ name }) => name))].map((name) => ({
      name,
      keys: [...new Set(needed.filter((secret) => secret.name === name).map(({ key }) => key))],
      optional: false,
    })),
    ...spare.map(({ secret: name, key }) => ({ name, keys: [key], optional: true })),
  ]
}

const template = (input: ReplayInput, name: string, labels: Readonly<Record<string, string>>): Json => {
  const destination = destinationOf(input)
  const claim = destination === undefined ? undefined : claimOf(input.bot.metadata.name, destination)
  const volumes = secretsOf(input).map((secret, index) => ({ ...secret, volume: `secret-${String(index)}` }))
  return {
    metadata: { labels },
    spec: {
      ...podBase(input, name),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 45,
      containers: [
        {
          name: 'replay',
          ...imageOf(input, 'backup'),
          terminationMessagePolicy: 'FallbackToLogsOnError',
          command: ['node', '/app/replay.mjs'],
          env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
          ports: [containerPort('progress', progressPort)],
          resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '256Mi' } },
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'config', mountPath: paths.config, readOnly: true },
            ...volumes.map(({ name: secret, volume }) => ({
              name: volume,
              mountPath: `${paths.secrets}/${secret}`,
              readOnly: true,
            })),
            ...(claim === undefined ? [] : [{ name: 'backups', mountPath: backupsFolder, readOnly: true }]),
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name } },
        ...volumes.map(({ name: secretName, keys, optional, volume }) => ({
          name: volume,
          secret: {
            secretName,
            items: keys.map((key) => ({ key, path: key })),
            defaultMode: secretMode,
            ...(optional ? { optional } : {}),
          },
        })),
        ...(claim === undefined
          ? []
          : [{ name: 'backups', persistentVolumeClaim: { claimName: claim, readOnly: true } }]),
        scratchVolume('tmp', '16Mi'),
      ],
    },
  }
}

/** Everything the Replay owns, in the order of writing. The Job is made anew after a pause; the others are made once. */
export const replayObjects = (input: ReplayInput): readonly KubeObject[] => {
  const { bot, replay, timeLeft } = input
  const { name: system, namespace } = bot.metadata
  const name = names.replay(replay.metadata.name)
  const labels = {
    ...labelsFor(system, 'replay', 'replay', versionOf(input)),
    [label.replay]: replay.metadata.name,
  }
  const object = (apiVersion: string, kind: string, body: Json): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name, namespace, labels },
    ...body,
  })
  return [
    object('v1', 'ServiceAccount', { automountServiceAccountToken: false }),
    object('v1', 'ConfigMap', { data: { 'config.json': JSON.stringify(replayConfig(input), undefined, 2) } }),
    object('batch/v1', 'Job', {
      spec: {
        // A pod that dies is followed by another, which finds what was done in the worker's ledger.
        backoffLimit: 6,
        activeDeadlineSeconds: Math.max(10, Math.floor(timeLeft / 1000)),
        ttlSecondsAfterFinished: Math.floor(parseDuration(bot.spec.maintenance.cleanup.finishedJobs) / 1000),
        template: template(input, name, labels),
      },
    }),
  ]
}
