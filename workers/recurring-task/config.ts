import { z } from 'zod'
import { hot, milliseconds, workerConfigSchema } from '../lib/config-schema.ts'

const day = 86_400_000

/**
 * What an admin may set under `spec.services.recurringTask.config`. Pure, so that the operator validates it before anything
 * rolls. The limits also hold for rules that were accepted under wider ones: such a series ends with an error, not a flood. Durations are milliseconds.
 */
export const recurringTaskSettingsSchema = z.strictObject({
  finestFrequency: hot(
    z
      .enum(['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY'])
      .default('HOURLY')
      .describe('Finest FREQ of a rule that still gets a successor.'),
  ),
  maxInterval: hot(z.int().min(1).max(999).default(999).describe('Largest INTERVAL of a rule.')),
  maxCount: hot(z.int().min(1).max(100_000).default(10_000).describe('Largest COUNT of a rule.')),
  inboxRetention: hot(
    milliseconds(day, 365 * day)
      .default(30 * day)
      .describe(
        'How long it is remembered that an event was handled, in milliseconds. Keep it above the retention of the topic: an event that comes again later takes effect again.',
      ),
  ),
  catchUp: hot(
    z
      .enum(['Every', 'NextFuture'])
      .default('Every')
      .describe(
        'Where the successor of an overdue instance lies: Every takes the slot right after the completed one, NextFuture the first slot after its completion.',
      ),
  ),
})

/** See {@link recurringTaskSettingsSchema}. */
export type RecurringTaskSettings = z.infer<typeof recurringTaskSettingsSchema>

/** config.json of recurring-task; see workers/lib/config-schema.ts for the shared part. */
export const recurringTaskConfigSchema = workerConfigSchema(recurringTaskSettingsSchema.prefault({}))

/** See {@link recurringTaskConfigSchema}. */
export type RecurringTaskConfig = z.infer<typeof recurringTaskConfigSchema>
