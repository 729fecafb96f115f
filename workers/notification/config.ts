import { z } from 'zod'
import { hot, milliseconds, workerConfigSchema } from '../lib/config-schema.ts'

const day = 86_400_000

/**
 * What an admin may set under `spec.services.notification.config`. Pure, so that the operator validates it before anything
 * rolls. Durations are milliseconds.
 */
export const notificationSettingsSchema = z.strictObject({
  batchSize: hot(z.int().min(1).max(1000).default(100).describe('Reminders fired in one transaction.')),
  pollInterval: hot(
    milliseconds(100, 60_000)
      .default(1000)
      .describe(
        'Longest time between two looks at the stored reminders, in milliseconds, and how far each look sees ahead; bounds how late a replica notices a reminder another one stored.',
      ),
  ),
  inboxRetention: hot(
    milliseconds(day, 365 * day)
      .default(30 * day)
      .describe(
        'How long it is remembered that an event was handled, in milliseconds. Keep it above the retention of the topic: an event that comes again later takes effect again.',
      ),
  ),
  lateAfter: hot(
    milliseconds(1000, 86_400_000)
      .default(5000)
      .describe('A reminder delivered this much after its time is marked late.'),
  ),
  notificationRetention: hot(
    milliseconds(day, 3650 * day)
      .default(90 * day)
      .describe('How long notifications stay in the in-app inbox, in milliseconds.'),
  ),
})

/** See {@link notificationSettingsSchema}. */
export type NotificationSettings = z.infer<typeof notificationSettingsSchema>

/** config.json of notification; see workers/lib/config-schema.ts for the shared part. */
export const notificationConfigSchema = workerConfigSchema(notificationSettingsSchema.prefault({}))

/** See {@link notificationConfigSchema}. */
export type NotificationConfig = z.infer<typeof notificationConfigSchema>
