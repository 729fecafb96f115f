import { DatabaseError } from 'pg'

/** SQLSTATEs after which the same transaction may simply be run again (PostgreSQL manual, appendix A). */
const retryable = new Set(['40001', '40P01'])

/** Classes and states that say the connection is gone or the server is going away or coming up. */
const connectionState = /^(08|57P0[1-5]|53300)/

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** node-postgres reports lost connections and its own timeouts as plain errors: these are their words. */
const connectionWords =
  /connection terminated|not queryable|timeout exceeded|query read timeout|client was closed|connection is closed/i

/** A statement that failed, with what the caller needs to decide: the SQLSTATE, the constraint, whether the link broke. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  /** Five characters, e.g. `23505`, or undefined when the server never answered. */
  readonly sqlState: string | undefined
  /** Name of the violated constraint, when that was the reason. */
  readonly constraint: string | undefined
  /** The connection broke or was never there; nothing is known about the statement but that its answer did not come. */
  readonly connectionLost: boolean

  constructor(message: string, cause: unknown) {
    super(message, { cause })
    const server = cause instanceof DatabaseError ? cause : undefined
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    this.sqlState = server?.code
    this.constraint = server?.constraint
    this.connectionLost =
      server === undefined
        ? connectionCodes.has(code) || (cause instanceof Error && connectionWords.test(cause.message))
        : connectionState.test(server.code ?? '')
  }

  /** Wraps what node-postgres threw; an error that is not of the database passes unchanged inside. */
  static from(error: unknown): StorageError {
    if (error instanceof StorageError) return error
    return new StorageError(error instanceof Error ? error.message : String(error), error)
  }
}

/** COMMIT was sent and its answer never came: the change may be stored or not. Retry only what is idempotent. */
export class OutcomeUnknownError extends StorageError {
  override readonly name = 'OutcomeUnknownError'

  constructor(cause: StorageError) {
    super('the connection was lost during COMMIT; the change may have been stored', cause.cause)
  }
}

/** True when running the whole transaction again is safe and may succeed. */
export const isTransient = (error: unknown): boolean =>
  error instanceof StorageError &&
  !(error instanceof OutcomeUnknownError) &&
  (error.connectionLost || (error.sqlState !== undefined && retryable.has(error.sqlState)))

/** True when `error` says that a row with the same unique value exists; with `constraint`, that very one. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof StorageError &&
  error.sqlState === '23505' &&
  (constraint === undefined || error.constraint === constraint)
