import { z } from 'zod'
import { quantityValue } from '../quantities.ts'
import { described, objectName, quantity, secretKey, withRules } from './field.ts'

const amounts = (what: string) =>
  described(
    z.strictObject({
      cpu: quantity(`CPU ${what}, such as 100m.`).optional(),
      memory: quantity(`Memory ${what}, such as 128Mi.`).optional(),
      'ephemeral-storage': quantity(`Local storage ${what}, such as 100Mi.`).optional(),
    }),
    `Resource ${what}s.`,
  )

const resourceNames = ['cpu', 'memory', 'ephemeral-storage'] as const

const fits = (request: string | undefined, limit: string | undefined): boolean => {
  try {
    return request === undefined || limit === undefined || quantityValue(request) <= quantityValue(limit)
  } catch {
    return true // not a quantity: reported where it stands
  }
}

/** Requests and limits of one container; absent parts come from the profile. */
export const resourcesSchema = described(
  z
    .strictObject({ requests: amounts('request').optional(), limits: amounts('limit').optional() })
    .refine(
      ({ requests, limits }) => resourceNames.every((name) => fits(requests?.[name], limits?.[name])),
      'a request must not exceed its limit',
    ),
  'Requests and limits of the container. Whatever is left out comes from the profile; CPU has no default limit, because throttling costs more latency than it saves.',
)

/** The volume of an Embedded dependency. */
export const storageSchema = withRules(
  described(
    z.strictObject({
      size: quantity('Size of the volume.').default('10Gi'),
      storageClassName: objectName('Storage class; the default class of the cluster when absent.').optional(),
    }),
    'Persistent volume of the Embedded mode; ignored otherwise. Cannot be changed: the claim templates of a StatefulSet are fixed. To grow a volume, edit its PersistentVolumeClaim.',
  ),
  {
    rule: 'self == oldSelf',
    message: 'storage cannot be changed once the resource exists; to grow a volume, edit its PersistentVolumeClaim',
  },
)

type SecretKeyRefSchema = z.ZodObject<{ name: z.ZodString; key: z.ZodDefault<z.ZodString> }, z.core.$strict>

/** One key of a Secret in the namespace of the resource. */
export const secretKeyRefSchema = (description: string, defaultKey: string): SecretKeyRefSchema =>
  described(
    z.strictObject({
      name: objectName('Name of a Secret in the same namespace.'),
      key: secretKey('Key inside the Secret.').default(defaultKey),
    }),
    description,
  )

/** What happens to data when the resource is deleted. */
export const deletionPolicySchema = (what: string): z.ZodDefault<z.ZodEnum<{ Retain: 'Retain'; Delete: 'Delete' }>> =>
  described(
    z.enum(['Retain', 'Delete']).default('Retain'),
    `What happens to ${what} when the resource is deleted: Retain keeps, Delete removes.`,
  )

/** Kubernetes resource requirements; see {@link resourcesSchema}. */
export type Resources = z.output<typeof resourcesSchema>
/** Volume of an Embedded dependency; see {@link storageSchema}. */
export type Storage = z.output<typeof storageSchema>
