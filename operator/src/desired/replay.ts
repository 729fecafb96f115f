/**
 * What carries out one Replay: a Job that reads the log, the worker's database and its backups, and posts to the worker's replay route. It has no
 * rights at the API server; everything it needs is in its ConfigMap and in Secrets that the system has anyway. Everything belongs to the Replay.
 * Pure.
 */
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { label, labelsFor } from '../api/v1alpha1/labels.ts'
import { names, topicBases, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import type { Replay, ReplayedWorker } from '../api/v1alpha1/replay.ts'
import type { DestinationSpec } from '../api/v1alpha1/schema/destination.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { consumerGroup } from './consumers.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { versionOf, type Json } from './object.ts'
import { databaseReference } from './secret-references.ts'
import { deadLetterName, topicName } from './topics.ts'
import { backupsVolume, destinationConfig, destinationKeys } from './backup-destination.ts'
import { jobKafka } from './job-kafka.ts'
import { jobObjects } from './job-pod.ts'
import { mountedKey, mountedSecrets, secretFile, type MountedKey, type MountedSecret } from './job-secrets.ts'
import { podName } from './pod.ts'
import type { DesireInput } from './types.ts'

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
    kafka: jobKafka(bot).connection,
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

const backupsOf = (input: ReplayInput): Json => {
  const destination = destinationOf(input)
  if (destination === undefined) return {}
  const { publicKey, identities } = backupKeys(input)
  return {
    backups: {
      destination: destinationConfig(destination),
      publicKey: secretFile(publicKey),
      ...(identities === undefined ? {} : { identities: secretFile(identities) }),
    },
  }
}

/** The keys the Job reads, by Secret, and no other: the database as the workers' role, the token of the sidecars, the login of Kafka. */
const secretsOf = (input: ReplayInput): readonly MountedSecret[] => {
  const { bot } = input
  const destination = destinationOf(input)
  const needed = [
    mountedKey(databaseReference(bot)),
    { secret: names.appTokenSecret(bot.metadata.name), key: 'token' },
    ...jobKafka(bot).keys,
    ...(destination === undefined ? [] : destinationKeys(destination)),
  ]
  const spare = destination === undefined ? [] : Object.values(backupKeys(input)).filter((key) => key !== undefined)
  return [...mountedSecrets(needed), ...mountedSecrets(spare, true)]
}

/** Everything the Replay owns, in the order of writing. The Job is made anew after a pause; the others are made once. */
export const replayObjects = (input: ReplayInput): readonly KubeObject[] => {
  const { bot, replay, timeLeft } = input
  const { name: system } = bot.metadata
  const destination = destinationOf(input)
  return jobObjects(input, {
    name: names.replay(replay.metadata.name),
    labels: { ...labelsFor(system, 'replay', 'replay', versionOf(input)), [label.replay]: replay.metadata.name },
    config: replayConfig(input),
    // A pod that dies is followed by another, which finds what was done in the worker's ledger.
    retries: 6,
    deadline: Math.max(10, Math.floor(timeLeft / 1000)),
    pod: {
      container: 'replay',
      image: 'backup',
      command: ['node', '/app/replay.mjs'],
      env: [podName],
      progress: true,
      resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '256Mi' } },
      gracePeriod: 45,
      secrets: secretsOf(input),
      ...(destination === undefined ? {} : backupsVolume(system, destination, true)),
      scratch: '16Mi',
    },
  })
}
