import { z } from 'zod'
import { hot, workerConfigSchema } from '../lib/config-schema.ts'

/**
 * What an admin may set under `spec.services.recurringTask.config`. Pure, so that the operator validates it before anything
 * rolls. The limits also hold for rules that were accepted under wider ones: such a series ends with an error, not a flood.
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
