import type { DaprClient } from '@dapr/dapr'
import { SidecarError } from './dapr.ts'

/** A value with the version it was read at. */
export interface Stored<Value> {
  readonly value: Value
  /** Opaque; hand it back to {@link StateStore.save} to write only if nobody else did. */
  readonly etag: string
}

/** Short-lived state in the Dapr state store. Nothing that must survive a lost Redis belongs here. */
export interface StateStore {
  /** The value, or undefined when the key is unknown or expired. It is parsed JSON: check its shape. */
  get(key: string): Promise<Stored<unknown> | undefined>
  /**
   * Writes JSON. With `etag` only over that very version, resolving to false when another writer was first; without it,
   * the last writer wins. `ttl` in whole seconds.
   */
  save(key: string, value: unknown, options?: { readonly etag?: string; readonly ttl?: number }): Promise<boolean>
  delete(key: string): Promise<void>
  close(): Promise<void>
}

/** What the SDK would print in a format of its own is in the errors that are thrown here. */
const nothing = (): void => undefined
const silence = { error: nothing, warn: nothing, info: nothing, verbose: nothing, debug: nothing }

const isConflict = (error: unknown): boolean => /etag|409|ABORTED/i.test(String(error))

/** The SDK has no request timeout of its own (HTTPClient.ts): a sidecar that hangs must not hang the request. */
const bounded = async <T>(what: string, timeout: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new SidecarError(`${what} took longer than ${timeout} ms`)), timeout)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * State through the SDK's client, loaded on first use: it brings gRPC, actors and workflows along, some 60 MB that an
 * idle worker does not hold. Reads use the bulk call, the only one of the SDK's that returns the ETag.
 */
export const createStateStore = (options: {
  readonly port: number
  readonly store: string
  /** Limit of one call, ms; default 2000. */
  readonly timeout?: number
}): StateStore => {
  const { store } = options
  const timeout = options.timeout ?? 2_000
  let loading: Promise<DaprClient> | undefined
  const client = (): Promise<DaprClient> =>
    (loading ??= import('./dapr-sdk.ts').then(
      ({ DaprClient: Client, LogLevel }) =>
        new Client({
          daprHost: '127.0.0.1',
          daprPort: String(options.port),
          logger: { level: LogLevel.Error, service: silence },
        }),
    ))
  return {
    get: async (key) => {
      const { state } = await client()
      const entries = await bounded('reading state', timeout, state.getBulk(store, [key], { parallelism: 1 }))
      const entry = entries.find((found) => found['key'] === key)
      if (entry === undefined || entry['data'] === undefined || entry['data'] === null) return undefined
      return { value: entry['data'] as unknown, etag: String(entry['etag'] ?? '') }
    },
    save: async (key, value, { etag, ttl } = {}) => {
      const { StateConcurrencyEnum, StateConsistencyEnum } = await import('./dapr-sdk.ts')
      const { state } = await client()
      const { CONCURRENCY_FIRST_WRITE, CONCURRENCY_LAST_WRITE } = StateConcurrencyEnum
      const entry = {
        key,
        value,
        ...(etag === undefined ? {} : { etag }),
        ...(ttl === undefined ? {} : { metadata: { ttlInSeconds: String(ttl) } }),
        options: {
          concurrency: etag === undefined ? CONCURRENCY_LAST_WRITE : CONCURRENCY_FIRST_WRITE,
          consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
        },
      }
      const { error } = await bounded('saving state', timeout, state.save(store, [entry]))
      if (error === undefined) return true
      if (etag !== undefined && isConflict(error)) return false
      throw new SidecarError('saving state failed', undefined, error)
    },
    delete: async (key) => {
      const { state } = await client()
      const { error } = await bounded('deleting state', timeout, state.delete(store, key))
      if (error !== undefined) throw new SidecarError('deleting state failed', undefined, error)
    },
    close: async () => {
      if (loading !== undefined) await (await loading).stop()
    },
  }
}
