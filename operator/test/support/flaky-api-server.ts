/**
 * A proxy in front of an API server that misbehaves on demand: it refuses with any status, cuts a response after some bytes (in
 * the middle of a JSON line), stalls with the socket open, and corrupts lines. Faults are queued; each applies to the next
 * requests that match. Without faults it passes everything through, also to a real kube-apiserver over TLS.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import type { Dispatcher } from 'undici'
import type { Session } from '../../src/kube/credentials.ts'

/** Which requests a fault is for. */
export type Match = 'any' | 'watch' | 'list' | 'unary' | ((request: SeenRequest) => boolean)

/** What goes wrong. */
export type Fault = {
  readonly match?: Match
  /** How many requests; default 1. */
  readonly times?: number
} & (
  | { readonly type: 'status'; readonly code: number; readonly retryAfterSeconds?: number; readonly reason?: string }
  /** Forwards the first bytes of the body, then destroys the connection. */
  | { readonly type: 'cut'; readonly afterBytes: number }
  /** Forwards the first bytes, then keeps the connection open and silent; 0: not even the status line. */
  | { readonly type: 'stall'; readonly afterBytes: number }
  /** Replaces line number `line` (0-based) of the body by text that is no JSON. */
  | { readonly type: 'corrupt'; readonly line: number }
  /** Closes the connection without an answer. */
  | { readonly type: 'refuse' }
)

/** A request that arrived at the proxy. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** The client's port: tells connections apart. */
  readonly port: number | undefined
}

/** A running proxy. */
export interface FlakyApiServer {
  readonly url: string
  /** All requests so far, refused ones included. */
  readonly seen: readonly SeenRequest[]
  inject: (...faults: readonly Fault[]) => void
  /** Watches that {@link cutWatches} and {@link stallWatches} would meet. */
  openWatches: () => number
  /** Destroys every open watch in the middle of a line. */
  cutWatches: () => void
  /** Open watches get nothing more, and their connections stay. */
  stallWatches: () => void
  clear: () => void
  close: () => Promise<void>
}

/** Starts the proxy before `upstream`: its base URL, TLS material and headers. */
export const startFlakyApiServer = async (upstream: Session): Promise<FlakyApiServer> => {
  const agent = new Agent({ connect: { ...upstream.tls }, allowH2: false, bodyTimeout: 0, connections: 64 })
  const seen: SeenRequest[] = []
  const openWatches = new Set<{ readonly response: ServerResponse; stalled: boolean }>()
  let faults: (Fault & { left: number })[] = []

  const takeFault = (request: SeenRequest): Fault | undefined => {
    const fault = faults.find(({ match = 'any', left }) => left > 0 && matches(match, request))
    if (fault === undefined) return undefined
    fault.left -= 1
    return fault
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const arrived: SeenRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      port: request.socket.remotePort,
    }
    seen.push(arrived)
    const fault = takeFault(arrived)
    if (fault?.type === 'refuse') {
      response.destroy()
      return
    }
    if (fault?.type === 'status') {
      refuse(response, fault)
      return
    }
    if (fault?.type === 'stall' && fault.afterBytes === 0) return
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const answer = await forward(agent, upstream, request, url, gone.signal)
    const type = answer.headers['content-type']
    response.writeHead(answer.statusCode, typeof type === 'string' ? { 'content-type': type } : {})
    response.flushHeaders()
    await relay(answer.body, response, fault, matches('watch', arrived))
  }

  const relay = async (
    body: AsyncIterable<Uint8Array>,
    response: ServerResponse,
    fault: Fault | undefined,
    isWatch: boolean,
  ): Promise<void> => {
    const watch = { response, stalled: false }
    if (isWatch) openWatches.add(watch)
    response.once('close', () => openWatches.delete(watch))
    let sent = 0
    let lines = 0
    for await (const chunk of body) {
      if (watch.stalled || response.destroyed) continue
      if (fault?.type === 'cut' || fault?.type === 'stall') {
        const rest = fault.afterBytes - sent
        sent += chunk.length
        if (chunk.length >= rest) {
          response.write(chunk.subarray(0, Math.max(0, rest)))
          watch.stalled = true
          // The bytes must be on their way before the connection goes.
          if (fault.type === 'cut') setImmediate(() => response.destroy())
          continue
        }
      }
      if (fault?.type === 'corrupt') {
        const text = Buffer.from(chunk).toString()
        response.write(text.replaceAll(/[^\n]+/g, (line) => (lines++ === fault.line ? `<${line.slice(5)}` : line)))
      } else response.write(chunk)
    }
    if (!watch.stalled) response.end()
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    inject: (...added) => faults.push(...added.map((fault) => ({ ...fault, left: fault.times ?? 1 }))),
    openWatches: () => openWatches.size,
    cutWatches: () =>
      openWatches.forEach(({ response }) => {
        response.write('{"type":"MODIFIED","object":{"kind":"Conf')
        setImmediate(() => response.destroy())
      }),
    stallWatches: () =>
      openWatches.forEach((watch) => {
        watch.stalled = true
      }),
    clear: () => {
      faults = []
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await agent.destroy()
    },
  }
}

const matches = (match: Match, request: SeenRequest): boolean => {
  if (typeof match === 'function') return match(request)
  const isWatch = request.query.get('watch') === 'true'
  const isList = !isWatch && request.method === 'GET' && request.query.has('limit')
  return match === 'any' || (match === 'watch' ? isWatch : match === 'list' ? isList : !isWatch)
}

const refuse = (response: ServerResponse, fault: Extract<Fault, { type: 'status' }>): void => {
  const { code, retryAfterSeconds, reason = 'Injected' } = fault
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  })
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message: `injected ${code}` }))
}

const forward = async (
  agent: Agent,
  upstream: Session,
  request: IncomingMessage,
  url: URL,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { accept, 'content-type': contentType, authorization } = request.headers
  return agent.request({
    origin: upstream.server,
    path: url.pathname + url.search,
    method: request.method ?? 'GET',
    headers: {
      ...(authorization !== undefined && { authorization }),
      ...upstream.headers,
      ...(accept !== undefined && { accept }),
      ...(contentType !== undefined && { 'content-type': contentType }),
    },
    body: chunks.length === 0 ? null : Buffer.concat(chunks),
    signal,
  })
}
