import { createAuthenticator } from '../lib/auth.ts'
import { runWorker } from '../lib/worker.ts'
import { registerAudit } from './app.ts'
import { auditConfigSchema } from './config.ts'

await runWorker({
  schema: auditConfigSchema,
  secrets: ['jwtKey', 'serviceToken'],
  build: ({ config, secrets, server, lifecycle, ...parts }) =>
    registerAudit(server, {
      ...parts,
      authenticate: createAuthenticator(secrets),
      settings: config.settings,
      signal: lifecycle.signal,
      now: () => new Date(),
    }),
})
