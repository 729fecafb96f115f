import { createAuthenticator } from '../lib/auth.ts'
import { runWorker } from '../lib/worker.ts'
import { registerAudit } from './app.ts'
import { auditConfigSchema } from './config.ts'

await runWorker({
  schema: auditConfigSchema,
  secrets: ['appToken', 'jwtKey', 'serviceToken'],
  build: ({ config, secrets, server, lifecycle, ...parts }) =>
    registerAudit(server, {
      ...parts,
      appToken: secrets.appToken,
      authenticate: createAuthenticator(secrets),
      settings: config.settings,
      slowQueryThreshold: config.database.slowQueryThreshold,
      signal: lifecycle.signal,
      now: () => new Date(),
    }),
})
