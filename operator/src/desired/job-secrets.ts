/** The keys of Secrets that a Job reads: as files `<secret>/<key>` below the secrets directory, no key but those it needs. Pure. */
import type { SecretKey } from './kafka-cluster.ts'

/** A key of a Secret that a Job reads. */
export interface MountedKey {
  readonly secret: string
  readonly key: string
}

/** A Secret as a pod mounts it. */
export interface MountedSecret {
  readonly name: string
  /** Undefined: all of them. */
  readonly keys?: readonly string[]
  /** Whether the pod starts without it; the Job then says itself what it lacks. */
  readonly optional: boolean
}

/** A key as a Job reads it. */
export const mountedKey = ({ name, key }: SecretKey): MountedKey => ({ secret: name, key })

/** The file of a key, below the secrets directory. */
export const secretFile = ({ secret, key }: MountedKey): string => `${secret}/${key}`

/** The Secrets of some keys, each once. */
export const mountedSecrets = (keys: readonly MountedKey[], optional = false): readonly MountedSecret[] =>
  [...Map.groupBy(keys, ({ secret }) => secret)].map(([name, entries]) => ({
    name,
    keys: [...new Set(entries.map(({ key }) => key))],
    optional,
  }))
