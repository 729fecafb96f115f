import { z } from 'zod'
import type { Delivery } from '../delivery.ts'

/**
 * What audit asks of an event's data: hardly anything. An event it does not know is recorded as it is; one that it refused
 * would leave a hole in the story. Unlike other consumers it does not use the producers' strict schemas, so that their
 * next version is audited before this worker is updated.
 */
export const auditedDataSchema = z.looseObject({
  taskId: z.string().min(1).max(255).optional(),
  userId: z.string().min(1).max(255).optional(),
  action: z.string().min(1).max(64).optional(),
  task: z.record(z.string(), z.json()).optional(),
  changes: z.record(z.string(), z.looseObject({ old: z.json().optional(), new: z.json().optional() })).optional(),
  actor: z.record(z.string(), z.json()).optional(),
  correlationId: z.string().max(255).optional(),
})

/** See {@link auditedDataSchema}. */
export type AuditedData = z.output<typeof auditedDataSchema>

/** Any JSON value. */
export type Json = z.output<ReturnType<typeof z.json>>

/** What an entry says; everything but its place in the chain. Instants are RFC 3339 in UTC with milliseconds. */
export interface AuditRecord {
  readonly eventId: string
  readonly type: string
  /** CREATED, UPDATED, … as the producer named it. */
  readonly action: string
  readonly source: string
  readonly taskId: string | null
  readonly userId: string | null
  readonly actor: Json
  /** The task before the change; null when there was none. */
  readonly before: Json
  /** The task after the change; null when it is gone. For other events, their data. */
  readonly after: Json
  /** field → {old, new}. */
  readonly changes: Json
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly occurredAt: string
  readonly topic: string | null
  readonly partition: number | null
  readonly offset: number | null
}

type Snapshot = Readonly<Record<string, Json>>

/** The snapshot with the old value of every changed field. */
const undo = (task: Snapshot, changes: NonNullable<AuditedData['changes']>): Snapshot => ({
  ...task,
  ...Object.fromEntries(Object.entries(changes).map(([field, { old }]) => [field, old ?? null])),
})

const states = (action: string, data: AuditedData): { before: Json; after: Json } => {
  const { task } = data
  if (task === undefined) return { before: null, after: data as unknown as Json }
  if (action === 'CREATED') return { before: null, after: task }
  const before = undo(task, data.changes ?? {})
  return action === 'DELETED' ? { before, after: null } : { before, after: task }
}

/** The entry an event becomes. */
export const recordOf = ({ event, position }: Delivery<AuditedData>): AuditRecord => {
  const { data } = event
  const action = data.action ?? event.type.slice(event.type.lastIndexOf('.') + 1).toUpperCase()
  return {
    eventId: event.id,
    type: event.type,
    action,
    source: event.source,
    taskId: data.taskId ?? event.subject ?? null,
    userId: data.userId ?? event.partitionkey ?? null,
    actor: data.actor ?? null,
    ...states(action, data),
    changes: (data.changes ?? {}) as Json,
    correlationId: data.correlationId ?? event.correlationid ?? null,
    causationId: event.causationid ?? null,
    occurredAt: new Date(event.time).toISOString(),
    topic: position.topic ?? null,
    partition: position.partition ?? null,
    offset: position.offset ?? null,
  }
}
