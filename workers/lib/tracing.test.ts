import { SpanKind } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { createTracing } from './tracing.ts'
import type { TracingOptions } from './tracing.ts'

const identity = { service: 'todo-audit', version: '0.1.0', system: 'todo', samplingRate: 1 }
const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const shape = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

describe.each([
  { how: 'without a collector', options: identity },
  { how: 'with an exporter', options: { ...identity, exporter: new InMemorySpanExporter() } },
] satisfies { how: string; options: TracingOptions }[])('the trace context $how', ({ options }) => {
  const start = async (parent?: string): Promise<string> => {
    const tracing = await createTracing(options)
    const span = tracing.start('GET /livez', { kind: SpanKind.SERVER, parent })
    span.setAttributes({ a: 1 })
    span.end()
    await tracing.shutdown()
    return span.traceparent
  }

  it.each(['00', '01'])(
    'carries the trace of the parent on, with its decision %s and a span of its own',
    async (flags) => {
      const parent = `00-${trace}-00f067aa0ba902b7-${flags}`
      const carried = await start(parent)
      expect(carried).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-${flags}$`))
      expect(carried).not.toBe(parent)
    },
  )

  it.each([
    undefined,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `ff-${trace}-00f067aa0ba902b7-01`,
    `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`,
  ])('starts a trace of its own for the parent %s', async (parent) => {
    const started = await start(parent)
    expect(started).toMatch(shape)
    expect(started).not.toContain(trace)
    expect(started).not.toContain('0'.repeat(32))
  })
})

it('gives an exporter every span that is sampled', async () => {
  const exported: string[] = []
  const exporter: SpanExporter = {
    export: (spans, done) => {
      exported.push(...spans.map(({ name }) => name))
      done({ code: ExportResultCode.SUCCESS })
    },
    shutdown: () => Promise.resolve(),
  }
  const tracing = await createTracing({ ...identity, exporter })
  tracing.start('publish', { kind: SpanKind.PRODUCER }).end(new Error('refused'))
  await tracing.shutdown()
  expect(exported).toEqual(['publish'])
})
