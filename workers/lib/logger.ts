import { pino } from 'pino'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import type { LogLevel } from './config-schema.ts'
import { currentContext, traceIdOf } from './request-context.ts'

/** A pino logger: `logger.info({ taskId }, 'message')`. Fields of the running request are added by themselves. */
export type Logger = PinoLogger

/** Whom the log lines are from, and how many. */
export interface LoggerOptions {
  readonly service: string
  readonly system: string
  readonly version: string
  readonly pod: string
  readonly level: LogLevel
  /** Where the lines go; standard output unless a test wants to read them. */
  readonly destination?: DestinationStream
}

/** Where secrets and personal data turn up in objects people log; a depth of two is covered. */
const secretNames = [
  'password',
  'token',
  'jwtKey',
  'serviceToken',
  'databaseUri',
  'connectionString',
  'secret',
  'email',
]
const secretPaths = [
  ...secretNames,
  ...secretNames.map((name) => `*.${name}`),
  'headers.authorization',
  'headers.cookie',
  '*.headers.authorization',
  '*.headers.cookie',
  'headers["dapr-api-token"]',
]

/**
 * JSON lines with time (RFC 3339), level (as a word), service, and requestId, correlationId and traceId of what is
 * running. Writes are synchronous: a line that was logged is out before the process can die, and no worker thread is needed.
 */
export const createLogger = (options: LoggerOptions): Logger =>
  pino(
    {
      level: options.level,
      base: { service: options.service, system: options.system, version: options.version, pod: options.pod },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: '[redacted]' },
      mixin: () => {
        const context = currentContext()
        if (context === undefined) return {}
        const traceId = traceIdOf(context.traceparent)
        return {
          requestId: context.requestId,
          correlationId: context.correlationId,
          ...(traceId === undefined ? {} : { traceId }),
        }
      },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  )
