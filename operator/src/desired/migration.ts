import { annotation, labelsFor } from '../api/v1alpha1/labels.ts'
import { names } from '../api/v1alpha1/names.ts'
import { shortHash, contentHash } from './hash.ts'
import { imageOf } from './image.ts'
import { owned, versionOf } from './object.ts'
import type { Json } from './object.ts'
import { containerSecurity, paths, podBase, scratchVolume, secretMode } from './pod.ts'
import { databaseReference } from './secret-references.ts'
import { embeddedDatabase } from './secrets.ts'
import type { Desire, DesireInput } from './types.ts'

/** A migration that takes longer is given up; the condition then names the Job. Seconds. */
const deadlineSeconds = 900

/** config.json of the migrations. The role that gets the workers' grants is only known here when the operator made it. */
export const migrationConfig = (input: DesireInput): Json => {
  const { metadata, spec } = input.bot
  return {
    service: names.migration(metadata.name),
    system: metadata.name,
    version: versionOf(input),
    logLevel: spec.services.chatApi.logLevel,
    ...(spec.database.mode === 'Embedded' ? { database: { appRole: embeddedDatabase.appRole } } : {}),
  }
}

/**
 * Name of the Job that brings the schema to the version of this resource. Version, image and database are part of it: whatever of them
 * changes, a new Job runs before the workers roll. A
 * Job that failed for good is tried again under another name when the annotation todochatbot.dev/retry-migration changes.
 */
export const migrationJobName = (input: DesireInput): string => {
  const { image } = imageOf(input, 'workers')
  const hash = shortHash({
    version: versionOf(input),
    image,
    database: databaseReference(input.bot),
    retry: input.bot.metadata.annotations?.[annotation.retryMigration],
  })
  return names.migrationJob(input.bot.metadata.name, hash)
}

const template = (input: DesireInput): Json => {
  const { metadata, spec } = input.bot
  const system = metadata.name
  const database = databaseReference(input.bot)
  const { image, imagePullPolicy } = imageOf(input, 'workers')
  return {
    metadata: {
      labels: labelsFor(system, 'migrate', 'migration', versionOf(input)),
      annotations: { [annotation.configHash]: contentHash(migrationConfig(input)) },
    },
    spec: {
      ...podBase(input, names.migration(system)),
      restartPolicy: 'Never',
      containers: [
        {
          name: 'migrate',
          image,
          imagePullPolicy,
          terminationMessagePolicy: 'FallbackToLogsOnError',
          command: ['node', '/app/migrate.mjs'],
          resources: spec.services.chatApi.resources,
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'config', mountPath: paths.config, readOnly: true },
            { name: 'secrets', mountPath: paths.secrets, readOnly: true },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name: names.migrationConfig(system) } },
        {
          name: 'secrets',
          secret: {
            secretName: database.name,
            defaultMode: secretMode,
            items: [
              { key: database.ownerKey, path: 'databaseOwnerUri' },
              { key: database.key, path: 'databaseUri' },
            ],
          },
        },
        scratchVolume('tmp', '16Mi'),
      ],
    },
  }
}

/** The migrations: their configuration, and one Job per version. */
export const migration: Desire = (input) => {
  const system = input.bot.metadata.name
  const shared = { app: 'migrate', component: 'migration' } as const
  return [
    owned(input, {
      ...shared,
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: names.migrationConfig(system),
      stage: 'Foundation',
      body: { data: { 'config.json': JSON.stringify(migrationConfig(input), undefined, 2) } },
    }),
    owned(input, {
      ...shared,
      apiVersion: 'batch/v1',
      kind: 'Job',
      name: migrationJobName(input),
      stage: 'Migration',
      policy: 'CreateOnce',
      body: { spec: { backoffLimit: 5, activeDeadlineSeconds: deadlineSeconds, template: template(input) } },
    }),
  ]
}
