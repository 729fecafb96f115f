/**
 * Knows the Secrets of systems without watching Secrets: a watch on a kind cannot be limited to a few names by RBAC, and a watch per name
 * would be a connection per Secret. So a Secret is read by name, and only when there is a reason (docs/adr/0016):
 *  - it has never been read for this system by this process, or the spec or the restart annotation of the resource changed since;
 *  - the system is not ready and the last reading is older than `maxAge`: a missing Secret may have been created, a password corrected.
 * A system that is ready costs no request, also when it shares a Secret with others. The reader doubles as the applier's cache for generated
 * Secrets, which are written once.
 */
import { createHash } from 'node:crypto'
import type { LiveCache } from '../../apply/kube.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import { keyOf, type KubeObject, type ObjectRef } from '../../kube/object.ts'

/** What is known of a Secret. */
export interface KnownSecret {
  /** Changes with the content; not reversible. */
  readonly hash: string
  /** Keys with a value that is not empty. */
  readonly keys: ReadonlySet<string>
  /** The value of one key as text. */
  readonly value: (key: string) => string | undefined
}

/** Why and when to read again. */
export interface Freshness {
  /** `namespace/name` of the system. */
  readonly owner: string
  /** Any change is a reason to read again for this owner. */
  readonly token: string
  /** A reading older than this (ms) is repeated; Infinity while all is well. */
  readonly maxAge: number
}

/** See the header of this file. */
export interface SecretReader extends LiveCache {
  /** The Secret, or undefined when it does not exist. Throws KubeError when the API server does not answer. */
  read: (ref: Required<ObjectRef>, freshness: Freshness, signal: AbortSignal) => Promise<KnownSecret | undefined>
  /** What is known without asking. */
  known: (ref: Required<ObjectRef>) => KnownSecret | undefined
  /** The owner is gone: drops what nobody else has asked for. */
  forget: (owner: string) => void
}

interface Reading {
  /** By owner, those that this reading is good for. */
  readonly tokens: Map<string, string>
  /** Our own write: good for everybody who has not asked yet. */
  readonly written: boolean
  readonly at: number
  readonly object: KubeObject | undefined
  readonly secret: KnownSecret | undefined
}

/** Makes a reader. @param now ms, monotonic */
export function secretReader({
  client,
  now,
}: {
  readonly client: KubeClient
  readonly now: () => number
}): SecretReader {
  const readings = new Map<string, Reading>()

  const remember = (
    key: string,
    object: KubeObject | undefined,
    by: Pick<Reading, 'tokens' | 'written'>,
  ): KnownSecret | undefined => {
    const secret = object === undefined ? undefined : knownSecret(object)
    const stub =
      object === undefined ? undefined : { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata }
    readings.set(key, { ...by, at: now(), object: stub, secret })
    return secret
  }
  const isGood = (reading: Reading, { owner, token, maxAge }: Freshness): boolean =>
    now() - reading.at < maxAge && (reading.tokens.get(owner) ?? (reading.written ? token : undefined)) === token

  return {
    kind: kinds.Secret,
    read: async (ref, freshness, signal) => {
      const key = keyOf(ref)
      const last = readings.get(key)
      const { owner, token } = freshness
      if (last !== undefined && isGood(last, freshness)) {
        last.tokens.set(owner, token)
        return last.secret
      }
      const found = await client.get(kinds.Secret, ref, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
        return undefined
      })
      // Those who asked before have no reason to ask again: this is newer.
      const tokens = new Map(readings.get(key)?.tokens).set(owner, token)
      return remember(key, found, { tokens, written: false })
    },
    known: (ref) => readings.get(keyOf(ref))?.secret,
    forget: (owner) => {
      for (const [key, { tokens }] of readings) if (tokens.delete(owner) && tokens.size === 0) readings.delete(key)
    },
    get: (ref) => readings.get(keyOf(ref))?.object,
    ownedBy: () => [],
    whole: (object) => object,
    observe: (written) => {
      remember(keyOf(written.metadata), written, { tokens: new Map(), written: true })
    },
    observeDeleted: (deleted) => readings.delete(keyOf(deleted.metadata)),
  }
}

function knownSecret(object: KubeObject): KnownSecret {
  const data = (object['data'] ?? {}) as Readonly<Record<string, string>>
  const entries = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    hash: createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16),
    keys: new Set(entries.filter(([, value]) => value !== '').map(([key]) => key)),
    value: (key) => {
      const value = data[key]
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8')
    },
  }
}
