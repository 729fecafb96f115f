import { z } from 'zod'
import { hot, milliseconds, workerConfigSchema } from '../lib/config-schema.ts'

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
  lateAfter: hot(
    milliseconds(1000, 86_400_000)
      .default(5000)
      .describe('A reminder delivered this much after its time is marked late.'),
  ),
})

/** See {@link notificationSettingsSchema}. */
export type NotificationSettings = z.infer<typeof notificationSettingsSchema>

/** config.json of notification; see workers/lib/config-schema.ts for the shared part. */
export const notificationConfigSchema = workerConfigSchema(notificationSettingsSchema.prefault({}))

/** See {@link notificationConfigSchema}. */
export type NotificationConfig = z.infer<typeof notificationConfigSchema>
