import { z } from 'zod'
import {
  descriptionField,
  instantField,
  localDateTimeField,
  offsetField,
  priorityField,
  tagsField,
  titleField,
  zoneField,
} from './fields.ts'

/**
 * The task as every program sees it: what chat-api answers, what the events carry as a full snapshot, what the recurring
 * and notification workers read. Instants are RFC 3339 strings in UTC, never Date objects, so that a task is plain JSON.
 */

/** Fires `offset` away from the due time; moves with it. Has no effect while the task has no due time. */
export const relativeReminderSchema = z.strictObject({ id: z.uuid(), type: z.literal('relative'), offset: offsetField })

/** Fires at one instant, whatever happens to the due time. */
export const absoluteReminderSchema = z.strictObject({ id: z.uuid(), type: z.literal('absolute'), at: instantField })

/** A reminder belongs to its task and keeps its id over edits, which is what makes "fired once" decidable. */
export const reminderSchema = z.discriminatedUnion('type', [relativeReminderSchema, absoluteReminderSchema])

/** `due`: the next instance follows this instance's own date. `completion`: it follows the moment of completion. */
export const anchorField = z.enum(['due', 'completion'])

/**
 * What ties a task to its series. `recurrenceId` is the slot of this instance in local time (RFC 5545 RECURRENCE-ID): it
 * stays when the user moves the due time. `count` is the 1-based position in the series, which is what COUNT is held against.
 */
export const taskRecurrenceSchema = z.strictObject({
  rrule: z.string().max(512),
  anchor: anchorField,
  seriesId: z.uuid(),
  recurrenceId: localDateTimeField,
  count: z.int().min(1),
})

/** One task. `version` starts at 1 and grows by one with every change; it is the ETag. */
export const taskSchema = z.strictObject({
  id: z.uuid(),
  userId: z.uuid(),
  title: titleField,
  description: descriptionField,
  status: z.enum(['open', 'completed']),
  completedAt: instantField.nullable(),
  priority: priorityField,
  tags: tagsField,
  dueAt: instantField.nullable(),
  timezone: zoneField,
  recurrence: taskRecurrenceSchema.nullable(),
  reminders: z.array(reminderSchema).max(20),
  version: z.int().min(1),
  createdAt: instantField,
  updatedAt: instantField,
  deletedAt: instantField.nullable(),
  source: z.enum(['user', 'chat', 'recurrence']),
})

/** See {@link taskSchema}. */
export type Task = z.infer<typeof taskSchema>
/** See {@link reminderSchema}. */
export type Reminder = z.infer<typeof reminderSchema>
/** See {@link taskRecurrenceSchema}. */
export type TaskRecurrence = z.infer<typeof taskRecurrenceSchema>
