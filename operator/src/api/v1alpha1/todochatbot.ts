import { z } from 'zod'
import type { ObjectMeta } from './kubernetes.ts'
import { backupSchema } from './schema/backup.ts'
import { daprSchema } from './schema/dapr.ts'
import { databaseSchema, stateStoreSchema } from './schema/database.ts'
import { evidenceSchema } from './schema/evidence.ts'
import { described, text, timestamp } from './schema/field.ts'
import { imagesSchema } from './schema/images.ts'
import { kafkaSchema } from './schema/kafka.ts'
import { maintenanceSchema, remediationSchema, updateSchema } from './schema/procedures.ts'
import { servicesSchema } from './schema/services.ts'
import type { TodoChatbotStatus } from './schema/status.ts'
import { bySchema, reasonSchema } from './schema/temporary.ts'

/** API group of every resource of this operator. */
export const group = 'todochatbot.dev'
/** The only served version. */
export const version = 'v1alpha1'
/** `apiVersion` of a TodoChatbot. */
export const apiVersion = `${group}/${version}`
/** Kind of the resource. */
export const kind = 'TodoChatbot'
/** Plural, as in URLs and RBAC rules. */
export const plural = 'todochatbots'

/** Sizes everything that is left out. */
export const profiles = ['Development', 'Staging', 'Production'] as const
/** One of {@link profiles}. */
export type Profile = (typeof profiles)[number]

const pausedSchema = described(
  z.strictObject({
    reason: reasonSchema,
    by: bySchema,
    until: timestamp('When the pause ends by itself; a pause without an end is not offered'),
  }),
  'Freezes work that disrupts running pods (rollouts, restarts, deletions) until a time. Status, drift of topics and health stay current.',
)

/** The whole spec. Unknown fields are refused by `kubectl apply` (strict validation) with their names. */
export const specSchema = described(
  z.strictObject({
    profile: described(
      z.enum(profiles).default('Development'),
      'Sizes everything that is left out: Development, Staging or Production.',
    ),
    version: text({
      description: "Version of the workers; the operator's own version when absent.",
      pattern: '^[0-9]+[.][0-9]+[.][0-9]+(-[0-9A-Za-z.-]+)?$',
      message: 'version must be a semantic version, such as 0.1.0',
      max: 50,
    }).optional(),
    paused: pausedSchema.optional(),
    kafka: kafkaSchema.prefault({}),
    database: databaseSchema.prefault({}),
    stateStore: stateStoreSchema.prefault({}),
    dapr: daprSchema.prefault({}),
    services: servicesSchema.prefault({}),
    images: imagesSchema.optional(),
    update: updateSchema.prefault({}),
    remediation: remediationSchema.prefault({}),
    maintenance: maintenanceSchema.prefault({}),
    evidence: evidenceSchema.prefault({}),
    backup: backupSchema.prefault({}),
  }),
  'What to run.',
)

/** Spec with the profile-independent defaults filled in, which is what the API server stores. */
export type TodoChatbotSpec = z.output<typeof specSchema>
/** Spec as an admin may write it. */
export type TodoChatbotSpecInput = z.input<typeof specSchema>
/** A pause with reason, author and end. */
export type Paused = z.output<typeof pausedSchema>

/** One whole system in a namespace. `namespace`, `uid` and `generation` are always set on an object read from the API server. */
export interface TodoChatbot {
  readonly apiVersion: typeof apiVersion
  readonly kind: typeof kind
  readonly metadata: ObjectMeta & { readonly namespace: string; readonly uid: string; readonly generation: number }
  readonly spec: TodoChatbotSpec
  readonly status?: TodoChatbotStatus
}
