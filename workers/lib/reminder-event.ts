import { z } from 'zod'

/** What happened to a reminder, as the audit trail names it. */
export const reminderActionField = z.enum(['SCHEDULED', 'TRIGGERED', 'DELIVERED', 'CANCELLED'])

/** See {@link reminderActionField}. */
export type ReminderAction = z.infer<typeof reminderActionField>

/**
 * The payload (`data`) of every event on `task-reminders`. SCHEDULED says that the reminder will fire at `scheduledFor`, also
 * when it replaces another time. TRIGGERED and DELIVERED come from one transaction and carry `firedAt` and `late`.
 */
export const reminderEventDataSchema = z.strictObject({
  reminderId: z.uuid(),
  taskId: z.uuid(),
  userId: z.uuid(),
  action: reminderActionField,
  scheduledFor: z.iso.datetime(),
  firedAt: z.iso.datetime().optional(),
  /** Fired noticeably after its time. */
  late: z.boolean().optional(),
  /** Where it was delivered to. */
  channel: z.literal('in-app').optional(),
})

/** See {@link reminderEventDataSchema}. */
export type ReminderEventData = z.infer<typeof reminderEventDataSchema>

/** CloudEvents `type` of each action. */
export const reminderEventTypes = {
  SCHEDULED: 'com.todo.reminder.scheduled',
  TRIGGERED: 'com.todo.reminder.triggered',
  DELIVERED: 'com.todo.reminder.delivered',
  CANCELLED: 'com.todo.reminder.cancelled',
} as const satisfies Record<ReminderAction, string>

/** CloudEvents `dataschema`; a change that old consumers cannot read gets a new number. */
export const REMINDER_EVENT_SCHEMA = 'urn:todochatbot:reminder-event:1'
