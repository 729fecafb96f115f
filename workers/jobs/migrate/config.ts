import { z } from 'zod'
import { logLevelSchema, milliseconds } from '../../lib/config-schema.ts'

/** config.json of the migration Job. */
export const migrateConfigSchema = z.object({
  service: z.string().min(1).max(63),
  system: z.string().min(1).max(30),
  version: z.string().min(1).max(63),
  logLevel: logLevelSchema.default('info'),
  database: z
    .object({
      /** Role of the workers, which gets its grants; absent: the user name in the secret file `databaseUri`. */
      appRole: z.string().min(1).max(63).optional(),
      /** How long to wait for a server that does not answer yet, and for another migration to end. */
      waitTimeout: milliseconds(1_000, 3_600_000).default(120_000),
      /** How long one statement may wait for a table lock; workers of the previous version are running. */
      lockTimeout: milliseconds(100, 600_000).default(5_000),
      /** How long one statement may run. */
      statementTimeout: milliseconds(1_000, 3_600_000).default(600_000),
    })
    .prefault({}),
})

/** See {@link migrateConfigSchema}. */
export type MigrateConfig = z.infer<typeof migrateConfigSchema>
