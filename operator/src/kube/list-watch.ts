/**
 * List and watch one kind for ever.
 *
 * The generator turns the API server's protocol into a stream of changes that always leads a store to the truth:
 *
 *     Begin ── snapshot (watch-list, else paged list) ──> Synced ──> Watching ──┐
 *       ^                                                               │  ^     │ the server's timeout, a cut, silence:
 *       └──── 410 Expired: the version is no longer kept ───────────────┘  └─────┘ again from the last version seen
 *
 * - `begin` starts a snapshot: until `synced`, every `upsert` belongs to it, and what a store holds besides is gone. A snapshot
 *   that breaks off starts over with another `begin`; nothing is removed on incomplete knowledge.
 * - `synced` carries the snapshot's version. After it, `upsert` and `delete` are changes in the order the server made them.
 * - Watch-list (KEP-3157) is asked for first: it streams, so that neither side holds the whole list. A server that refuses it
 *   (400, 422), or answers without ever sending the closing bookmark, gets paged lists instead.
 * - Bookmarks move the version forward on quiet kinds, so that a reconnect rarely meets 410.
 * - Two guards against connections that look alive and are not: the server is asked to end every watch after 240 to 290 s, and
 *   silence of 150 s (bookmarks come every minute) ends it from our side.
 * - Errors of every sort end in a pause with full jitter, at least Retry-After long, which grows until an object or bookmark
 *   arrives after the snapshot; neither a connection that opens and closes again nor a snapshot that is followed by 410 resets
 *   it. It never gives up and never ends but by the signal.
 * - Parsing and consuming are apart: an exception thrown by the consumer of the generator is not caught here. A line that does
 *   not parse is reported, and the watch is opened anew at the last good version.
 *
 * Proof: list-watch.test.ts drives every arrow of the picture through a server that cuts, stalls, corrupts and refuses;
 * operator/test/informer.integration.test.ts does it before a real kube-apiserver and compares the store with a plain list.
 */
import { fullJitter, sleep } from './backoff.ts'
import type { KubeClient, Selection } from './client.ts'
import { KubeError, isExpired } from './kube-error.ts'
import type { ResourceKind } from './kinds.ts'
import type { KubeObject } from './object.ts'
import type { Transport } from './transport.ts'
import { endsInitialEvents, watch } from './watch.ts'
import type { WatchEvent } from './watch.ts'

/** One step of the stream; see the head of this file. */
export type ListWatchEvent =
  | { readonly type: 'begin' }
  | { readonly type: 'upsert' | 'delete'; readonly object: KubeObject }
  | { readonly type: 'synced'; readonly resourceVersion: string }

/** What happened on the way, for logs and metrics. */
export type ListWatchReport =
  | { readonly type: 'list'; readonly mode: 'WatchList' | 'Paged' }
  | { readonly type: 'watch' }
  /** Any line, bookmarks included: the connection lives. */
  | { readonly type: 'alive' }
  | { readonly type: 'failure'; readonly error: unknown; readonly retryInMs: number }

/** Everything that may be chosen; times in ms. */
export interface ListWatchOptions extends Selection {
  readonly kind: ResourceKind
  readonly signal: AbortSignal
  /** Default 500. */
  readonly pageSize?: number
  /** Default true. */
  readonly watchList?: boolean
  /** Default 150 000. */
  readonly silenceMs?: number
  /** Bounds of the server-side timeout in s; default 240 to 290. */
  readonly watchSeconds?: { readonly min: number; readonly max: number }
  /** Default 200 to 30 000. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number }
  readonly report?: (report: ListWatchReport) => void
  readonly random?: () => number
}

/** Where to go on: with a snapshot, or with a watch from a version. */
type Position = { readonly at: 'begin' } | { readonly at: 'version'; readonly resourceVersion: string }

/** The stream described at the head of this file. Ends, without an error, when the signal aborts. */
export async function* listWatch(
  { transport, client }: { readonly transport: Transport; readonly client: KubeClient },
  options: ListWatchOptions,
): AsyncGenerator<ListWatchEvent> {
  const { kind, signal, report, random = Math.random } = options
  const { pageSize = 500, silenceMs = 150_000 } = options
  const { watchSeconds = { min: 240, max: 290 }, backoff = { baseMs: 200, maxMs: 30_000 } } = options
  const state = {
    position: { at: 'begin' } as Position,
    watchList: options.watchList ?? true,
    /** Failures in a row. */
    failures: 0,
    /** Whether the step under way has said anything. */
    heard: false,
  }

  const heard = (resets: boolean): void => {
    state.heard = true
    if (resets) state.failures = 0
    report?.({ type: 'alive' })
  }
  const reached = (resourceVersion = ''): void => {
    state.position = { at: 'version', resourceVersion }
  }
  const openWatch = (from: { resourceVersion?: string; initialEvents?: boolean }) =>
    watch(transport, {
      ...options,
      ...from,
      silenceMs,
      timeoutSeconds: Math.round(watchSeconds.min + random() * (watchSeconds.max - watchSeconds.min)),
    })

  /** Snapshot as a stream; the same connection then goes on as the watch. */
  async function* streamSnapshot(): AsyncGenerator<ListWatchEvent> {
    report?.({ type: 'list', mode: 'WatchList' })
    yield { type: 'begin' }
    let synced = false
    for await (const event of openWatch({ initialEvents: true })) {
      heard(synced)
      const { resourceVersion = '' } = event.object.metadata
      if (event.type !== 'BOOKMARK') yield changeOf(event)
      else if (!synced && endsInitialEvents(event)) {
        yield { type: 'synced', resourceVersion }
        synced = true
      }
      if (synced) reached(resourceVersion)
    }
    if (!synced) throw new WatchListUnsupported('the watch ended before the closing bookmark')
  }

  /** Snapshot in pages; a page token that expires (410) ends it like any expired version. */
  async function* pagedSnapshot(): AsyncGenerator<ListWatchEvent> {
    report?.({ type: 'list', mode: 'Paged' })
    yield { type: 'begin' }
    let continueToken: string | undefined
    let resourceVersion: string
    do {
      const page = await client.list(kind, { ...options, limit: pageSize, continueToken, timeoutMs: 60_000 })
      heard(false)
      for (const object of page.items) yield { type: 'upsert', object }
      ;({ continueToken, resourceVersion } = page)
    } while (continueToken !== undefined)
    yield { type: 'synced', resourceVersion }
    reached(resourceVersion)
  }

  async function* changes(resourceVersion: string): AsyncGenerator<ListWatchEvent> {
    report?.({ type: 'watch' })
    for await (const event of openWatch({ resourceVersion })) {
      heard(true)
      if (event.type !== 'BOOKMARK') yield changeOf(event)
      reached(event.object.metadata.resourceVersion)
    }
  }

  const nextSteps = (): AsyncGenerator<ListWatchEvent> => {
    if (state.position.at === 'version') return changes(state.position.resourceVersion)
    return state.watchList ? streamSnapshot() : pagedSnapshot()
  }

  while (!signal.aborted) {
    state.heard = false
    const from = state.position.at
    const steps = nextSteps()
    let failure: unknown
    try {
      // Pulled by hand: with `yield*` an exception of the consumer could not be told from one of the server.
      for (;;) {
        const step = await steps.next().catch((error: unknown) => {
          failure = error
          return undefined
        })
        if (step === undefined || step.done === true) break
        yield step.value
      }
    } finally {
      await steps.return(undefined)
    }
    if (isAborted(signal)) return
    // A watch that ends without having said anything is a failure, too: reopening it at once would spin.
    if (failure === undefined && hasHeard(state)) continue
    failure ??= new KubeError({ status: 0, reason: 'Silent', message: `watch ${kind.plural}: ended without an event` })
    if (from === 'begin' && refusesWatchList(failure)) state.watchList = false
    if (isExpired(failure)) state.position = { at: 'begin' }
    const minimumMs = failure instanceof KubeError ? (failure.retryAfterMs ?? 0) : 0
    const retryInMs = fullJitter(state.failures, backoff, random, minimumMs)
    state.failures += 1
    report?.({ type: 'failure', error: failure, retryInMs })
    await sleep(retryInMs, signal)
  }
}

const changeOf = ({ type, object }: WatchEvent): ListWatchEvent => ({
  type: type === 'DELETED' ? 'delete' : 'upsert',
  object,
})

class WatchListUnsupported extends Error {
  override readonly name = 'WatchListUnsupported'
}

/** Old servers refuse `sendInitialEvents` as an invalid option, or ignore it and then never send the closing bookmark. */
const refusesWatchList = (error: unknown): boolean =>
  error instanceof WatchListUnsupported ||
  (error instanceof KubeError && (error.status === 400 || error.status === 422 || error.reason === 'Silent'))

/** Read through functions: control flow analysis believes that a property cannot change across awaits. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted
const hasHeard = (state: { readonly heard: boolean }): boolean => state.heard
