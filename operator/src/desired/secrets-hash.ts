import { annotation } from '../api/v1alpha1/labels.ts'
import { contentHash } from './hash.ts'
import type { Facts } from './types.ts'

/** The annotation that rolls a pod when a Secret it read at start has changed; nothing when no hash is known. */
export const secretsHash = (facts: Facts, names: readonly string[]): Record<string, string> => {
  const known = names.flatMap((name) => {
    const hash = facts.secretHashes[name]
    return hash === undefined ? [] : [[name, hash] as const]
  })
  return known.length === 0 ? {} : { [annotation.secretHash]: contentHash(Object.fromEntries(known)) }
}
