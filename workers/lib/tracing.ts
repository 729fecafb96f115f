import { randomBytes } from 'node:crypto'
import type { Attributes, SpanKind } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'

/** A span that was started; whoever starts it ends it. */
export interface ActiveSpan {
  /** W3C trace context to hand on: into the request context, an event, a header. */
  readonly traceparent: string
  setAttributes(attributes: Attributes): void
  /** Ends the span, as failed when there is an error. */
  end(error?: unknown): void
}

/** Starts spans; always yields a valid trace context, whether or not anything is recorded or exported. */
export interface Tracing {
  start(name: string, options: { kind: SpanKind; parent?: string | undefined; attributes?: Attributes }): ActiveSpan
  /** Sends what is buffered and stops; bounded by the exporter's own timeout of two seconds. */
  shutdown(): Promise<void>
}

/** Where spans go. */
export interface TracingOptions {
  readonly service: string
  readonly version: string
  readonly system: string
  /** OTLP/HTTP base URL; absent: nothing is recorded. */
  readonly endpoint?: string | undefined
  /** Share of new traces to record; an upstream decision is honoured. */
  readonly samplingRate: number
  /** Replaces the OTLP exporter, for tests. */
  readonly exporter?: SpanExporter
}

/**
 * Manual spans instead of auto-instrumentation, which silently does nothing for ES modules (otel-contrib#1942): one per
 * HTTP request, per delivery and per publish is what the pipeline needs. No global state is registered. OpenTelemetry's SDK and
 * exporter are loaded only where spans go somewhere: a system without a collector does not pay for them in every worker.
 */
export const createTracing = async (options: TracingOptions): Promise<Tracing> => {
  const { exporter, endpoint } = options
  const to = exporter === undefined ? endpoint && { endpoint } : { exporter }
  if (!to) return carryOn
  const { createRecordingTracing } = await import('./recording-tracing.ts')
  return createRecordingTracing(options, to)
}

/** W3C trace context, level 1: version, trace id, parent id, flags; a later version may say more behind them. */
const traceParent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:$|-)/

/** Records nothing, and hands on the context it is given, decision included; without one, a new trace that is not recorded. */
const carryOn: Tracing = {
  start: (_name, { parent = '' }) => {
    const [, traceId = randomBytes(16).toString('hex'), flags = '00'] = traceParent.exec(parent) ?? []
    return {
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}`,
      setAttributes: () => undefined,
      end: () => undefined,
    }
  },
  shutdown: () => Promise.resolve(),
}
