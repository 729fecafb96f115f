import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import type { InputError } from './http-errors.ts'
import { inputErrors } from './http-errors.ts'
import type { LogLevel } from './config-schema.ts'
import type { Logger } from './logger.ts'

/** The worker cannot start with what it was given. The message names the file, each path, its problem and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly file: string
  readonly problems: readonly InputError[]

  constructor(file: string, problems: readonly InputError[]) {
    super(`${file}: ${problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')}`)
    this.file = file
    this.problems = problems
  }
}

const valueAt = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => {
    const inner: unknown = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
    return inner
  }, value)

const withValue =
  (value: unknown) =>
  (problem: InputError): InputError => {
    const found = valueAt(value, problem.path)
    if (problem.path === '' || found === undefined || typeof found === 'object') return problem
    return { path: problem.path, message: `${problem.message}, got ${JSON.stringify(found)}` }
  }

/** Parses the text of a config file; {@link ConfigError} when it is not JSON or not what the schema allows. */
export const parseConfig = <Schema extends z.ZodType>(schema: Schema, text: string, file: string): z.output<Schema> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ConfigError(file, [{ path: '', message: `is not JSON: ${(error as Error).message}` }])
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new ConfigError(file, inputErrors(parsed.error).map(withValue(value)))
  return parsed.data
}

const readText = async (file: string, what: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : (error as Error).message
    throw new ConfigError(file, [{ path: '', message: `${what} ${reason}` }])
  }
}

/** Reads `<directory>/config.json` and checks it. */
export const loadConfig = async <Schema extends z.ZodType>(
  schema: Schema,
  directory: string,
): Promise<z.output<Schema>> => {
  const file = join(directory, 'config.json')
  return parseConfig(schema, await readText(file, 'the configuration'), file)
}

/** Reads one secret file per name; an empty one is refused. Values are trimmed at the end and appear in no message. */
export const loadSecrets = async <Name extends string>(
  names: readonly Name[],
  directory: string,
): Promise<Readonly<Record<Name, string>>> => {
  const entries = await Promise.all(
    names.map(async (name) => {
      const file = join(directory, name)
      const value = (await readText(file, 'the secret')).trimEnd()
      if (value === '') throw new ConfigError(file, [{ path: '', message: 'the secret is empty' }])
      return [name, value] as const
    }),
  )
  return Object.fromEntries(entries) as Record<Name, string>
}

/** What {@link watchConfig} needs. */
export interface WatchOptions<Config> {
  readonly directory: string
  readonly parse: (text: string, file: string) => Config
  readonly onChange: (config: Config) => void
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Also looked at this often, ms (default 15000): inotify events are lost on some file systems. */
  readonly period?: number
}

/**
 * Watches config.json until `signal` is aborted. A ConfigMap volume never writes the file: the kubelet swaps the `..data`
 * symlink beside it, so the directory is watched and the content compared. A file that is not valid is reported and left alone.
 */
export const watchConfig = <Config>(options: WatchOptions<Config>): void => {
  const { directory, logger, signal } = options
  const file = join(directory, 'config.json')
  let last: string | undefined
  let reading: Promise<void> | undefined
  let again = false

  const read = async (): Promise<void> => {
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (signal.aborted || text === undefined || text === last) return
    last = text
    try {
      options.onChange(options.parse(text, file))
    } catch (error) {
      logger.error({ err: error }, 'the changed configuration is not valid and is ignored')
    }
  }
  const look = (): void => {
    again = reading !== undefined
    reading ??= read().finally(() => {
      reading = undefined
      if (again) look()
    })
  }
  const timer = setInterval(look, options.period ?? 15_000)
  timer.unref()
  const watcher = watch(directory, { persistent: false }, look)
  watcher.on('error', (error) => logger.warn({ err: error }, 'watching the configuration failed; it is still polled'))
  signal.addEventListener('abort', () => {
    clearInterval(timer)
    watcher.close()
  })
  look()
}

/** Applies a changed log level; says which other changed fields wait for a restart. */
export const applyLogLevel =
  (logger: Logger, started: { readonly logLevel: LogLevel }) =>
  (config: { readonly logLevel: LogLevel }): void => {
    if (logger.level !== config.logLevel) {
      const previous = logger.level
      logger.level = config.logLevel
      logger.info({ from: previous, to: config.logLevel }, 'log level changed')
    }
    const before = new Map<string, unknown>(Object.entries(started))
    const waiting = Object.entries(config)
      .filter(([key, value]) => key !== 'logLevel' && JSON.stringify(value) !== JSON.stringify(before.get(key)))
      .map(([key]) => key)
    if (waiting.length > 0) logger.info({ fields: waiting }, 'changed configuration takes effect at the next restart')
  }
