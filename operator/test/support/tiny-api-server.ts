/**
 * A small API server in memory for unit tests of the client side: lists with pages, watches with bookmarks, history and 410,
 * watch-list, create, replace with optimistic locking, server-side apply for one manager per object, delete with preconditions.
 * It checks nothing else; what depends on the real server's behaviour is tested against the real one.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { KubeObject } from '../../src/kube/object.ts'
import { mergeApplied } from './merge-applied.ts'

interface HistoryEntry {
  readonly version: number
  readonly path: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
}

interface Watcher {
  readonly path: string
  readonly selects: (object: KubeObject) => boolean
  readonly response: ServerResponse
}

/** A running server and a back door to its state. */
export interface TinyApiServer {
  readonly url: string
  /** Writes as another client would; returns the stored object. */
  put: (collection: string, object: KubeObject) => KubeObject
  remove: (collection: string, name: string) => void
  get: (collection: string, name: string) => KubeObject | undefined
  /** Forgets history: watches from older versions get 410. */
  compact: () => void
  bookmark: () => void
  /** Ends all watches in the orderly way, as the server's timeout does. */
  endWatches: () => void
  readonly watchers: number
  close: () => Promise<void>
}

/** Starts a server on a free port. `watchList: false` refuses sendInitialEvents as servers before 1.32 do. */
export const startTinyApiServer = async (options: { readonly watchList?: boolean } = {}): Promise<TinyApiServer> => {
  const objects = new Map<string, KubeObject>()
  const applied = new Map<string, KubeObject>()
  const watchers = new Set<Watcher>()
  let history: HistoryEntry[] = []
  let version = 100
  let oldest = 0

  const send = (watcher: Watcher, type: string, object: unknown): void => {
    watcher.response.write(`${JSON.stringify({ type, object })}\n`)
  }
  const record = (type: HistoryEntry['type'], path: string, object: KubeObject): void => {
    history.push({ version, type, path, object })
    for (const watcher of watchers)
      if (path.startsWith(`${watcher.path}/`) && watcher.selects(object)) send(watcher, type, object)
  }
  const store = (path: string, object: KubeObject): KubeObject => {
    version += 1
    const former = objects.get(path)
    const sameSpec = JSON.stringify(former?.['spec']) === JSON.stringify(object['spec'])
    const generation = former === undefined ? 1 : (former.metadata.generation ?? 1) + (sameSpec ? 0 : 1)
    const uid = former?.metadata.uid ?? randomUUID()
    const metadata = { ...object.metadata, uid, generation, resourceVersion: String(version) }
    const stored = { ...object, metadata }
    objects.set(path, stored)
    record(former === undefined ? 'ADDED' : 'MODIFIED', path, stored)
    return stored
  }
  const drop = (path: string): void => {
    const former = objects.get(path)
    if (former === undefined) return
    version += 1
    objects.delete(path)
    applied.delete(path)
    record('DELETED', path, { ...former, metadata: { ...former.metadata, resourceVersion: String(version) } })
  }
  const bookmarkOf = (annotations?: Record<string, string>): object => ({
    kind: 'Bookmark',
    metadata: { resourceVersion: String(version), ...(annotations && { annotations }) },
  })

  const list = (path: string, query: URLSearchParams, response: ServerResponse): void => {
    const selects = selector(query.get('labelSelector'))
    const all = [...objects].filter(([key, object]) => key.startsWith(`${path}/`) && selects(object))
    const from = Number(query.get('continue') ?? 0)
    const limit = Number(query.get('limit') ?? 0) || all.length
    const more = from + limit < all.length
    const metadata = { resourceVersion: String(version), ...(more && { continue: String(from + limit) }) }
    const items = all.slice(from, from + limit).map(([, item]) => ({ ...item, apiVersion: undefined, kind: undefined }))
    answer(response, 200, { kind: 'List', metadata, items })
  }
  const watch = (path: string, query: URLSearchParams, response: ServerResponse): void => {
    if (query.get('sendInitialEvents') === 'true' && options.watchList === false) {
      fail(response, 422, 'Invalid', 'sendInitialEvents is forbidden')
      return
    }
    const since = Number(query.get('resourceVersion') ?? version)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const selects = selector(query.get('labelSelector'))
    const watcher: Watcher = { path, response, selects }
    if (since < oldest) {
      send(watcher, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' })
      response.end()
      return
    }
    if (query.get('sendInitialEvents') === 'true') {
      for (const [key, object] of objects)
        if (key.startsWith(`${path}/`) && selects(object)) send(watcher, 'ADDED', object)
      send(watcher, 'BOOKMARK', bookmarkOf({ 'k8s.io/initial-events-end': 'true' }))
    } else {
      for (const entry of history)
        if (entry.version > since && entry.path.startsWith(`${path}/`) && selects(entry.object))
          send(watcher, entry.type, entry.object)
    }
    watchers.add(watcher)
    response.once('close', () => watchers.delete(watcher))
  }

  const write = async (method: string, path: string, request: IncomingMessage, response: ServerResponse) => {
    const body = (await bodyOf(request)) as KubeObject
    if (method === 'POST') {
      const key = `${path}/${body.metadata.name}`
      if (objects.has(key)) fail(response, 409, 'AlreadyExists', `${body.metadata.name} already exists`)
      else answer(response, 201, store(key, body))
      return
    }
    const live = objects.get(path)
    if (method === 'PUT') {
      if (live === undefined) fail(response, 404, 'NotFound', 'not found')
      else if (body.metadata.resourceVersion !== live.metadata.resourceVersion)
        fail(response, 409, 'Conflict', 'modified')
      else answer(response, 200, store(path, body))
    } else if (request.headers['content-type'] === 'application/apply-patch+yaml') {
      const merged = mergeApplied(live, applied.get(path), body)
      applied.set(path, body)
      const same = live !== undefined && JSON.stringify(merged) === JSON.stringify(live)
      answer(response, live === undefined ? 201 : 200, same ? live : store(path, merged))
    } else answer(response, 200, store(path, { ...live, ...body, metadata: { ...live?.metadata, ...body.metadata } }))
  }
  const remove = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const { preconditions } = (await bodyOf(request)) as { preconditions?: { uid?: string } }
    const live = objects.get(path)
    if (live === undefined) fail(response, 404, 'NotFound', 'not found')
    else if (preconditions?.uid !== undefined && preconditions.uid !== live.metadata.uid)
      fail(response, 409, 'Conflict', 'the UID in the precondition does not match')
    else {
      drop(path)
      answer(response, 200, { kind: 'Status', status: 'Success' })
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://localhost')
    const { method = 'GET' } = request
    if (method === 'DELETE') await remove(path, request, response)
    else if (method !== 'GET') await write(method, path, request, response)
    else if (query.get('watch') === 'true') watch(path, query, response)
    else if (/\/(?:namespaces\/[^/]+\/)?[a-z]+$/.test(path) && !objects.has(path)) {
      const isCollection = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/[a-z]+$/.test(path)
      if (isCollection) list(path, query, response)
      else fail(response, 404, 'NotFound', 'not found')
    } else {
      const object = objects.get(path)
      if (object === undefined) fail(response, 404, 'NotFound', 'not found')
      else answer(response, 200, object)
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put: (collection, object) => store(`${collection}/${object.metadata.name}`, object),
    remove: (collection, name) => drop(`${collection}/${name}`),
    get: (collection, name) => objects.get(`${collection}/${name}`),
    compact: () => {
      oldest = version
      history = []
    },
    bookmark: () => watchers.forEach((watcher) => send(watcher, 'BOOKMARK', bookmarkOf())),
    endWatches: () => {
      for (const { response } of watchers) response.end()
      watchers.clear()
    },
    get watchers() {
      return watchers.size
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const selector = (text: string | null): ((object: KubeObject) => boolean) => {
  const [, key = '', operator, value] = /^([^!=]+)(!=|=)(.*)$/.exec(text ?? '') ?? []
  if (operator === undefined) return () => true
  return ({ metadata }) => (metadata.labels?.[key] === value) === (operator === '=')
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? {} : JSON.parse(text)
}

const answer = (response: ServerResponse, code: number, body: unknown): void => {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const fail = (response: ServerResponse, code: number, reason: string, message: string): void =>
  answer(response, code, { kind: 'Status', code, reason, message })
