import { z } from 'zod'
import { hot, workerConfigSchema } from '../lib/config-schema.ts'

/** What an admin may set under `spec.services.audit.config`. Pure, so that the operator validates it before anything rolls. */
export const auditSettingsSchema = z.strictObject({
  verifyBatchSize: hot(
    z
      .int()
      .min(10)
      .max(10_000)
      .default(1_000)
      .describe('Entries read at a time by /audit/verify; its memory grows with this and not with the trail.'),
  ),
})

/** See {@link auditSettingsSchema}. */
export type AuditSettings = z.infer<typeof auditSettingsSchema>

/** config.json of audit; see workers/lib/config-schema.ts for the shared part. */
export const auditConfigSchema = workerConfigSchema(auditSettingsSchema.prefault({}))

/** See {@link auditConfigSchema}. */
export type AuditConfig = z.infer<typeof auditConfigSchema>
