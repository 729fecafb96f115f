import { Agent, buildConnector, errors } from 'undici'
import type { Dispatcher } from 'undici'
import { fullJitter, sleep } from './backoff.ts'
import { call } from './call.ts'
import type { Answer } from './call.ts'
import type { Credentials, Session } from './credentials.ts'
import { KubeError, errorOfResponse } from './kube-error.ts'
import { createRateLimiter } from './rate-limit.ts'
import type { RateLimit } from './rate-limit.ts'

/** One HTTP call to the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute path without query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Default application/json. */
  readonly contentType?: string
  /** Default application/json. */
  readonly accept?: string
  readonly signal?: AbortSignal | undefined
  /** Overall limit in ms, waiting and retries included; default 30 000. For streams: until the response's headers. */
  readonly timeoutMs?: number | undefined
  /**
   * Sent on a connection of its own, and not counted by the rate limit. For the lease: waiting behind hundreds of applies to a slow API
   * server would lose it.
   */
  readonly urgent?: boolean | undefined
}

/** Speaks HTTP to one API server: pooled connections, authentication, deadlines, client-side rate limit. */
export interface Transport {
  /** @throws KubeError for every answer that is not 2xx and for no answer; the signal's reason when it aborts. */
  request: (request: KubeRequest) => Promise<{ readonly status: number; readonly body: unknown }>
  /** Opens a long-lived response and yields its chunks; rejects like `request` when the answer is not 2xx. */
  stream: (request: KubeRequest) => Promise<AsyncIterable<Uint8Array>>
  /** Ends all connections and what is in flight on them. */
  close: () => Promise<void>
}

/** What a transport is made of. */
export interface TransportOptions {
  readonly credentials: Credentials
  /** `program/version`. */
  readonly userAgent: string
  /** Client-side limit over all unary calls; absent: none, the API server's priority and fairness decides. */
  readonly rateLimit?: RateLimit | undefined
  /** Connections for unary calls, each carrying one request at a time. Default 32. */
  readonly connections?: number
  /** Told of every response, for metrics; code 0 when there was none. */
  readonly onResponse?: (response: { readonly method: string; readonly code: number }) => void
  readonly random?: () => number
}

const DEFAULT_TIMEOUT_MS = 30_000
/** Tries after 429 with Retry-After and after a kept-alive connection was found closed. */
const MAX_RETRIES = 3
/** Half-open connections are noticed by the kernel: load balancers drop idle ones silently after some minutes. */
const KEEP_ALIVE_MS = 30_000

/**
 * Makes a transport. Unary calls and watches have pools of their own: a watch occupies its connection for minutes. HTTP/1.1
 * throughout, because watches multiplexed on one HTTP/2 connection die together and Node's HTTP/2 leaked under pepr's soak tests.
 */
export const createTransport = (options: TransportOptions): Transport => {
  const { credentials, random = Math.random } = options
  const connect = connector(credentials)
  const common = { connect, allowH2: false, pipelining: 1, keepAliveTimeout: 60_000, keepAliveMaxTimeout: 300_000 }
  const unary = new Agent({ ...common, connections: options.connections ?? 32 })
  const reserved = new Agent({ ...common, connections: 1 })
  const watches = new Agent({ ...common, bodyTimeout: 0 })
  const limit = options.rateLimit === undefined ? undefined : createRateLimiter(options.rateLimit)

  /** Where the session's server is; taken apart once per session and not per request. */
  let place: { readonly session: Session; readonly origin: string; readonly prefix: string } | undefined
  const placeOf = (session: Session): { readonly origin: string; readonly prefix: string } => {
    if (place?.session !== session) {
      const { origin, pathname } = new URL(session.server)
      place = { session, origin, prefix: pathname.replace(/\/$/, '') }
    }
    return place
  }

  const optionsOf = (request: KubeRequest, session: Session): Dispatcher.DispatchOptions & { origin: string } => {
    const { origin, prefix } = placeOf(session)
    return {
      origin,
      path: prefix + withQuery(request),
      method: request.method,
      headers: {
        ...session.headers,
        accept: request.accept ?? 'application/json',
        'user-agent': options.userAgent,
        ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
    }
  }

  /**
   * One successful response of whatever `send` makes of it; after 401 once with renewed credentials, after 429 as the server asks, after
   * a dead connection again.
   */
  const exchange = async <T extends Sent>(
    request: KubeRequest,
    signal: AbortSignal,
    send: (options: ReturnType<typeof optionsOf>) => Promise<T>,
    textOf: (response: T) => Promise<string> | string,
  ): Promise<T> => {
    let session = await credentials.current()
    let renewed = false
    for (let attempt = 0; ; attempt += 1) {
      let response: T
      try {
        response = await send(optionsOf(request, session))
      } catch (cause) {
        if (signal.aborted) throw cause
        options.onResponse?.({ method: request.method, code: 0 })
        if (attempt < MAX_RETRIES && isIdempotent(request) && isClosedConnection(cause)) continue
        throw new KubeError({ status: 0, reason: 'Unreachable', message: unreachable(request, cause), cause })
      }
      const { statusCode, headers } = response
      options.onResponse?.({ method: request.method, code: statusCode })
      if (statusCode < 300) return response
      const error = errorOfResponse(request.method, request.path, statusCode, headers, await textOf(response))
      if (statusCode === 401 && !renewed) {
        renewed = true
        session = await credentials.renew()
      } else if (statusCode === 429 && error.retryAfterMs !== undefined && attempt < MAX_RETRIES) {
        await sleep(fullJitter(attempt, { baseMs: 100, maxMs: 1000 }, random, error.retryAfterMs), signal)
        signal.throwIfAborted()
      } else throw error
    }
  }

  return {
    request: (request) =>
      withDeadline(request, async (signal) => {
        if (request.urgent !== true) await limit?.(signal)
        signal.throwIfAborted()
        const { statusCode, text } = await exchange(
          request,
          signal,
          (sent) => call(request.urgent === true ? reserved : unary, sent, signal),
          (answer) => answer.text,
        )
        return { status: statusCode, body: text === '' ? undefined : parse(request, text) }
      }),
    stream: async (request) => {
      // The deadline covers the headers only; afterwards the caller's signal alone ends the stream.
      const ended = new AbortController()
      const end = (): void => ended.abort(request.signal?.reason)
      if (request.signal?.aborted === true) throw abortReason(request.signal)
      request.signal?.addEventListener('abort', end, { once: true })
      try {
        const response = await withDeadline(request, (deadline) => {
          deadline.addEventListener('abort', () => ended.abort(deadline.reason), { once: true })
          return exchange(
            request,
            ended.signal,
            (sent) => watches.request({ ...sent, signal: ended.signal }),
            ({ body }) => body.text(),
          )
        })
        return chunksOf(response.body, () => request.signal?.removeEventListener('abort', end))
      } catch (error) {
        request.signal?.removeEventListener('abort', end)
        throw error
      }
    },
    close: async () => {
      await Promise.all([unary.destroy(), reserved.destroy(), watches.destroy()])
    },
  }
}

async function* chunksOf(body: AsyncIterable<unknown>, release: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array
  } finally {
    release()
  }
}

/** Opens TLS connections with the credentials of the moment: CA bundles and client certificates rotate, too. */
const connector = (credentials: Credentials): buildConnector.connector => {
  let made: { tls: string; connect: buildConnector.connector } | undefined
  const current = async (): Promise<buildConnector.connector> => {
    const { tls } = await credentials.current()
    const fingerprint = JSON.stringify(tls)
    if (made?.tls !== fingerprint) {
      const connect = buildConnector({
        ...tls,
        allowH2: false,
        timeout: 10_000,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
      })
      made = { tls: fingerprint, connect }
    }
    return made.connect
  }
  return (options, callback) => {
    current().then(
      (connect) => connect(options, callback),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    )
  }
}

/** What both ways of sending answer. */
type Sent = Pick<Answer, 'statusCode' | 'headers'>

const withQuery = ({ path, query = {} }: KubeRequest): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  return search.size === 0 ? path : `${path}?${search.toString()}`
}

const parse = (request: KubeRequest, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `${request.method} ${request.path}: the answer is not JSON (${text.length} characters)`
    throw new KubeError({ status: 0, reason: 'Malformed', message, cause })
  }
}

/** Runs `work` with a signal that follows the caller's and ends at the deadline; leaves no timer and no listener behind. */
const withDeadline = async <T>(request: KubeRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const outer = request.signal
  if (outer?.aborted === true) throw abortReason(outer)
  const controller = new AbortController()
  const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS
  // Made when it is needed only: an error takes its stack along, and every request would pay for one.
  const expire = (): void => {
    const message = `${request.method} ${request.path}: no answer within ${timeoutMs} ms`
    controller.abort(new KubeError({ status: 0, reason: 'Timeout', message }))
  }
  const timer = setTimeout(expire, timeoutMs)
  const follow = (): void => controller.abort(outer === undefined ? undefined : abortReason(outer))
  outer?.addEventListener('abort', follow, { once: true })
  try {
    return await work(controller.signal)
  } catch (error) {
    // undici may wrap or replace the reason; callers must see why it ended.
    throw controller.signal.aborted ? abortReason(controller.signal) : error
  } finally {
    clearTimeout(timer)
    outer?.removeEventListener('abort', follow)
  }
}

const abortReason = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))

/** POST is not repeated: the first may have been carried out. All our PATCHes are server-side applies or merge patches of our own fields. */
const isIdempotent = ({ method }: KubeRequest): boolean => method === 'GET' || method === 'DELETE' || method === 'PATCH'

const isClosedConnection = (cause: unknown): boolean =>
  cause instanceof errors.SocketError || (cause instanceof Error && 'code' in cause && cause.code === 'ECONNRESET')

const unreachable = ({ method, path }: KubeRequest, cause: unknown): string =>
  `${method} ${path}: no answer from the API server (${cause instanceof Error ? cause.message : String(cause)})`
