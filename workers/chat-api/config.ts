import { z } from 'zod'
import { hot, milliseconds, workerConfigSchema } from '../lib/config-schema.ts'
import { zoneField } from '../lib/task/fields.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/**
 * What an admin may set under `spec.services.chatApi.config`. Pure, so that the operator validates it before anything
 * rolls. Durations are milliseconds, sizes are bytes.
 */
export const chatApiSettingsSchema = z.strictObject({
  bodyLimit: z
    .int()
    .min(1024)
    .max(1_048_576)
    .default(65_536)
    .describe('Largest request body in bytes; larger ones get 413.'),
  defaultTimezone: hot(zoneField.default('UTC').describe('IANA zone of accounts that name none when they sign up.')),
  signup: hot(z.boolean().default(true).describe('Whether strangers may create accounts.')),
  tokenLifetime: milliseconds(minute, 30 * day)
    .default(day)
    .describe('How long a bearer token is valid, in milliseconds.'),
  loginFailures: hot(
    z
      .strictObject({
        limit: z.int().min(1).max(1000).default(10).describe('Failed logins per account and window before 429.'),
        window: milliseconds(1000, day)
          .default(15 * minute)
          .describe('Length of the window in milliseconds.'),
      })
      .prefault({}),
  ),
  idempotencyRetention: milliseconds(minute, 7 * day)
    .default(day)
    .describe('How long the answer to an Idempotency-Key is kept, in milliseconds.'),
  chatMemory: hot(
    milliseconds(minute, 7 * day)
      .default(hour)
      .describe('How long the chat remembers the last list and an open question, in milliseconds.'),
  ),
})

/** config.json of chat-api; see workers/lib/config-schema.ts for the shared part. */
export const chatApiConfigSchema = workerConfigSchema(chatApiSettingsSchema.prefault({}))

/** See {@link chatApiSettingsSchema}. */
export type ChatApiSettings = z.infer<typeof chatApiSettingsSchema>

/** See {@link chatApiConfigSchema}. */
export type ChatApiConfig = z.infer<typeof chatApiConfigSchema>
