/** Where a Job of backups finds its destination: the part of its config.json, and the volumes it mounts for it. Pure. */
import { parseDuration } from '../api/v1alpha1/durations.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { claimLabels } from '../api/v1alpha1/labels.ts'
import { names } from '../api/v1alpha1/names.ts'
import { canonicalQuantity } from '../api/v1alpha1/quantities.ts'
import type { DestinationSpec, S3Spec } from '../api/v1alpha1/schema/destination.ts'
import type { DestinationConfig } from '../../../workers/lib/backup/destination-config.ts'
import type { JobPod } from './job-pod.ts'
import { secretFile, type MountedKey } from './job-secrets.ts'
import { ownerReference } from './object.ts'
import { paths } from './pod.ts'
import type { DesireInput } from './types.ts'

/** Where the claim is mounted. */
const backupsFolder = '/backups'

/** The whole path of a key. */
const fileOf = (key: MountedKey): string => `${paths.secrets}/${secretFile(key)}`

/** Where backups go, in words. */
export const describeDestination = (system: string, { s3, volume }: DestinationSpec): string =>
  s3 === undefined
    ? `PersistentVolumeClaim/${volume?.claim ?? names.backupClaim(system)}`
    : `${s3.endpoint}/${s3.bucket}${s3.prefix === '' ? '' : `/${s3.prefix}`}`

/** The claim a Job mounts; undefined for a bucket. */
export const claimOf = (system: string, { volume }: DestinationSpec): string | undefined =>
  volume === undefined ? undefined : (volume.claim ?? names.backupClaim(system))

const s3Keys = ({ secretRef, caSecretRef }: S3Spec) => ({
  accessKeyId: { secret: secretRef.name, key: secretRef.accessKeyIdKey },
  secretAccessKey: { secret: secretRef.name, key: secretRef.secretAccessKeyKey },
  ca: caSecretRef === undefined ? undefined : { secret: caSecretRef.name, key: caSecretRef.key },
})

/** The volume a Job mounts, for its pod; nothing for a bucket. */
export const backupsVolume = (
  system: string,
  destination: DestinationSpec,
  readOnly?: true,
): Pick<JobPod, 'volume'> => {
  const claim = claimOf(system, destination)
  if (claim === undefined) return {}
  return { volume: { name: 'backups', claim, folder: backupsFolder, ...(readOnly === undefined ? {} : { readOnly }) } }
}

/** Keys of Secrets that are needed to reach a destination. */
export const destinationKeys = ({ s3 }: DestinationSpec): readonly MountedKey[] =>
  s3 === undefined ? [] : Object.values(s3Keys(s3)).filter((key) => key !== undefined)

/** The part of config.json. */
export const destinationConfig = ({ s3 }: DestinationSpec): DestinationConfig => {
  if (s3 === undefined) return { volume: { folder: backupsFolder } }
  const { endpoint, region, bucket, prefix, pathStyle, serverSideEncryption, objectLock } = s3
  const { accessKeyId, secretAccessKey, ca } = s3Keys(s3)
  return {
    s3: {
      ...{ endpoint, region, bucket, pathStyle },
      ...(prefix === '' ? {} : { prefix }),
      accessKeyIdFile: fileOf(accessKeyId),
      secretAccessKeyFile: fileOf(secretAccessKey),
      ...(ca === undefined ? {} : { caFile: fileOf(ca) }),
      ...(serverSideEncryption === undefined ? {} : { serverSideEncryption: encryptionOf(serverSideEncryption) }),
      ...(objectLock === undefined
        ? {}
        : {
            objectLock: {
              mode: objectLock.mode === 'Governance' ? 'GOVERNANCE' : 'COMPLIANCE',
              days: Math.max(1, Math.ceil(parseDuration(objectLock.period) / 86_400_000)),
            },
          }),
    },
  }
}

const encryptionOf = ({ algorithm, kmsKeyId }: NonNullable<S3Spec['serverSideEncryption']>) =>
  algorithm === 'AES256' ? { algorithm } : { algorithm, ...(kmsKeyId === undefined ? {} : { keyId: kmsKeyId }) }

/**
 * The claim that is made for a volume that names none. It has no owner, and so stays when the system goes, unless the policy says Delete. Size
 * and class only count when it is created.
 */
export const backupClaim = ({ bot }: Pick<DesireInput, 'bot'>, { volume }: DestinationSpec): KubeObject | undefined => {
  if (volume === undefined || volume.claim !== undefined) return undefined
  const { name: system, namespace } = bot.metadata
  const { apiVersion, kind, name, uid } = ownerReference(bot)
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: names.backupClaim(system),
      namespace,
      labels: claimLabels(system, 'backup'),
      ...(volume.deletionPolicy === 'Delete' ? { ownerReferences: [{ apiVersion, kind, name, uid }] } : {}),
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: canonicalQuantity(volume.size) } },
      ...(volume.storageClassName === undefined ? {} : { storageClassName: volume.storageClassName }),
    },
  }
}
