import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, SpanKind } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base'

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

const exportTimeoutMillis = 2_000

const exporterOf = async (options: TracingOptions): Promise<SpanExporter | undefined> => {
  if (options.exporter !== undefined) return options.exporter
  if (options.endpoint === undefined) return undefined
  // 12 MB of resident memory that a system without a collector does not pay for.
  const { OTLPTraceExporter } = await import('./otlp-exporter.ts')
  const url = `${options.endpoint.replace(/\/$/, '')}/v1/traces`
  return new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMillis })
}

/**
 * Manual spans instead of auto-instrumentation, which silently does nothing for ES modules (otel-contrib#1942): one per
 * HTTP request, per delivery and per publish is what the pipeline needs. No global state is registered.
 */
export const createTracing = async (options: TracingOptions): Promise<Tracing> => {
  const exporter = await exporterOf(options)
  const spanProcessors: SpanProcessor[] = []
  if (exporter !== undefined) spanProcessors.push(new BatchSpanProcessor(exporter, { exportTimeoutMillis }))
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.version': options.version,
      'service.namespace': options.system,
    }),
    sampler: new ParentBasedSampler({
      root: exporter === undefined ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(options.samplingRate),
    }),
    spanProcessors,
  })
  const tracer = provider.getTracer('todochatbot')
  return {
    start: (name, { kind, parent, attributes }) => {
      const remote = parent === undefined ? null : parseTraceParent(parent)
      const context = remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true })
      const span = tracer.startSpan(name, { kind, ...(attributes === undefined ? {} : { attributes }) }, context)
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
        setAttributes: (more) => void span.setAttributes(more),
        end: (error) => {
          if (error !== undefined) {
            span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : '' })
          }
          span.end()
        },
      }
    },
    shutdown: async () => {
      // A collector that is away must not fail the stop; spans are a help, not data.
      await provider.shutdown().catch(() => undefined)
    },
  }
}
