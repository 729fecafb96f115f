/**
 * The Jobs of backups in their three modes: one makes a backup and belongs to its Backup; one checks the destination and one removes what
 * retention lets go, and these belong to the system. None may ask the API server for anything: what they need is in their ConfigMap and in
 * mounted Secrets. Pure.
 */
import type { BackupJobConfig } from '../../../workers/jobs/backup/config.ts'
import type { Backup } from '../api/v1alpha1/backup.ts'
import { parseDuration } from '../api/v1alpha1/durations.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { label, labelsFor } from '../api/v1alpha1/labels.ts'
import { names } from '../api/v1alpha1/names.ts'
import { quantityValue } from '../api/v1alpha1/quantities.ts'
import type { DestinationSpec } from '../api/v1alpha1/schema/destination.ts'
import { apiVersion, kind } from '../api/v1alpha1/todochatbot.ts'
import { shortHash } from './hash.ts'
import { databaseReference, referencedSecrets } from './secret-references.ts'
import { desiredTopics } from './topics.ts'
import { backupsVolume, destinationConfig, destinationKeys } from './backup-destination.ts'
import { jobGroups, jobKafka } from './job-kafka.ts'
import { jobObjects, progressPort, type JobDraft } from './job-pod.ts'
import { mountedSecrets, secretFile, type MountedKey } from './job-secrets.ts'
import { jobStateStore } from './job-state-store.ts'
import { versionOf } from './object.ts'
import type { DesireInput } from './types.ts'

/** The Job ends itself this long before its Backup is given up, so that its last words are heard. ms */
const margin = 20_000

/** What a Job of a Backup is built from. */
export interface BackupInput extends DesireInput {
  readonly backup: Backup
  readonly destination: DestinationSpec
  /** How long the Job may still take, ms. */
  readonly left: number
}

/**
 * Where a Backup lies below its destination; the same one always in the same place. The Job makes the same path (workers/lib/backup/catalogue.ts)
 * and reports it.
 */
export const backupPath = ({ metadata, spec }: Backup): string => {
  const time = requestedAt(metadata.creationTimestamp)
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
  return `${metadata.namespace}/${spec.system}/${time}-${metadata.name}-${metadata.uid.slice(0, 8)}`
}

const requestedAt = (creationTimestamp: string | undefined): Date => new Date(creationTimestamp ?? 0)

const kafkaOf = ({ bot, backup }: BackupInput) => {
  const { connection, keys } = jobKafka(bot)
  const { mode, topics } = backup.spec.kafka ?? bot.spec.backup.kafka
  const wanted = desiredTopics(bot).filter(
    ({ alias }) => topics === undefined || topics.some((one) => alias === one || alias === `${one}.dlq`),
  )
  return {
    config: {
      ...connection,
      mode,
      maxIncrements: 30,
      topics: wanted.map(({ alias, name }) => ({ alias, topic: name })),
      groups: jobGroups(bot),
    },
    keys,
  }
}

const shared = (input: DesireInput, destination: DestinationSpec, deadline: number) => {
  const { name: system, namespace } = input.bot.metadata
  return {
    service: `${system}-backup`,
    system,
    version: versionOf(input),
    logLevel: 'info' as const,
    namespace,
    destination: destinationConfig(destination),
    deadline: Math.max(1_000, deadline),
  }
}

/** config.json of the Job of a Backup, and the keys of Secrets it reads. */
export const backupConfig = (
  input: BackupInput,
): { readonly config: BackupJobConfig; readonly keys: readonly MountedKey[] } => {
  const { bot, backup, destination, left } = input
  const { name: system, namespace } = bot.metadata
  const policy = bot.spec.backup
  const kafka = kafkaOf(input)
  const stateStore = jobStateStore(input)
  const database = databaseReference(bot)
  const owner = { secret: database.name, key: database.ownerKey }
  const signing = { secret: names.backupSigningSecret(system), key: 'private.pem' }
  const recipients = policy.encryption && { secret: policy.encryption.secretRef.name, key: 'recipients' }
  const throttle = backup.spec.throttle ?? policy.throttle
  return {
    config: {
      mode: 'Backup',
      ...shared(input, destination, left - margin),
      backup: {
        name: backup.metadata.name,
        uid: backup.metadata.uid,
        requestedAt: requestedAt(backup.metadata.creationTimestamp).toISOString(),
      },
      progressPort,
      ...(recipients === undefined ? {} : { encryption: { recipients: secretFile(recipients) } }),
      signing: { privateKey: secretFile(signing) },
      database: { ownerUri: secretFile(owner), lockTimeout: 2_000, lockAttempts: 10 },
      kafka: kafka.config,
      stateStore: stateStore.config,
      resource: { apiVersion, kind, metadata: { name: system, namespace }, spec: bot.spec },
      secrets: recipients === undefined ? [] : referencedSecrets(bot).map(({ name }) => name),
      compressionLevel: backup.spec.compressionLevel ?? policy.compressionLevel,
      parallelism: backup.spec.parallelism ?? policy.parallelism,
      ...(throttle === undefined ? {} : { throttle: Math.max(1_024, Math.floor(quantityValue(throttle))) }),
    },
    keys: [
      ...destinationKeys(destination),
      ...(recipients === undefined ? [] : [recipients, ...wholeSecrets(input)]),
      ...kafka.keys,
      ...stateStore.keys,
      owner,
      signing,
    ],
  }
}

/** Keys of Secrets that people have to provide for a Backup: they are looked for before its Job is made. */
export const neededKeys = (input: Omit<BackupInput, 'left'>): readonly MountedKey[] => {
  const { encryption } = input.bot.spec.backup
  return [
    ...destinationKeys(input.destination),
    ...(encryption === undefined ? [] : [{ secret: encryption.secretRef.name, key: 'recipients' }]),
  ]
}

/** Every key of the Secrets of the system, for secrets.json. */
const wholeSecrets = ({ bot }: DesireInput): readonly MountedKey[] =>
  referencedSecrets(bot).flatMap(({ name, keys }) => keys.map((key) => ({ secret: name, key })))

/** Everything the Job of a Backup needs, the Job last: once it exists, the rest does. All of it belongs to the Backup. */
export const backupObjects = (input: BackupInput): readonly KubeObject[] => {
  const { bot, backup, destination, left } = input
  const name = names.backup(backup.metadata.name)
  const labels = {
    ...labelsFor(bot.metadata.name, 'backup', 'backup', versionOf(input)),
    [label.backup]: backup.metadata.name,
  }
  const { config, keys } = backupConfig(input)
  return objects(input, { name, labels, config, keys, destination, left, retries: 3 })
}

/** What a Job of the system is for. */
export type MaintenanceTask =
  | { readonly mode: 'Check' }
  | { readonly mode: 'Prune'; readonly verified: readonly string[]; readonly inUse: readonly string[] }

/** How long a check of the destination and a round of retention may take, ms. */
export const maintenanceDeadlines = { Check: 120_000, Prune: 3_600_000 } as const

/** Value of the label that tells of which round a Job is. */
export const roundLabel = (round: string): string => shortHash({ round })

/** Name of the Job of a task: `round` tells it from the one before. */
export const maintenanceName = (system: string, mode: MaintenanceTask['mode'], round: string): string =>
  `${system}-backup-${mode.toLowerCase()}-${roundLabel(round)}`

/**
 * Everything such a Job needs, the Job last. The system owns it without controlling it: it is no part of what the system consists of, and so not
 * pruned as one, but it goes with the system.
 */
export const maintenanceObjects = (
  input: DesireInput,
  { destination, task, round }: { destination: DestinationSpec; task: MaintenanceTask; round: string },
): readonly KubeObject[] => {
  const { bot } = input
  const { name: system, uid } = bot.metadata
  const left = maintenanceDeadlines[task.mode]
  const { keepLast, maxAge, dryRun } = bot.spec.backup.retention
  const common = shared(input, destination, left - margin)
  const config: BackupJobConfig =
    task.mode === 'Check'
      ? { mode: 'Check', ...common }
      : {
          mode: 'Prune',
          ...common,
          ...{ keepLast, maxAge: parseDuration(maxAge), dryRun },
          verified: [...task.verified],
          inUse: [...task.inUse],
          unfinishedAge: 86_400_000,
        }
  const labels = {
    ...labelsFor(system, 'backup', 'backup', versionOf(input)),
    [label.backupTask]: task.mode,
    [label.backupRound]: roundLabel(round),
  }
  const name = maintenanceName(system, task.mode, round)
  const ownerReferences = [{ apiVersion, kind, name: system, uid }]
  const keys = destinationKeys(destination)
  return objects(input, { name, labels, config, keys, destination, left, retries: 0, ownerReferences })
}

const objects = (
  input: DesireInput,
  draft: Pick<JobDraft, 'name' | 'labels' | 'config' | 'retries' | 'ownerReferences'> & {
    readonly keys: readonly MountedKey[]
    readonly destination: DestinationSpec
    /** ms */
    readonly left: number
  },
): readonly KubeObject[] => {
  const { keys, destination, left, ...rest } = draft
  const { bot } = input
  return jobObjects(input, {
    ...rest,
    deadline: Math.max(1, Math.floor((left - margin / 2) / 1000)),
    pod: {
      container: 'backup',
      image: 'backup',
      command: ['node', '/app/backup.mjs'],
      progress: true,
      resources: bot.spec.backup.resources,
      gracePeriod: 20,
      secrets: mountedSecrets(keys),
      ...backupsVolume(bot.metadata.name, destination),
      scratch: '64Mi',
    },
  })
}
