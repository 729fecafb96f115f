/** Events that happened after the cut of a backup, told by the audit trail or by the log in Kafka. Pure. */
import { auditedDataSchema, recordOf, type AuditRecord, type Json } from '../../../lib/audit-trail/entry.ts'
import type { ChainedEntry } from '../../../lib/audit-trail/chain.ts'
import type { CloudEvent } from '../../../lib/cloud-event.ts'
import { toEvent, type Position } from '../../../lib/delivery.ts'
import { reminderEventDataSchema, reminderEventTypes, type ReminderEventData } from '../../../lib/reminder-event.ts'
import { TASK_EVENT_SCHEMA, taskEventDataSchema, taskEventTypes, type TaskEventData } from '../../../lib/task/event.ts'

/** One event, and what it changed. */
export interface PastEvent {
  readonly record: AuditRecord
  /** Absent: an event that changes neither tasks nor reminders, or of a kind this version does not know. */
  readonly effect?:
    | { readonly kind: 'Task'; readonly event: CloudEvent<TaskEventData> }
    | { readonly kind: 'Reminder'; readonly data: ReminderEventData; readonly correlationId: string }
}

const isOneOf = (types: Readonly<Record<string, string>>, type: string): boolean => Object.values(types).includes(type)

/**
 * An event as it was published.
 * @throws PoisonError when audit would not take it either
 */
export const fromMessage = (message: unknown, position: Position): PastEvent => {
  const { event } = toEvent(auditedDataSchema, undefined, message)
  const record = recordOf({ event: { ...event, data: auditedDataSchema.parse(event.data) }, position })
  return { record, ...effectOf(event, record) }
}

/** An event as its audit entry tells of it: everything consumers look at is in the entry. */
export const fromEntry = (record: ChainedEntry): PastEvent => {
  const data = isOneOf(taskEventTypes, record.type) ? taskData(record) : record.after
  const event: CloudEvent = {
    specversion: '1.0',
    id: record.eventId,
    source: record.source,
    type: record.type,
    time: record.occurredAt,
    datacontenttype: 'application/json',
    dataschema: TASK_EVENT_SCHEMA,
    ...(record.taskId === null ? {} : { subject: record.taskId }),
    ...(record.userId === null ? {} : { partitionkey: record.userId }),
    ...(record.correlationId === null ? {} : { correlationid: record.correlationId }),
    ...(record.causationId === null ? {} : { causationid: record.causationId }),
    data,
  }
  return { record, ...effectOf(event, record) }
}

const effectOf = (event: CloudEvent, record: AuditRecord): Pick<PastEvent, 'effect'> => {
  if (isOneOf(taskEventTypes, event.type)) {
    const data = taskEventDataSchema.safeParse(event.data)
    if (data.success) return { effect: { kind: 'Task', event: { ...event, data: data.data } } }
  }
  if (isOneOf(reminderEventTypes, event.type)) {
    const data = reminderEventDataSchema.safeParse(event.data)
    const correlationId = record.correlationId ?? record.eventId
    if (data.success) return { effect: { kind: 'Reminder', data: data.data, correlationId } }
  }
  return {}
}

/** `data` of a task event. An entry of a deletion has only the task before it, and what changed. */
const taskData = ({ action, before, after, changes, actor, correlationId, taskId, userId }: ChainedEntry): unknown => {
  const task = after ?? withChanges(before, changes)
  return { action, task, changes, actor, correlationId, taskId, userId, taskVersion: field(task, 'version') }
}

const withChanges = (before: Json, changes: Json): Json => ({
  ...(isObject(before) ? before : {}),
  ...Object.fromEntries(Object.entries(isObject(changes) ? changes : {}).map(([name, to]) => [name, field(to, 'new')])),
})

const isObject = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const field = (value: Json, name: string): Json => (isObject(value) ? (value[name] ?? null) : null)
