import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import type { InputError } from './http-errors.ts'
import { inputErrors } from './http-errors.ts'

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

/** Parses the text of a config file; {@link ConfigError} when it is not JSON. */
export const parseJson = (text: string, file: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new ConfigError(file, [{ path: '', message: `is not JSON: ${(error as Error).message}` }])
  }
}

/** Checks what a config file holds; {@link ConfigError} when it is not what the schema allows. */
export const checkConfig = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  file: string,
): z.output<Schema> => {
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

/** {@link parseJson}, then {@link checkConfig}. */
export const parseConfig = <Schema extends z.ZodType>(schema: Schema, text: string, file: string): z.output<Schema> =>
  checkConfig(schema, parseJson(text, file), file)

/** Reads `<directory>/config.json`; {@link ConfigError} when it does not exist. */
export const readConfig = async (directory: string): Promise<{ readonly file: string; readonly value: unknown }> => {
  const file = join(directory, 'config.json')
  return { file, value: parseJson(await readText(file, 'the configuration'), file) }
}

/** Reads `<directory>/config.json` and checks it. */
export const loadConfig = async <Schema extends z.ZodType>(
  schema: Schema,
  directory: string,
): Promise<z.output<Schema>> => {
  const { file, value } = await readConfig(directory)
  return checkConfig(schema, value, file)
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
