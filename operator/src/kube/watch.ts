import { z } from 'zod'
import type { Selection } from './client.ts'
import { queryOf } from './http-client.ts'
import { apiVersionOf, pathOf } from './kinds.ts'
import type { ResourceKind } from './kinds.ts'
import { KubeError, errorOfStatus } from './kube-error.ts'
import { parseLines } from './ndjson.ts'
import type { KubeObject } from './object.ts'
import type { Transport } from './transport.ts'

/** One line of a watch, errors excluded. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: KubeObject
}

/** How to open one watch request. */
export interface WatchOptions extends Selection {
  readonly kind: ResourceKind
  /** Where to continue; absent together with `initialEvents`. */
  readonly resourceVersion?: string | undefined
  /** Ask for the present state as ADDED events, ended by an annotated bookmark (KEP-3157, watch-list). */
  readonly initialEvents?: boolean
  /** The server ends the watch after this time; s. */
  readonly timeoutSeconds: number
  /** Without any byte for this long the connection counts as dead; ms. */
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/** Annotation of the bookmark that ends the initial events. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/** True for the bookmark after the initial events. */
export const endsInitialEvents = ({ type, object }: WatchEvent): boolean =>
  type === 'BOOKMARK' && object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true'

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

const lineSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({}),
})
/** What every later step relies on; the rest of an object is the caller's business. */
const metadataSchema = z.object({ metadata: z.looseObject({ resourceVersion: z.string().min(1) }) })

/**
 * One watch request: yields events until the server ends it.
 * @throws KubeError for an error answer, an ERROR event (reason `Expired` when the version is too old), a line that is not what
 * it should be (`Malformed`), and for silence (`Silent`).
 */
export async function* watch(transport: Transport, options: WatchOptions): AsyncGenerator<WatchEvent> {
  const { kind, namespace, silenceMs, signal } = options
  const quiet = new AbortController()
  const silent = new KubeError({
    status: 0,
    reason: 'Silent',
    message: `watch ${kind.plural}: silent for ${silenceMs} ms`,
  })
  const follow = (): void => quiet.abort(signal.reason)
  signal.addEventListener('abort', follow, { once: true })
  const watchdog = setTimeout(() => quiet.abort(silent), silenceMs)
  try {
    signal.throwIfAborted()
    const chunks = await transport.stream({
      method: 'GET',
      path: pathOf(kind, { namespace }),
      query: {
        ...queryOf(options),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds: options.timeoutSeconds,
        ...(options.initialEvents === true && { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }),
      },
      ...(options.metadataOnly === true && { accept: METADATA }),
      signal: quiet.signal,
    })
    for await (const line of parseLines(refreshing(chunks, watchdog))) yield eventOf(kind, line)
  } catch (error) {
    throw quiet.signal.aborted && !signal.aborted ? silent : brokenOff(kind, error)
  } finally {
    clearTimeout(watchdog)
    signal.removeEventListener('abort', follow)
  }
}

async function* refreshing(chunks: AsyncIterable<Uint8Array>, watchdog: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    watchdog.refresh()
    yield chunk
  }
}

const eventOf = (kind: ResourceKind, line: unknown): WatchEvent => {
  const parsed = lineSchema.safeParse(line)
  if (!parsed.success) throw malformed(kind, 'a line is no watch event')
  const { type, object } = parsed.data
  if (type === 'ERROR') throw errorOfStatus(object, `watch ${kind.plural}`)
  if (!metadataSchema.safeParse(object).success) throw malformed(kind, `${type} event without resourceVersion`)
  // Metadata-only watches say PartialObjectMetadata; stores want the real kind.
  return { type, object: { ...(object as KubeObject), apiVersion: apiVersionOf(kind), kind: kind.kind } }
}

const malformed = (kind: ResourceKind, message: string): KubeError =>
  new KubeError({ status: 0, reason: 'Malformed', message: `watch ${kind.plural}: ${message}` })

/** A connection that breaks in the middle of a response is reported by undici in many ways; callers need one. */
const brokenOff = (kind: ResourceKind, error: unknown): unknown =>
  error instanceof KubeError || !(error instanceof Error) || error.name === 'AbortError'
    ? error
    : new KubeError({
        status: 0,
        reason: 'Disconnected',
        message: `watch ${kind.plural}: ${error.message}`,
        cause: error,
      })
