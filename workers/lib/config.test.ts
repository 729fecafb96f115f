import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError, loadConfig, loadSecrets, parseConfig } from './config.ts'
import { workerConfigSchema } from './config-schema.ts'

const schema = workerConfigSchema(z.strictObject({ pageSize: z.int().min(1).max(100).default(20) }).prefault({}))
const valid = {
  service: 'todo-audit',
  system: 'todo',
  version: '0.1.0',
  http: { port: 3003 },
  dapr: { pubsub: 'todo-task-pubsub' },
  topics: { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' },
}

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'config-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe('the configuration file', () => {
  test('needs only what has no default', () => {
    const config = parseConfig(schema, JSON.stringify(valid), 'config.json')
    expect(config).toMatchObject({
      logLevel: 'info',
      database: { pool: { min: 2, max: 10 }, statementTimeout: 5_000 },
      settings: { pageSize: 20 },
    })
  })

  test('may hold keys of a newer operator, but no settings the worker does not know', () => {
    expect(parseConfig(schema, JSON.stringify({ ...valid, comingSoon: true }), 'f')).not.toHaveProperty('comingSoon')
    expect(() => parseConfig(schema, JSON.stringify({ ...valid, settings: { pagesize: 5 } }), 'f')).toThrow(
      'settings.pagesize: is not a known field',
    )
  })

  test.each([
    ['a number out of range', { settings: { pageSize: 500 } }, /^f: settings\.pageSize: .*<=100.*, got 500$/],
    ['a level that does not exist', { logLevel: 'loud' }, /logLevel: .*"trace"\|"debug".*, got "loud"/],
    [
      'a pool whose minimum exceeds its maximum',
      { database: { pool: { min: 5, max: 2 } } },
      /database\.pool\.min: min must not exceed max, got 5/,
    ],
    [
      'a topic no broker would accept',
      { topics: { ...valid.topics, taskEvents: 'a b' } },
      /topics\.taskEvents: a topic name holds .*, got "a b"/,
    ],
    ['a collector that is no URL', { tracing: { endpoint: 'collector' } }, /tracing\.endpoint: .*, got "collector"/],
    ['a missing field', { service: undefined }, /service: .*expected string/],
  ])('with %s is refused with path, problem and what is allowed', (_what, change, message) => {
    const text = JSON.stringify({ ...valid, ...change })
    expect(() => parseConfig(schema, text, 'f')).toThrow(message)
    expect(() => parseConfig(schema, text, 'f')).toThrow(ConfigError)
  })

  test('that is missing or no JSON is named', async () => {
    await expect(loadConfig(schema, directory)).rejects.toThrow(
      `${directory}/config.json: the configuration does not exist`,
    )
    await writeFile(join(directory, 'config.json'), '{')
    await expect(loadConfig(schema, directory)).rejects.toThrow(/config\.json: is not JSON/)
  })
})

describe('secret files', () => {
  test('are read without their final newline; a missing or empty one is named and no value is', async () => {
    await writeFile(join(directory, 'jwtKey'), 'top-secret\n')
    await writeFile(join(directory, 'serviceToken'), '\n')
    expect(await loadSecrets(['jwtKey'], directory)).toEqual({ jwtKey: 'top-secret' })
    await expect(loadSecrets(['jwtKey', 'serviceToken'], directory)).rejects.toThrow(
      /serviceToken: the secret is empty/,
    )
    await expect(loadSecrets(['databaseUri'], directory)).rejects.toThrow(/databaseUri: the secret does not exist/)
  })
})
