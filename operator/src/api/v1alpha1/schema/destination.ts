import { z } from 'zod'
import { checked, described, duration, objectName, quantity, secretKey, text } from './field.ts'
import { deletionPolicySchema, secretKeyRefSchema } from './resources.ts'

const day = 86_400_000

/** Backups in a bucket of an S3-compatible server. */
export const s3Schema = described(
  z.strictObject({
    endpoint: text({
      description: 'Address of the server, such as https://s3.eu-central-1.amazonaws.com.',
      pattern: '^https?://[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[1-9][0-9]{0,4})?$',
      message: 'endpoint must be http:// or https://, a host and perhaps a port, such as https://s3.example.com:9000',
      max: 300,
    }),
    region: text({
      description: 'Region; servers that know none take any.',
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      message: 'region must hold lower-case letters, digits and "-" only, such as eu-central-1',
      max: 63,
    }).default('us-east-1'),
    bucket: text({
      description: 'Bucket. It must exist.',
      pattern: '^[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]$',
      message: 'bucket must be 3 to 63 lower-case letters, digits, "-" and "."',
      max: 63,
    }),
    prefix: text({
      description: 'Folder in the bucket, without a slash at either end; several clusters can share a bucket.',
      pattern: '^([-a-zA-Z0-9_.]+(/[-a-zA-Z0-9_.]+)*)?$',
      message: 'prefix must be folders of letters, digits, "-", "_" and ".", without a slash at either end',
      max: 255,
    }).default(''),
    pathStyle: described(
      z.boolean().default(true),
      'Whether the bucket is part of the path (https://host/bucket), which every server takes, or of the host name.',
    ),
    secretRef: described(
      z.strictObject({
        name: objectName('Name of a Secret in the same namespace.'),
        accessKeyIdKey: secretKey('Key of the access key id.').default('accessKeyId'),
        secretAccessKeyKey: secretKey('Key of the secret access key.').default('secretAccessKey'),
      }),
      'Credentials. They need ListBucket, GetObject, PutObject, AbortMultipartUpload, and DeleteObject for retention.',
    ),
    caSecretRef: secretKeyRefSchema(
      'Certificate authority of the server; the public ones when absent.',
      'ca.crt',
    ).optional(),
    serverSideEncryption: checked(
      described(
        z.strictObject({
          algorithm: described(z.enum(['AES256', 'aws:kms']), 'AES256: keys of the server. aws:kms: a key of KMS.'),
          kmsKeyId: text({
            description: 'Key of KMS; the default key of the bucket when absent.',
            pattern: '^[-a-zA-Z0-9:/_]+$',
            message: 'kmsKeyId must be the id or ARN of a key',
            max: 2048,
          }).optional(),
        }),
        'What the server is asked to encrypt with. For encryption before the data leaves the cluster see spec.backup.encryption.',
      ),
      {
        rule: "self.algorithm == 'aws:kms' || !has(self.kmsKeyId)",
        message: 'kmsKeyId belongs to algorithm aws:kms',
        path: ['kmsKeyId'],
        holds: ({ algorithm, kmsKeyId }) => algorithm === 'aws:kms' || kmsKeyId === undefined,
      },
    ).optional(),
    objectLock: described(
      z.strictObject({
        mode: described(
          z.enum(['Governance', 'Compliance']),
          'Governance: privileged users may remove it earlier. Compliance: nobody may.',
        ),
        period: duration('How long each object cannot be removed', { min: day, max: 3650 * day }),
      }),
      'Locks each object of a backup; the bucket must have Object Lock. Retention leaves what is still locked and tries again.',
    ).optional(),
  }),
  'A bucket of an S3-compatible server.',
)

/** Backups on a PersistentVolumeClaim. */
export const volumeSchema = described(
  z.strictObject({
    claim: objectName(
      'Existing PersistentVolumeClaim in the same namespace; <system>-backups, made when it is first needed, when absent.',
    ).optional(),
    size: quantity('Size of the claim that is made.').default('10Gi'),
    storageClassName: objectName(
      'Storage class of the claim that is made; the default class of the cluster when absent.',
    ).optional(),
    deletionPolicy: deletionPolicySchema('the claim that was made, with every backup on it,'),
  }),
  'A PersistentVolumeClaim. It lies in the same cluster as the data: good against mistakes, not against the loss of the cluster.',
)

/** Where backups go: exactly one of both. */
export const destinationSchema = checked(
  described(
    z.strictObject({ s3: s3Schema.optional(), volume: volumeSchema.optional() }),
    'Where backups go: either s3 or volume.',
  ),
  {
    rule: 'has(self.s3) != has(self.volume)',
    message: 'set either destination.s3 or destination.volume, not both',
    holds: ({ s3, volume }) => (s3 === undefined) !== (volume === undefined),
  },
)

/** Where backups go, as the API server stores it. */
export type DestinationSpec = z.output<typeof destinationSchema>
/** See {@link s3Schema}. */
export type S3Spec = z.output<typeof s3Schema>
/** See {@link volumeSchema}. */
export type VolumeSpec = z.output<typeof volumeSchema>
