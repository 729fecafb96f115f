import { z } from 'zod'
import { checked, described, objectName, text } from './field.ts'

/** Where one image comes from; absent parts come from the operator's own settings. */
export const imageSchema = checked(
  described(
    z.strictObject({
      repository: text({
        description: 'Repository without tag, such as registry.example.com/todochatbot/workers.',
        pattern: '^[a-z0-9]([-a-z0-9._]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]([-a-z0-9._]*[a-z0-9])?)*$',
        message:
          'repository must be an image name without tag or digest, such as registry.example.com/todochatbot/workers',
        max: 255,
      }).optional(),
      tag: text({
        description: 'Tag.',
        pattern: '^[a-zA-Z0-9_][-a-zA-Z0-9._]*$',
        message: 'tag may hold letters, digits, "_", "." and "-"',
        max: 128,
      }).optional(),
      digest: text({
        description: 'Digest, sha256:…; stands for the tag.',
        pattern: '^sha256:[a-f0-9]{64}$',
        message: 'digest must be sha256: and 64 hexadecimal digits',
        max: 71,
      }).optional(),
      pullPolicy: described(
        z.enum(['Always', 'IfNotPresent', 'Never']),
        'When the kubelet pulls the image; IfNotPresent when absent.',
      ).optional(),
    }),
    'An image; whatever is left out comes from the operator.',
  ),
  {
    rule: '!has(self.tag) || !has(self.digest)',
    message: 'set either tag or digest, not both',
    holds: ({ tag, digest }) => tag === undefined || digest === undefined,
  },
)

/** Images of the workers and of the Embedded dependencies. */
export const imagesSchema = described(
  z.strictObject({
    workers: imageSchema.optional(),
    backup: imageSchema.optional(),
    kafka: imageSchema.optional(),
    postgresql: imageSchema.optional(),
    redis: imageSchema.optional(),
    pullSecrets: described(
      z
        .array(
          described(
            z.strictObject({
              name: objectName('Name of a Secret of type kubernetes.io/dockerconfigjson in the same namespace.'),
            }),
            'A pull secret.',
          ),
        )
        .max(8),
      'Pull secrets of every pod, at most 8.',
    ).optional(),
  }),
  'Images of the workers, of backups and of the Embedded dependencies; the ones the operator was installed with when absent.',
)

/** Where one image comes from; see {@link imageSchema}. */
export type Image = z.output<typeof imageSchema>
/** See {@link imagesSchema}. */
export type Images = z.output<typeof imagesSchema>
