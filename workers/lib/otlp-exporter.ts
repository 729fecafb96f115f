/** The OTLP/HTTP exporter as a module of our own to import on demand, for the reason given in dapr-sdk.ts. */
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
