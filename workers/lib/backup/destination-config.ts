import { z } from 'zod'
import { pathSchema } from './names.ts'

const absolute = z.string().startsWith('/').max(4096)

/** A bucket of an S3-compatible server. */
export const s3DestinationSchema = z.strictObject({
  /** Such as https://s3.eu-central-1.amazonaws.com. */
  endpoint: z.url({ protocol: /^https?$/ }),
  region: z.string().min(1).max(63).default('us-east-1'),
  bucket: z.string().min(3).max(63),
  /** Folder in the bucket under which everything lies. */
  prefix: pathSchema.optional(),
  /** Bucket in the path instead of the host name, as most servers outside AWS want it. */
  pathStyle: z.boolean().default(true),
  /** File with the authorities to trust (PEM), instead of the public ones. */
  caFile: absolute.optional(),
  accessKeyIdFile: absolute,
  secretAccessKeyFile: absolute,
  serverSideEncryption: z
    .discriminatedUnion('algorithm', [
      z.strictObject({ algorithm: z.literal('AES256') }),
      z.strictObject({ algorithm: z.literal('aws:kms'), keyId: z.string().max(2048).optional() }),
    ])
    .optional(),
  /** Every object is kept from deletion for this long; retention waits for the end of it. */
  objectLock: z
    .strictObject({ mode: z.enum(['GOVERNANCE', 'COMPLIANCE']), days: z.int().min(1).max(36_500) })
    .optional(),
})

/** A mounted volume. */
export const volumeDestinationSchema = z.strictObject({ folder: absolute })

/** Where backups lie, as the Jobs read it from their config.json. */
export const destinationConfigSchema = z.union([
  z.strictObject({ s3: s3DestinationSchema }),
  z.strictObject({ volume: volumeDestinationSchema }),
])

/** See {@link destinationConfigSchema}. */
export type DestinationConfig = z.output<typeof destinationConfigSchema>
/** See {@link s3DestinationSchema}. */
export type S3DestinationConfig = z.output<typeof s3DestinationSchema>
