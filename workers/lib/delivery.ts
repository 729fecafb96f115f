import { randomUUID } from 'node:crypto'
import { SpanKind } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { cloudEventSchema } from './cloud-event.ts'
import type { CloudEvent } from './cloud-event.ts'
import { inputErrors } from './http-errors.ts'
import { findUnstorable } from './json-body.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { isMuted } from './replay.ts'
import type { ReplayMark } from './replay.ts'
import { isCorrelationId, runInContext, traceIdOf } from './request-context.ts'
import type { Tracing } from './tracing.ts'

/** Where on the broker an event was read; absent fields were not told by the sidecar. */
export interface Position {
  readonly topic?: string
  readonly partition?: number
  /** As Kafka counts it; a number, because Kafka's int64 is exact in one for the next 285 years at 10⁶ events/s. */
  readonly offset?: number
}

/** One event handed to a subscription, already checked by its schema. */
export interface Delivery<Data> {
  readonly event: CloudEvent<Data>
  readonly position: Position
  /** Absent: live. */
  readonly replay?: ReplayMark
}

/** What the routes report to. */
export interface ConsumerOptions {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** What the sidecar proves itself with (auth.ts); absent: whoever reaches the port is believed. */
  readonly appToken?: string
}

/** Dapr's answers (dapr/pkg/runtime/subscription/postman/http). */
export type Status = 'SUCCESS' | 'RETRY' | 'DROP'

/** Time one handler call has, ms; beyond the database's own limits, so that it only ends what hangs. */
export const handlerTimeout = 30_000
/** daprd's own limit is 4 MiB per message; a bulk delivery holds many. */
export const bodyLimit = 64 * 1024 * 1024
/** Deepest JSON nesting of a message. */
export const maxDepth = 64

/** A message that no number of deliveries will make readable. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError'
}

/** Parses a message; {@link PoisonError} when it is no JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new PoisonError(`not JSON: ${(error as Error).message}`)
  }
}

/** What a message turned out to be. */
export type Parsed<Data> =
  { readonly event: CloudEvent; readonly wanted: false } | { readonly event: CloudEvent<Data>; readonly wanted: true }

/** Checks envelope and data; `wanted` is false for types the subscription does not name. */
export const toEvent = <Data>(
  schema: z.ZodType<Data>,
  types: readonly string[] | undefined,
  raw: unknown,
): Parsed<Data> => {
  const envelope = cloudEventSchema.safeParse(raw)
  if (!envelope.success) {
    const [problem] = inputErrors(envelope.error)
    throw new PoisonError(`not a CloudEvent: ${problem?.path ?? ''} ${problem?.message ?? ''}`)
  }
  const event = envelope.data
  if (types !== undefined && !types.includes(event.type)) return { event, wanted: false }
  const unstorable = findUnstorable(event)
  if (unstorable !== undefined) throw new PoisonError(`${unstorable} holds text that cannot be stored`)
  const data = schema.safeParse(event.data)
  if (!data.success) {
    const [problem] = inputErrors(data.error, 'data')
    throw new PoisonError(`${problem?.path ?? 'data'}: ${problem?.message ?? 'is not valid'}`)
  }
  return { event: { ...event, data: data.data }, wanted: true }
}

const integer = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined
  return Number.isSafeInteger(number) ? number : undefined
}

/** Kafka's position from the headers (single) or entry metadata (bulk) daprd passes on. */
export const positionOf = (metadata: Readonly<Record<string, unknown>>): Position => {
  const topic = metadata['__topic']
  const partition = integer(metadata['__partition'])
  const offset = integer(metadata['__offset'])
  return {
    ...(typeof topic === 'string' ? { topic } : {}),
    ...(partition === undefined ? {} : { partition }),
    ...(offset === undefined ? {} : { offset }),
  }
}

/** What {@link createDeliverer} returns. */
export interface Deliverer {
  /** Runs `work` in the event's context and span. */
  readonly inContext: <T>(event: CloudEvent, path: string, work: () => Promise<T>) => Promise<T>
  readonly succeeded: (event: CloudEvent, topic: string, outcome: string) => Status
  /** The answer to an error: DROP for poison, RETRY for the rest; logs it. */
  readonly failed: (error: unknown, topic: string, event?: CloudEvent) => Status
  readonly count: (topic: string, outcome: string) => void
}

/** What the event came from. Deliveries have ids of their own: it is the event's that leads back to what the user did. */
const correlationOf = (event: CloudEvent): string =>
  isCorrelationId(event.correlationid) ? event.correlationid : event.id

/** What finds an event's line in the logs of every worker. Said here, because a batch runs in the context of its first event. */
const idsOf = (event: CloudEvent) => {
  const traceId = traceIdOf(event.traceparent)
  return {
    eventId: event.id,
    type: event.type,
    subject: event.subject,
    correlationId: correlationOf(event),
    ...(traceId === undefined ? {} : { traceId }),
  }
}

/** The pieces both kinds of subscription are made of: context, spans, counters, and the answer to an error. */
export const createDeliverer = (options: ConsumerOptions): Deliverer => {
  const { logger, metrics, tracing } = options
  const count = (topic: string, outcome: string): void => metrics.inbox.deliveries.inc({ topic, outcome })

  const inContext = async <T>(event: CloudEvent, path: string, work: () => Promise<T>): Promise<T> => {
    const span = tracing.start(`consume ${event.type}`, {
      kind: SpanKind.CONSUMER,
      parent: event.traceparent,
      attributes: { 'messaging.message.id': event.id, 'messaging.destination.name': path },
    })
    const context = {
      requestId: randomUUID(),
      correlationId: correlationOf(event),
      causationId: event.id,
      traceparent: span.traceparent,
      ...(isMuted(event) ? { muted: true } : {}),
    }
    return runInContext(context, async () => {
      try {
        const result = await work()
        span.end()
        return result
      } catch (error) {
        span.end(error)
        throw error
      }
    })
  }

  const succeeded = (event: CloudEvent, topic: string, outcome: string): Status => {
    count(topic, outcome)
    metrics.outcomes.record(true)
    logger.info({ ...idsOf(event), topic, outcome }, 'event')
    if (outcome === 'processed') {
      metrics.inbox.lag.observe({ topic }, Math.max(0, (Date.now() - Date.parse(event.time)) / 1000))
    }
    return 'SUCCESS'
  }

  const failed = (error: unknown, topic: string, event?: CloudEvent): Status => {
    const fields = { err: error, topic, ...(event === undefined ? {} : idsOf(event)) }
    if (error instanceof PoisonError) {
      count(topic, 'dropped')
      logger.error(fields, 'the message cannot be understood and goes to the dead-letter topic')
      return 'DROP'
    }
    count(topic, 'retried')
    metrics.outcomes.record(false)
    logger.warn(fields, 'handling the event failed; it will be delivered again')
    return 'RETRY'
  }
  return { inContext, succeeded, failed, count }
}

/** Reads bodies of any content type as text: a body that is no JSON must reach the handler, to be dropped, not answer 400. */
export const asText = (scope: FastifyInstance): void => {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit }, (_request, body, done) => done(null, body))
}
