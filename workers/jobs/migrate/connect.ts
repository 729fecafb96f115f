import type { Logger } from '../../lib/logger.ts'
import type { Database, Session } from '../../lib/postgres.ts'
import { StorageError } from '../../lib/postgres-errors.ts'
import { MigrationError } from './files.ts'

/** Opens a session as soon as the server answers; a refusal (wrong password, no such database) is not waited for. */
export const connect = async (
  database: Database,
  options: { readonly waitTimeout: number; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<Session> => {
  const deadline = Date.now() + options.waitTimeout
  for (;;) {
    try {
      return await database.session('migrate')
    } catch (error) {
      const waitable = error instanceof StorageError && error.connectionLost
      const reason = error instanceof Error ? error.message : String(error)
      if (!waitable) throw new MigrationError(`the database refused the connection: ${reason}`, { cause: error })
      if (options.signal.aborted || Date.now() > deadline) {
        throw new MigrationError(`the database did not answer within ${options.waitTimeout} ms: ${reason}`, {
          cause: error,
        })
      }
      options.logger.info({ reason }, 'waiting for the database')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}
