import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { keyOf, refOf } from '../kube/object.ts'
import type { ObjectRef } from '../kube/object.ts'
import { KubeError } from '../kube/kube-error.ts'
import type { Metrics } from './metrics.ts'
import { createWorkQueue } from './workqueue.ts'
import type { Priority, WorkQueueOptions } from './workqueue.ts'

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
  constructor(code: string, message: string, options?: ErrorOptions & { afterMs?: number | undefined }) {
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
  enqueue: (ref: ObjectRef, priority?: Priority) => void
  /** As {@link Controller.enqueue}, after a delay in ms. */
  enqueueAfter: (ref: ObjectRef, delayMs: number, priority?: Priority) => void
  /** Processes keys until the signal aborts, then lets running reconciles end (their signal aborts, too). Runs once. */
  run: (signal: AbortSignal) => Promise<void>
}

/** Everything that may be chosen. */
export interface ControllerOptions {
  readonly name: string
  readonly reconcile: Reconcile
  /** Reconciles in flight; overlaps waiting for the API server, not CPU. Default 12. */
  readonly concurrency?: number
  /** A reconcile that takes longer (ms) is aborted and retried. Default 60 000. */
  readonly deadlineMs?: number
  readonly queue?: Pick<WorkQueueOptions, 'backoff' | 'agingMs' | 'clock' | 'random'>
}

/** `requeue`: failed by plan and with backoff; `requeue_after`: asked for another look. Names of controller-runtime. */
const results = ['success', 'error', 'requeue_after'] as const

/** Makes a controller; keys may be enqueued before it runs. */
export const createController = (
  options: ControllerOptions,
  { metrics, logger }: { readonly metrics: Metrics; readonly logger: Logger },
): Controller => {
  const { name, concurrency = 12 } = options
  const labels = { controller: name }
  const queue = createWorkQueue({ ...options.queue, observer: queueObserver(name, metrics) })
  metrics.showWorkUnderWay(name, () => queue.working)
  metrics.maxConcurrentReconciles.set(labels, concurrency)
  metrics.activeWorkers.set(labels, 0)
  metrics.reconcileErrors.inc(labels, 0)
  metrics.terminalReconcileErrors.inc(labels, 0)
  for (const result of results) metrics.reconcileTotal.inc({ ...labels, result }, 0)

  const process = async (key: string, stop: AbortSignal): Promise<void> => {
    const { namespace = '', name: objectName } = refOf(key)
    const reconcileId = randomUUID()
    const child = logger.child({ controller: name, namespace, name: objectName, reconcileId })
    const started = performance.now()
    metrics.activeWorkers.inc(labels)
    try {
      const request = { namespace, name: objectName }
      const outcome = await withDeadline(options.deadlineMs ?? 60_000, stop, (signal) =>
        options.reconcile(request, { reconcileId, logger: child, signal }),
      )
      conclude(key, outcome)
      child.debug({ outcome }, 'reconciled')
    } catch (error) {
      if (stop.aborted) child.debug('reconcile ended by shutdown')
      else fail(key, error, child)
    } finally {
      metrics.activeWorkers.dec(labels)
      metrics.reconcileSeconds.observe(labels, (performance.now() - started) / 1000)
      queue.done(key)
    }
  }

  const conclude = (key: string, outcome: Outcome): void => {
    queue.forget(key)
    metrics.reconcileTotal.inc({ ...labels, result: outcome.kind === 'again' ? 'requeue_after' : 'success' })
    if (outcome.kind === 'again') queue.addAfter(key, outcome.afterMs, 'low')
  }

  const fail = (key: string, error: unknown, child: Logger): void => {
    metrics.reconcileTotal.inc({ ...labels, result: 'error' })
    metrics.reconcileErrors.inc(labels)
    if (error instanceof TerminalError) {
      metrics.terminalReconcileErrors.inc(labels)
      queue.forget(key)
      child.error({ err: error }, 'reconcile failed, not retried until something changes')
      return
    }
    const retryInMs = queue.addRateLimited(key, minimumOf(error))
    child.warn({ err: error, retryInMs }, 'reconcile failed, retrying')
  }

  const work = async (signal: AbortSignal): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) await process(key, signal)
  }

  return {
    name,
    enqueue: (ref, priority) => queue.add(keyOf(ref), priority),
    enqueueAfter: (ref, delayMs, priority) => queue.addAfter(keyOf(ref), delayMs, priority),
    run: async (signal) => {
      const close = (): void => queue.close()
      if (signal.aborted) close()
      signal.addEventListener('abort', close, { once: true })
      await Promise.all(Array.from({ length: concurrency }, () => work(signal)))
      signal.removeEventListener('abort', close)
    },
  }
}

const minimumOf = (error: unknown): number => {
  if (error instanceof RetryableError) return error.afterMs ?? 0
  return error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0
}

/** Runs work with a signal that aborts at the deadline or with the outer one. */
const withDeadline = async <T>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const controller = new AbortController()
  const expire = (): void =>
    controller.abort(new RetryableError('DEADLINE_EXCEEDED', `the reconcile took longer than ${ms} ms`))
  const timer = setTimeout(expire, ms)
  const follow = (): void => controller.abort(outer.reason)
  if (outer.aborted) follow()
  outer.addEventListener('abort', follow, { once: true })
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', follow)
  }
}

const queueObserver = (name: string, metrics: Metrics): NonNullable<WorkQueueOptions['observer']> => {
  const labels = { name }
  metrics.queueDepth.set(labels, 0)
  metrics.queueAdds.inc(labels, 0)
  metrics.queueRetries.inc(labels, 0)
  return {
    added: () => metrics.queueAdds.inc(labels),
    retried: () => metrics.queueRetries.inc(labels),
    taken: (waitedMs) => metrics.queueSeconds.observe(labels, waitedMs / 1000),
    finished: (workedMs) => metrics.workSeconds.observe(labels, workedMs / 1000),
    depth: (depth) => metrics.queueDepth.set(labels, depth),
  }
}
