import { setImmediate as breathe } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { KubeClient } from '../kube/client.ts'
import type { ResourceKind } from '../kube/kinds.ts'
import { KubeError } from '../kube/kube-error.ts'
import { listWatch } from '../kube/list-watch.ts'
import type { ListWatchOptions, ListWatchReport } from '../kube/list-watch.ts'
import { keyOf } from '../kube/object.ts'
import type { KubeObject } from '../kube/object.ts'
import type { Transport } from '../kube/transport.ts'
import type { Metrics } from './metrics.ts'
import { createStore } from './store.ts'
import type { Store, StoreChange, StoreOptions } from './store.ts'

/** A change as handlers see it. Level-based consumers enqueue a key and look at the store; they never act on the change itself. */
export interface Change {
  readonly type: 'upsert' | 'delete'
  readonly object: KubeObject
  /** The version known before, absent for a new object. */
  readonly previous: KubeObject | undefined
  /** True while the first list is delivered: enqueue with low priority. */
  readonly initial: boolean
  /** True for a write of the one this view of the informer belongs to ({@link Informer.as}): it has seen it, only others may not have. */
  readonly own: boolean
}

/** One watch on one kind, shared by all readers. */
export interface Informer extends Store {
  readonly kind: ResourceKind
  /** True after the first complete list. */
  readonly synced: boolean
  /** Resolves after the first complete list; rejects with the signal's reason when it aborts. */
  whenSynced: (signal: AbortSignal) => Promise<void>
  /** Takes the answer of a write for known, and tells everybody; see store.ts. */
  observe: (written: KubeObject) => void
  /** Takes an object whose deletion was asked for as gone, and tells everybody; see store.ts. */
  observeDeleted: (deleted: KubeObject) => void
  /** The same informer as one writer sees it: what it observes is marked as its own to its handlers. */
  as: (writer: string) => Informer
  /** Registers a handler; returns the function that removes it. A handler that throws ends the informer: it is a bug. */
  onChange: (handler: (change: Change) => void) => () => void
  /** Lists and watches until the signal aborts; never gives up. Resolves after the abort. */
  run: (signal: AbortSignal) => Promise<void>
}

/** What an informer watches and keeps. */
export interface InformerOptions extends StoreOptions {
  readonly kind: ResourceKind
  /** Namespaces to watch, one watch each; empty or absent: all, with one watch. */
  readonly namespaces?: readonly string[]
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Keep metadata only; drift of other fields is then invisible. */
  readonly metadataOnly?: boolean
  /** Timing of the list-watch, for tests. */
  readonly tuning?: Pick<
    ListWatchOptions,
    'silenceMs' | 'watchSeconds' | 'backoff' | 'pageSize' | 'watchList' | 'random'
  >
}

/** What an informer needs. */
export interface InformerDependencies {
  readonly transport: Transport
  readonly client: KubeClient
  readonly metrics: Metrics
  readonly logger: Logger
}

/** After so many objects of a snapshot the event loop gets a turn, so that probes and the lease are served meanwhile. */
const BREATHE_EVERY = 200

/** Makes an informer; nothing is requested before `run`. */
export const createInformer = (options: InformerOptions, dependencies: InformerDependencies): Informer => {
  const { kind, tuning, labelSelector, fieldSelector, metadataOnly } = options
  const { metrics } = dependencies
  const logger = dependencies.logger.child({ informer: kind.kind })
  const store = createStore({ pack: options.pack, transform: options.transform })
  const handlers = new Set<{ readonly handle: (change: Change) => void; readonly writer: string | undefined }>()
  const scopes = options.namespaces?.length ? options.namespaces : [undefined]
  const unsynced = new Set<string | undefined>(scopes)
  const synced = Promise.withResolvers<undefined>()

  const tell = (change: StoreChange | undefined, initial: boolean, by: string | undefined): void => {
    metrics.informerObjects.set({ kind: kind.kind }, store.size)
    if (change === undefined) return
    for (const { handle, writer } of [...handlers])
      handle({ ...change, initial, own: by !== undefined && by === writer })
  }
  const emit = (change: StoreChange | undefined): void => tell(change, unsynced.size > 0, undefined)

  const report = (event: ListWatchReport): void => {
    if (event.type === 'alive') metrics.watchLastEventAge.set({ kind: kind.kind }, Date.now() / 1000)
    else if (event.type === 'list') metrics.listTotal.inc({ kind: kind.kind, mode: event.mode })
    else if (event.type === 'watch') metrics.watchTotal.inc({ kind: kind.kind })
    else {
      const reason = event.error instanceof KubeError ? event.error.reason : 'Unknown'
      metrics.watchFailures.inc({ kind: kind.kind, reason })
      logger.warn({ err: event.error, reason, retryInMs: event.retryInMs }, 'list or watch failed, trying again')
    }
  }

  const follow = async (namespace: string | undefined, signal: AbortSignal): Promise<void> => {
    /** Keys of the snapshot under way. */
    let seen: Set<string> | undefined
    let sinceBreath = 0
    const selection = {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(metadataOnly !== undefined && { metadataOnly }),
    }
    for await (const event of listWatch(dependencies, { ...tuning, ...selection, kind, signal, report })) {
      switch (event.type) {
        case 'begin':
          seen = new Set()
          break
        case 'upsert':
          seen?.add(keyOf(event.object.metadata))
          emit(store.upsert(event.object))
          break
        case 'delete':
          seen?.delete(keyOf(event.object.metadata))
          emit(store.remove(event.object))
          break
        case 'synced':
          for (const change of store.retain(seen ?? new Set(), event.resourceVersion, namespace)) emit(change)
          seen = undefined
          unsynced.delete(namespace)
          if (unsynced.size === 0) synced.resolve(undefined)
          logger.debug({ objects: store.size, namespace }, 'synced')
          break
      }
      sinceBreath += 1
      if (sinceBreath % BREATHE_EVERY === 0) await breathe()
    }
  }

  const { get, ownedBy, inNamespace, list, whole } = store
  const seenAs = (writer: string | undefined): Informer => ({
    ...{ kind, get, ownedBy, inNamespace, list, whole },
    get size() {
      return store.size
    },
    get synced() {
      return unsynced.size === 0
    },
    whenSynced: (signal) => untilAborted(synced.promise, signal),
    observe: (written) => tell(store.observe(written), false, writer),
    observeDeleted: (deleted) => tell(store.observeDeleted(deleted), false, writer),
    as: seenAs,
    onChange: (handle) => {
      const handler = { handle, writer }
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    run: async (signal) => {
      await Promise.all(scopes.map((namespace) => follow(namespace, signal)))
    },
  })
  return seenAs(undefined)
}

/** The promise, unless the signal aborts first; leaves no listener behind. */
const untilAborted = async (promise: Promise<unknown>, signal: AbortSignal): Promise<void> => {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void =>
    aborted.reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
