import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

/** Levels that configuration may name. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/**
 * JSON lines on standard output: level as a word, time in RFC 3339. Written synchronously, because lines that explain a crash
 * must not be lost in a buffer. Errors carry type, code, message and stack; anything that may hold a credential is cut out.
 */
export const createLogger = (
  options: { readonly level: LogLevel; readonly name: string; readonly version: string },
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger =>
  pino(
    {
      level: options.level,
      base: { service: options.name, version: options.version },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      redact: ['*.authorization', '*.token', '*.password', 'headers', '*.headers'],
    },
    destination,
  )
