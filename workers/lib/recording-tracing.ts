import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Tracing, TracingOptions } from './tracing.ts'

const exportTimeoutMillis = 2_000

const otlpExporter = async (endpoint: string): Promise<SpanExporter> => {
  const { OTLPTraceExporter } = await import('./otlp-exporter.ts')
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  return new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMillis })
}

/** Records spans with OpenTelemetry's SDK and sends them to the exporter, or to the collector at `endpoint`. */
export const createRecordingTracing = async (
  options: TracingOptions,
  to: { readonly exporter: SpanExporter } | { readonly endpoint: string },
): Promise<Tracing> => {
  const exporter = 'exporter' in to ? to.exporter : await otlpExporter(to.endpoint)
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.version': options.version,
      'service.namespace': options.system,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.samplingRate) }),
    spanProcessors: [new BatchSpanProcessor(exporter, { exportTimeoutMillis })],
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
