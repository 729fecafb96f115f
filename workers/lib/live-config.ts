/**
 * The configuration of a running worker: config.json, fixed for the life of its pod, and over it hot.json, whose fields are taken over while
 * the worker runs.
 *
 * Invariants
 * - `config` is one object for the life of the process; hot fields are replaced in it, so whoever reads them at each use sees the newest.
 * - Only fields that this version's own schema marks as hot are taken from hot.json: a template that was rolled back meets a hot.json of a
 *   newer version and ignores what it does not know.
 * - A hot.json that is not valid never stops a worker: what was in force stays, and `applied().problem` says why.
 * - `applied().revision` is the revision of the last hot.json that is fully in force: GET /health tells it, and the operator reads it there.
 * Proof: live-config.test.ts.
 */
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { checkConfig, parseConfig, readConfig } from './config.ts'
import { hotConfigSchema, hotFieldsOf } from './config-schema.ts'
import type { HotConfig, LogLevel, WorkerConfig } from './config-schema.ts'
import type { Logger } from './logger.ts'

/** What is in force, as GET /health tells it. */
export interface AppliedConfig {
  /** Absent while no hot.json was applied. */
  readonly revision?: string
  readonly logLevel: LogLevel
  /** Why a newer hot.json is not in force. */
  readonly problem?: string
}

/** See the header of this file. */
export interface LiveConfig<Settings> {
  readonly config: WorkerConfig<Settings>
  readonly applied: () => AppliedConfig
  /** Takes changes over until `signal` is aborted. `period`: also looked at this often, ms (default 15000): inotify events get lost. */
  readonly watch: (options: { logger: Logger; signal: AbortSignal; period?: number }) => void
}

/** Reads both files. @throws ConfigError when config.json is missing or not valid */
export const loadLiveConfig = async <Settings>(
  schema: z.ZodType<WorkerConfig<Settings>>,
  directory: string,
): Promise<LiveConfig<Settings>> => {
  const cold = await readConfig(directory)
  const file = join(directory, 'hot.json')
  const config = checkConfig(schema, cold.value, cold.file)
  let revision: string | undefined
  let problem: string | undefined
  let last: string | undefined

  /** Takes a text over, or leaves everything as it is. Answers what changed; undefined when the text is the one before. */
  const take = (text: string): readonly string[] | undefined => {
    if (text === last) return undefined
    last = text
    try {
      const hot = parseConfig(hotConfigSchema, text, file)
      const next = checkConfig(schema, overlay(schema, cold.value, hot), file)
      const changed = replaceHot(schema, config, next)
      revision = hot.revision
      problem = undefined
      return changed
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
      return []
    }
  }
  const read = (): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined)
  const first = await read()
  if (first !== undefined) take(first)

  return {
    config,
    applied: () => ({
      ...(revision === undefined ? {} : { revision }),
      logLevel: config.logLevel,
      ...(problem === undefined ? {} : { problem }),
    }),
    watch: ({ logger, signal, period = 15_000 }) => {
      if (problem !== undefined)
        logger.error({ problem }, 'hot.json is not valid; the settings of the start are in force')
      let reading: Promise<void> | undefined
      let again = false
      const look = (): void => {
        again = reading !== undefined
        reading ??= read()
          .then((text) => {
            const changed = text === undefined || signal.aborted ? undefined : take(text)
            if (changed === undefined) return
            report(logger, config.logLevel, changed, problem)
          })
          .finally(() => {
            reading = undefined
            if (again) look()
          })
      }
      const timer = setInterval(look, period)
      timer.unref()
      // A ConfigMap volume never writes the file: the kubelet swaps the `..data` symlink beside it, so the directory is watched.
      const watcher = watch(directory, { persistent: false }, look)
      watcher.on('error', (err) => logger.warn({ err }, 'watching the configuration failed; it is still polled'))
      signal.addEventListener('abort', () => {
        clearInterval(timer)
        watcher.close()
      })
      look()
    },
  }
}

const settingsOf = (schema: z.ZodType): z.ZodType | undefined =>
  schema instanceof z.ZodObject ? (schema.shape as Readonly<Record<string, z.ZodType>>)['settings'] : undefined

/** config.json with the hot fields this version knows laid over it. */
const overlay = (schema: z.ZodType, cold: unknown, hot: HotConfig): unknown => {
  const base = cold as Readonly<Record<string, unknown>> & { readonly settings?: Readonly<Record<string, unknown>> }
  const known = hotFieldsOf(settingsOf(schema) ?? schema)
  const settings = Object.fromEntries(Object.entries(hot.settings).filter(([name]) => known.includes(name)))
  return {
    ...base,
    ...(hot.logLevel === undefined ? {} : { logLevel: hot.logLevel }),
    settings: { ...base.settings, ...settings },
  }
}

/** Replaces the hot fields of `target` by those of `source`; answers the paths that changed. */
const replaceHot = (schema: z.ZodType, target: object, source: object): readonly string[] => {
  const replace = (fields: readonly string[], into: object, from: object, prefix: string): readonly string[] =>
    fields
      .filter((name) => {
        const value: unknown = Reflect.get(from, name)
        const same = JSON.stringify(Reflect.get(into, name)) === JSON.stringify(value)
        return !same && Reflect.set(into, name, value)
      })
      .map((name) => `${prefix}${name}`)
  const settings = settingsOf(schema)
  const inner = (value: object): object => Reflect.get(value, 'settings') as object
  return [
    ...replace(hotFieldsOf(schema), target, source, ''),
    ...(settings === undefined ? [] : replace(hotFieldsOf(settings), inner(target), inner(source), 'settings.')),
  ]
}

const report = (logger: Logger, level: LogLevel, changed: readonly string[], problem: string | undefined): void => {
  if (problem !== undefined) logger.error({ problem }, 'the changed configuration is not valid and is ignored')
  if (logger.level !== level) {
    const from = logger.level
    logger.level = level
    logger.info({ from, to: level }, 'log level changed')
  }
  const settings = changed.filter((path) => path !== 'logLevel')
  if (settings.length > 0) logger.info({ fields: settings }, 'changed settings are in force')
}
