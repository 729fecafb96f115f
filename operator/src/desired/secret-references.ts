import type { ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import { names } from '../api/v1alpha1/names.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'

/** A Secret the system needs. */
export interface SecretReference {
  readonly name: string
  /** Keys that must be there and not be empty. */
  readonly keys: readonly string[]
  /** Field of the spec that names it, for messages; undefined for the ones the operator generates. */
  readonly field?: string
}

type Bot = Pick<TodoChatbot | ResolvedTodoChatbot, 'metadata' | 'spec'>

/** Where the connection strings of the database are. */
export const databaseReference = ({
  metadata,
  spec,
}: Bot): { name: string; key: string; ownerKey: string; field?: string } => {
  const reference = spec.database.secretRef
  if (spec.database.mode === 'Embedded' || reference === undefined) {
    return { name: names.databaseSecret(metadata.name), key: 'uri', ownerKey: 'ownerUri' }
  }
  const { name, key, ownerKey } = reference
  return { name, key, ownerKey: ownerKey ?? key, field: 'spec.database.secretRef' }
}

const external = (
  field: string,
  reference: { name: string; keys: readonly string[] } | undefined,
): SecretReference[] => (reference === undefined ? [] : [{ field, name: reference.name, keys: reference.keys }])

/** Secrets an admin has to provide: the operator checks that they exist and hold the keys before anything that needs them rolls. */
export const externalSecrets = ({ metadata, spec }: Bot): readonly SecretReference[] => {
  const { sasl, tls } = spec.kafka
  const database = databaseReference({ metadata, spec })
  const redis = spec.stateStore.secretRef
  return [
    ...external(
      'spec.database.secretRef',
      database.field === undefined
        ? undefined
        : { name: database.name, keys: [...new Set([database.key, database.ownerKey])] },
    ),
    ...external(
      'spec.kafka.tls.caSecretRef',
      tls?.caSecretRef && { name: tls.caSecretRef.name, keys: [tls.caSecretRef.key] },
    ),
    ...external(
      'spec.kafka.sasl.secretRef',
      sasl && { name: sasl.secretRef.name, keys: [sasl.secretRef.usernameKey, sasl.secretRef.passwordKey] },
    ),
    ...external('spec.stateStore.secretRef', redis && { name: redis.name, keys: [redis.key] }),
  ]
}

/**
 * Every Secret whose content pods or sidecars read at start, generated ones included. `facts.secretHashes` must either always hold a Secret
 * of this list or never: an entry that comes and goes would roll the pods.
 */
export const referencedSecrets = (bot: Bot): readonly SecretReference[] => {
  const { metadata, spec } = bot
  return [
    { name: names.authSecret(metadata.name), keys: ['jwtKey', 'serviceToken'] },
    { name: names.appTokenSecret(metadata.name), keys: ['token'] },
    ...(spec.database.mode === 'Embedded'
      ? [{ name: names.databaseSecret(metadata.name), keys: ['ownerPassword', 'appPassword', 'ownerUri', 'uri'] }]
      : []),
    ...(spec.stateStore.mode === 'Embedded' ? [{ name: names.redisSecret(metadata.name), keys: ['password'] }] : []),
    ...externalSecrets(bot),
  ]
}
