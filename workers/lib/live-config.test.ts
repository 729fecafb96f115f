import { mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { eventually } from '../test/support/eventually.ts'
import { hot, hotFieldsOf, workerConfigSchema } from './config-schema.ts'
import { loadLiveConfig } from './live-config.ts'
import type { LiveConfig } from './live-config.ts'

const settings = z.strictObject({
  pageSize: hot(z.int().min(1).max(100).default(20).describe('Hot.')),
  bodyLimit: z.int().default(1000).describe('Cold.'),
})
const schema = workerConfigSchema(settings.prefault({}))
const cold = {
  service: 'todo-audit',
  system: 'todo',
  version: '0.1.0',
  http: { port: 3003 },
  dapr: { pubsub: 'todo-task-pubsub' },
  topics: { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' },
  settings: { bodyLimit: 2000 },
}

let directory: string
let generation = 0
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'config-'))
  await writeFile(join(directory, 'config.json'), JSON.stringify(cold))
})
afterEach(() => rm(directory, { recursive: true }))

/** Writes like the kubelet: a new folder, and one atomic swap of the `..data` symlink. */
const publish = async (content: unknown): Promise<void> => {
  const folder = `..generation_${(generation += 1)}`
  await mkdir(join(directory, folder))
  await writeFile(join(directory, folder, 'hot.json'), typeof content === 'string' ? content : JSON.stringify(content))
  await symlink(folder, join(directory, '..data_tmp'))
  await rename(join(directory, '..data_tmp'), join(directory, '..data'))
  if ((await readlink(join(directory, 'hot.json')).catch(() => undefined)) === undefined)
    await symlink('..data/hot.json', join(directory, 'hot.json'))
}
const load = (): Promise<LiveConfig<z.output<typeof settings>>> => loadLiveConfig(schema, directory)

test('the mark of a hot field survives its default and its description', () => {
  expect(hotFieldsOf(settings.prefault({}))).toEqual(['pageSize'])
  expect(hotFieldsOf(schema)).toEqual(['logLevel'])
})

describe('at the start', () => {
  test('config.json alone is enough', async () => {
    const live = await load()
    expect(live.config).toMatchObject({ logLevel: 'info', settings: { pageSize: 20, bodyLimit: 2000 } })
    expect(live.applied()).toEqual({ logLevel: 'info' })
  })

  test('hot.json lies over it, and its revision is reported', async () => {
    await publish({ revision: 'r1', logLevel: 'warn', settings: { pageSize: 5 } })
    const live = await load()
    expect(live.config).toMatchObject({ logLevel: 'warn', settings: { pageSize: 5, bodyLimit: 2000 } })
    expect(live.applied()).toEqual({ revision: 'r1', logLevel: 'warn' })
  })

  test.each([
    ['a setting this version does not know', { pageSize: 5, colour: 'red' }],
    ['a setting that is cold in this version', { pageSize: 5, bodyLimit: 9 }],
  ])('%s is left out: the template may be older than the file', async (_what, given) => {
    await publish({ revision: 'r1', settings: given })
    const live = await load()
    expect(live.config.settings).toEqual({ pageSize: 5, bodyLimit: 2000 })
    expect(live.applied().revision).toBe('r1')
  })

  test.each([
    ['is out of range', { revision: 'r1', settings: { pageSize: 500 } }, /settings\.pageSize: .*<=100/],
    ['is no JSON', 'not json', /is not JSON/],
  ])('a hot.json that %s does not stop the worker, and the problem is reported', async (_what, content, problem) => {
    await publish(content)
    const live = await load()
    expect(live.config.settings.pageSize).toBe(20)
    expect(live.applied()).toEqual({ logLevel: 'info', problem: expect.stringMatching(problem) })
  })
})

describe('while it runs', () => {
  test('a volume that is swapped changes level and settings in place; an invalid file changes nothing', async () => {
    const stop = new AbortController()
    const logger = pino({ level: 'info' }, { write: () => undefined })
    await publish({ revision: 'r1', logLevel: 'info', settings: { pageSize: 5 } })
    const live = await load()
    const held = live.config.settings
    live.watch({ logger, signal: stop.signal })

    await publish({ revision: 'r2', logLevel: 'debug', settings: { pageSize: 6 } })
    await eventually('the change is in force', () => live.applied().revision === 'r2')
    expect([logger.level, held.pageSize, held.bodyLimit]).toEqual(['debug', 6, 2000])

    await publish({ revision: 'r3', logLevel: 'debug', settings: { pageSize: 0 } })
    await eventually('the problem is reported', () => live.applied().problem !== undefined)
    expect(live.applied()).toMatchObject({ revision: 'r2' })
    expect(held.pageSize).toBe(6)

    await publish({ revision: 'r4', logLevel: 'warn' })
    await eventually('a setting that is left out has its default again', () => live.applied().revision === 'r4')
    expect([logger.level, held.pageSize]).toEqual(['warn', 20])
    expect(live.applied()).not.toHaveProperty('problem')
    stop.abort()
  })
})
