import type { StateStoreConfig } from '../../../workers/lib/redis/config.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import { dependencyAddress } from './dependencies.ts'
import { mountedKey, secretFile, type MountedKey } from './job-secrets.ts'
import type { DesireInput } from './types.ts'
import { stateStoreUsers } from './worker-config.ts'

/** How a Job reaches the keys of a system in the Dapr state store, as workers/lib/redis/config.ts reads it, and the keys of Secrets it reads for that. */
export const jobStateStore = ({
  bot,
}: Pick<DesireInput, 'bot'>): { readonly config: StateStoreConfig; readonly keys: readonly MountedKey[] } => {
  const { name: system, namespace } = bot.metadata
  const { mode, host, tls, secretRef } = bot.spec.stateStore
  const embedded = mode === 'Embedded'
  const reference = embedded ? { name: names.redisSecret(system), key: 'password' } : secretRef
  const password = reference === undefined ? undefined : mountedKey(reference)
  return {
    config: {
      address: embedded ? dependencyAddress(bot, 'redis') : (host ?? ''),
      ...(tls ? { tls: {} } : {}),
      ...(password === undefined ? {} : { password: secretFile(password) }),
      // As Dapr's keyPrefix `namespace` makes them (dapr-components.ts).
      keyPrefixes: stateStoreUsers.map((field) => `${namespace}.${names.worker(system, workerNames[field])}||`),
    },
    keys: password === undefined ? [] : [password],
  }
}
