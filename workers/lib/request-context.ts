import { AsyncLocalStorage } from 'node:async_hooks'

/** What ties log lines, events and spans of one request or delivery together. */
export interface RequestContext {
  /** Identifies this one request or delivery in this process. */
  readonly requestId: string
  /** Identifies everything that follows from one user action, across processes (`X-Correlation-Id`, `correlationid`). */
  readonly correlationId: string
  /** Id of the event that is being handled, absent in an HTTP request; becomes `causationid` of events that follow. */
  readonly causationId?: string
  /** W3C trace context of the current span. */
  readonly traceparent?: string
  /** A muted replay is being handled: events that follow from it are muted, too (replay.ts). */
  readonly muted?: boolean
}

const storage = new AsyncLocalStorage<RequestContext>()

/** The context of the running request or delivery, or undefined in background work. */
export const currentContext = (): RequestContext | undefined => storage.getStore()

/** Runs `fn` so that it, and everything it awaits, sees `context`. */
export const runInContext = <T>(context: RequestContext, fn: () => T): T => storage.run(context, fn)

/** The trace id (32 hex digits) inside a `traceparent`, or undefined when it is not one (W3C Trace Context §3.2). */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent === undefined ? undefined : /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent)?.[1]

const correlationPattern = /^[A-Za-z0-9._:-]{1,128}$/

/** True for a correlation id that is safe in logs and headers; anything else from outside is replaced, not trusted. */
export const isCorrelationId = (value: unknown): value is string =>
  typeof value === 'string' && correlationPattern.test(value)
