import type { Logger } from 'pino'
import type { Transport } from '../kube/transport.ts'
import type { Metrics } from './metrics.ts'
import type { ResourceKind } from '../kube/kinds.ts'
import type { KubeObject } from '../kube/object.ts'
import type { Store } from './store.ts'

/** A change as handlers see it. Level-based consumers enqueue a key and look at the store; they never act on the change itself. */
export interface Change {
  readonly type: 'upsert' | 'delete'
  readonly object: KubeObject
  /** The version known before, absent for a new object. */
  readonly previous: KubeObject | undefined
  /** True while the first list is delivered: enqueue with low priority. */
  readonly initial: boolean
}

/** One watch on one kind, shared by all readers. */
export interface Informer extends Store {
  readonly kind: ResourceKind
  /** True after the first complete list. */
  readonly synced: boolean
  /** Resolves after the first complete list; rejects when the signal aborts. */
  whenSynced: (signal: AbortSignal) => Promise<void>
  /** Registers a handler; returns the function that removes it. A handler that throws ends the informer: it is a bug. */
  onChange: (handler: (change: Change) => void) => () => void
  /** Lists and watches until the signal aborts; never gives up. Resolves after the abort. */
  run: (signal: AbortSignal) => Promise<void>
}

/** What an informer watches and keeps. */
export interface InformerOptions {
  readonly kind: ResourceKind
  /** Namespaces to watch, one watch each; empty: all, with one watch. */
  readonly namespaces?: readonly string[]
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Keep metadata only; drift of other fields is then invisible. */
  readonly metadataOnly?: boolean
  /** Hold all fields but apiVersion, kind, metadata and status as compact text (see {@link Store.whole}). */
  readonly pack?: boolean
  /** Drops fields nobody reads, before storing. Must be pure and keep apiVersion, kind and metadata. */
  readonly transform?: (object: KubeObject) => KubeObject
}

/** Makes an informer; implementation follows. */
export declare const createInformer: (
  options: InformerOptions,
  dependencies: { readonly transport: Transport; readonly metrics: Metrics; readonly logger: Logger },
) => Informer
