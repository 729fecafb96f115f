import { z } from 'zod'

const minute = 60_000
const hour = 60 * minute

/**
 * What an admin may set under `spec.services.chatApi.config`. Pure, so that the operator validates it before anything rolls.
 * Durations are milliseconds, sizes are bytes.
 */
export const chatApiSettingsSchema = z.strictObject({
  bodyLimit: z
    .int()
    .min(1024)
    .max(1_048_576)
    .default(65_536)
    .describe('Largest request body in bytes; larger ones get 413.'),
  jsonDepth: z.int().min(4).max(64).default(16).describe('Deepest nesting of a JSON body; deeper ones get 400.'),
  defaultTimezone: z.string().default('UTC').describe('IANA zone of accounts that name none when they sign up.'),
  signup: z.boolean().default(true).describe('Whether strangers may create accounts.'),
  tokenLifetime: z
    .int()
    .min(minute)
    .max(30 * 24 * hour)
    .default(24 * hour)
    .describe('How long a bearer token is valid, in milliseconds.'),
  loginFailures: z
    .strictObject({
      limit: z.int().min(1).max(1000).default(10).describe('Failed logins per account and window before 429.'),
      window: z
        .int()
        .min(1000)
        .max(24 * hour)
        .default(15 * minute)
        .describe('Length of the window in milliseconds.'),
    })
    .prefault({}),
  idempotencyRetention: z
    .int()
    .min(minute)
    .max(7 * 24 * hour)
    .default(24 * hour)
    .describe('How long the answer to an Idempotency-Key is kept, in milliseconds.'),
  chatMemory: z
    .int()
    .min(minute)
    .max(7 * 24 * hour)
    .default(hour)
    .describe('How long the chat remembers the last list and an open question, in milliseconds.'),
})

/** See {@link chatApiSettingsSchema}. */
export type ChatApiSettings = z.infer<typeof chatApiSettingsSchema>
