import type { Logger } from 'pino'
import type { Metrics } from './metrics.ts'
import type { Priority } from './workqueue.ts'

/** How a reconcile ended. Errors are thrown, see {@link TerminalError} and {@link RetryableError}. */
export type Outcome =
  /** Desired and observed agree. */
  | { readonly kind: 'done' }
  /** Look again after this many ms (a deadline, a periodic check), without backoff. */
  | { readonly kind: 'again'; readonly afterMs: number }
  /** Nothing to do until a watched object changes. */
  | { readonly kind: 'wait'; readonly reason: string }

/** Trying again changes nothing: logged and counted, not retried until the resource or a watched object changes. */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Worth another try: retried with the key's backoff, not before `afterMs`. Any other error is treated as this one. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError'
  readonly code: string
  readonly afterMs: number | undefined
  constructor(code: string, message: string, options?: ErrorOptions & { afterMs?: number }) {
    super(message, options)
    this.code = code
    this.afterMs = options?.afterMs
  }
}

/** What a reconcile is given besides the name. */
export interface ReconcileContext {
  /** In every log line of this run. */
  readonly reconcileId: string
  /** Child logger with controller, namespace, name, reconcileId. */
  readonly logger: Logger
  /** Aborts at shutdown and at the reconcile's deadline. */
  readonly signal: AbortSignal
}

/** Level-based: gets a name, looks at the state of the world. */
export type Reconcile = (
  request: { readonly namespace: string; readonly name: string },
  context: ReconcileContext,
) => Promise<Outcome>

/** A reconcile function behind a queue with workers. */
export interface Controller {
  readonly name: string
  enqueue: (ref: { namespace?: string | undefined; name: string }, priority?: Priority) => void
  /** As {@link Controller.enqueue}, after a delay in ms. */
  enqueueAfter: (ref: { namespace?: string | undefined; name: string }, delayMs: number, priority?: Priority) => void
  /** Processes keys until the signal aborts, then lets running reconciles end (their signal aborts, too). */
  run: (signal: AbortSignal) => Promise<void>
}

/** Makes a controller; implementation follows. */
export declare const createController: (
  options: {
    readonly name: string
    readonly reconcile: Reconcile
    /** Reconciles in flight; default 12. */
    readonly concurrency?: number
    /** A reconcile that takes longer (ms) is aborted and retried; default 60 000. */
    readonly deadlineMs?: number
  },
  dependencies: { readonly metrics: Metrics; readonly logger: Logger },
) => Controller
