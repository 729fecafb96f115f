import { sendRequest } from './loopback-http.ts'
import { Agent } from 'node:http'

/** One event of a bulk publish; `key` decides the partition. */
export interface PublishEntry {
  /** Unique within the call; the answer names failures by it. */
  readonly entryId: string
  readonly key: string
  /** The CloudEvent as JSON text; it goes into the request as it is, without being parsed on the way. */
  readonly event: string
}

/** Publishes events to a broker topic and says which ones were not acknowledged. */
export interface Publisher {
  /**
   * Resolves to the entries the broker did not acknowledge, with the reason; empty when all arrived. Rejects with
   * {@link SidecarError} when nothing is known about any of them. Entries of one call may reach the broker in any order.
   */
  publishBulk(
    topic: string,
    entries: readonly PublishEntry[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>
}

/** The Dapr sidecar beside this process. */
export interface Sidecar extends Publisher {
  /** Resolves when the sidecar's components are up (`/v1.0/healthz/outbound`), rejects otherwise. */
  check(signal: AbortSignal): Promise<void>
  /** Polls {@link Sidecar.check} until it succeeds; rejects after `deadline` ms or when `signal` is aborted. */
  waitUntilReady(deadline: number, signal: AbortSignal): Promise<void>
  /** Calls `GET <path>` of another app by its Dapr id; resolves to status and body, whatever the status. */
  invoke(
    appId: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ status: number; body: string }>
  close(): Promise<void>
}

/** The sidecar did not do what was asked; `status` is absent when it did not answer. */
export class SidecarError extends Error {
  override readonly name = 'SidecarError'
  readonly status: number | undefined

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.status = status
  }
}

/** Longer than a healthy broker ever takes, shorter than the relay session's idle timeout (outbox-relay.ts). */
export const publishTimeout = 10_000

const failuresOf = (body: string, entries: readonly PublishEntry[]): Map<string, string> | undefined => {
  try {
    const answer = JSON.parse(body) as { failedEntries?: { entryId?: unknown; error?: unknown }[] }
    const known = new Set(entries.map(({ entryId }) => entryId))
    const failed = new Map<string, string>()
    for (const { entryId, error } of answer.failedEntries ?? []) {
      if (typeof entryId !== 'string' || !known.has(entryId)) return undefined
      failed.set(entryId, typeof error === 'string' ? error : 'no reason given')
    }
    // An error without a single named failure says nothing about any entry.
    return failed.size === 0 ? undefined : failed
  } catch {
    return undefined
  }
}

/**
 * Speaks HTTP to the sidecar on loopback. Publishing does not go through `@dapr/dapr`: its bulk call still uses the alpha
 * path (js-sdk#786), returns errors as values, and has no timeouts.
 */
export const createSidecar = (options: { readonly port: number; readonly pubsub: string }): Sidecar => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const send = async (
    method: 'GET' | 'POST',
    path: string,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<{ status: number; body: string }> => {
    try {
      const target = { agent, port: options.port, method, path, headers, timeout: publishTimeout }
      return await sendRequest(target, body, signal)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new SidecarError(
        `the Dapr sidecar did not answer ${method} ${path.split('?')[0] ?? ''}: ${reason}`,
        undefined,
        error,
      )
    }
  }
  const check = async (signal: AbortSignal): Promise<void> => {
    const { status } = await send('GET', '/v1.0/healthz/outbound', signal)
    if (status >= 300) throw new SidecarError(`the Dapr sidecar is not ready (${status})`, status)
  }
  const pubsub = encodeURIComponent(options.pubsub)

  return {
    check,
    waitUntilReady: async (deadline, signal) => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(deadline)])
      for (;;) {
        try {
          await check(bounded)
          return
        } catch (error) {
          signal.throwIfAborted()
          if (bounded.aborted)
            throw new SidecarError(`the Dapr sidecar was not ready within ${deadline} ms`, undefined, error)
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    },
    publishBulk: async (topic, entries, signal) => {
      const body = entries.map(({ entryId, key, event }) => {
        const metadata = JSON.stringify({ partitionKey: key })
        return `{"entryId":${JSON.stringify(entryId)},"contentType":"application/cloudevents+json","metadata":${metadata},"event":${event}}`
      })
      const path = `/v1.0/publish/bulk/${pubsub}/${encodeURIComponent(topic)}`
      const answer = await send('POST', path, signal, { 'content-type': 'application/json' }, `[${body.join(',')}]`)
      if (answer.status < 300) return new Map()
      const failed = failuresOf(answer.body, entries)
      if (failed === undefined) {
        throw new SidecarError(
          `publishing to ${topic} failed (${answer.status}): ${answer.body.slice(0, 500)}`,
          answer.status,
        )
      }
      return failed
    },
    invoke: (appId, path, headers, signal) =>
      send('GET', `/v1.0/invoke/${encodeURIComponent(appId)}/method${path}`, signal, headers),
    close: () => {
      agent.destroy()
      return Promise.resolve()
    },
  }
}
