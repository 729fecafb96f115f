import { z } from 'zod'
import type { TopicAlias } from './config-schema.ts'
import { currentContext } from './request-context.ts'
import { uuidv7 } from './uuid.ts'

/**
 * The CloudEvents 1.0 envelope of everything on our topics. Trace fields are strings on purpose: daprd up to 1.18.2
 * panics on an event whose `traceid` or `traceparent` is anything else, and overwrites both when `traceid` is missing.
 */
export const cloudEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(255),
  source: z.string().min(1).max(2048),
  type: z.string().min(1).max(255),
  subject: z.string().min(1).max(255).optional(),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.string().optional(),
  dataschema: z.string().optional(),
  /** Kafka key: events of one key stay in order. */
  partitionkey: z.string().min(1).max(255).optional(),
  correlationid: z.string().max(255).optional(),
  /** Id of the event this one follows from. */
  causationid: z.string().max(255).optional(),
  traceparent: z.string().optional(),
  traceid: z.string().optional(),
  /** `muted`: state follows, nobody is told; see replay.ts. */
  sideeffects: z.string().max(32).optional(),
  data: z.unknown(),
})

/** An event as consumers see it; `data` is checked by each subscription's own schema. */
export type CloudEvent<Data = unknown> = z.output<typeof cloudEventSchema> & { data: Data }

/** What a producer says about an event; the rest of the envelope is filled in by {@link newCloudEvent}. */
export interface NewEvent<Data = unknown> {
  readonly topic: TopicAlias
  /** e.g. `com.todo.task.created`. */
  readonly type: string
  /** Id of the aggregate, a task id. */
  readonly subject: string
  /** Partition key, a user id. */
  readonly key: string
  readonly data: Data
  /** Dapr app id of the producing program; the source becomes `/services/<producer>`. */
  readonly producer: string
  readonly dataschema?: string
  /** RFC 3339; default now. */
  readonly time?: string
  /** Defaults to a new UUIDv7; pass one when the id must be the same on every attempt. */
  readonly id?: string
  /** Default: what the running request or delivery carries ({@link currentContext}). */
  readonly correlationId?: string
  readonly causationId?: string
  readonly traceparent?: string
}

/** Builds the envelope that is stored in the outbox and later published as it is. */
export const newCloudEvent = <Data>(event: NewEvent<Data>): CloudEvent<Data> => {
  const context = currentContext()
  const id = event.id ?? uuidv7()
  const causation = event.causationId ?? context?.causationId
  const traceparent = event.traceparent ?? context?.traceparent
  return {
    specversion: '1.0',
    id,
    source: `/services/${event.producer}`,
    type: event.type,
    subject: event.subject,
    time: event.time ?? new Date().toISOString(),
    datacontenttype: 'application/json',
    ...(event.dataschema === undefined ? {} : { dataschema: event.dataschema }),
    partitionkey: event.key,
    correlationid: event.correlationId ?? context?.correlationId ?? id,
    ...(causation === undefined ? {} : { causationid: causation }),
    ...(traceparent === undefined ? {} : { traceparent, traceid: traceparent }),
    ...(context?.muted === true ? { sideeffects: 'muted' } : {}),
    data: event.data,
  }
}
