import { z } from 'zod'
import {
  descriptionField,
  instantField,
  offsetField,
  priorityField,
  tagField,
  tagsField,
  titleField,
  zoneField,
} from '../../lib/task/fields.ts'
import { anchorField } from '../../lib/task/task.ts'

/** Reminders come without ids: the server gives them, and keeps the id of one that an edit leaves as it was. */
export const reminderInput = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('relative'), offset: offsetField }),
  z.strictObject({ type: z.literal('absolute'), at: instantField }),
])

/** A rule; its series, slots and count are the server's. */
export const recurrenceInput = z.strictObject({
  rrule: z.string().min(1).max(512).describe('RFC 5545 RRULE value, for example FREQ=WEEKLY;BYDAY=MO,FR'),
  anchor: anchorField.default('due'),
})

const fields = {
  title: titleField,
  description: descriptionField,
  priority: priorityField,
  tags: tagsField,
  dueAt: instantField.nullable(),
  timezone: zoneField,
  recurrence: recurrenceInput.nullable(),
  reminders: z.array(reminderInput).max(20),
}

/** Body of POST and PUT. `timezone` defaults to the account's. A repeating task needs `dueAt`, which moves to the rule's first occurrence. */
export const taskInput = z.strictObject({
  title: fields.title,
  description: fields.description.default(''),
  priority: fields.priority.default('NONE'),
  tags: fields.tags.default([]),
  dueAt: fields.dueAt.default(null),
  timezone: fields.timezone.optional(),
  recurrence: fields.recurrence.default(null),
  reminders: fields.reminders.default([]),
})

/** Body of PATCH: only what is named changes; null clears dueAt and recurrence. */
export const taskPatch = z.strictObject(fields).partial()

/** See {@link taskInput}. */
export type TaskInput = z.output<typeof taskInput>
/** See {@link taskPatch}. */
export type TaskPatch = z.output<typeof taskPatch>

/** Query of GET /tasks. */
export const listQuery = z.strictObject({
  status: z.enum(['open', 'completed', 'all']).default('all'),
  q: z.string().min(1).max(200).optional().describe('Words that title or description contain; prefixes match.'),
  priority: priorityField.optional(),
  tag: tagField.optional(),
  dueFrom: instantField.optional().describe('Earliest due time, inclusive.'),
  dueTo: instantField.optional().describe('Latest due time, exclusive.'),
  sort: z.enum(['createdAt', 'dueAt']).default('createdAt').describe('createdAt: newest first; dueAt: soonest first.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(512).optional().describe('nextCursor of the page before.'),
})

/** See {@link listQuery}. */
export type ListQuery = z.output<typeof listQuery>

/** Path of one task. */
export const taskPath = z.strictObject({ id: z.uuid() })
