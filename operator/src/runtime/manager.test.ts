import { pino } from 'pino'
import { beforeEach, expect, test } from 'vitest'
import { runGroups } from './manager.ts'
import type { Runnable } from './manager.ts'

const logger = pino({ level: 'silent' })
let log: string[]
let stop: AbortController

beforeEach(() => {
  log = []
  stop = new AbortController()
})

/** A part that says what happens to it and ends when told to. */
const part = (name: string, ready?: Promise<unknown>): Runnable => ({
  name,
  run: (signal) =>
    new Promise((resolve) => {
      log.push(`start ${name}`)
      signal.addEventListener('abort', () => {
        log.push(`stop ${name}`)
        resolve()
      })
    }),
  ...(ready !== undefined && {
    ready: async () => {
      await ready
    },
  }),
})

const group = (name: string, ...runnables: Runnable[]) => ({ name, runnables, stopMs: 50 })

test('groups start in order, each when the former is ready, and stop in reverse', async () => {
  const synced = Promise.withResolvers<undefined>()
  const running = runGroups(
    [
      group('probes', part('probes')),
      group('informers', part('informers', synced.promise)),
      group('work', part('work')),
    ],
    { signal: stop.signal, logger },
  )
  await expect.poll(() => log).toEqual(['start probes', 'start informers'])
  synced.resolve(undefined)
  await expect.poll(() => log).toEqual(['start probes', 'start informers', 'start work'])
  stop.abort()
  await running
  expect(log.slice(3)).toEqual(['stop work', 'stop informers', 'stop probes'])
})

test('a part that fails stops the others and is the reason', async () => {
  const broken: Runnable = { name: 'broken', run: () => Promise.reject(new Error('port in use')) }
  await expect(
    runGroups([group('probes', part('probes')), group('broken', broken)], { signal: stop.signal, logger }),
  ).rejects.toThrow('port in use')
  expect(log).toEqual(['start probes', 'stop probes'])
})

test('a part that ends by itself is a failure that names it', async () => {
  const quitter: Runnable = { name: 'informer of pods', run: () => Promise.resolve() }
  await expect(runGroups([group('one', quitter)], { signal: stop.signal, logger })).rejects.toThrow('informer of pods')
})

test('a part that does not stop does not keep the rest from stopping', async () => {
  const stubborn: Runnable = {
    name: 'stubborn',
    run: () => {
      log.push('start stubborn')
      return new Promise(() => undefined)
    },
  }
  const running = runGroups([group('probes', part('probes')), group('stubborn', stubborn)], {
    signal: stop.signal,
    logger,
  })
  await expect.poll(() => log).toEqual(['start probes', 'start stubborn'])
  stop.abort()
  await running
  expect(log.at(-1)).toBe('stop probes')
})

test('stopping while a group is not ready yet starts no further group', async () => {
  const never = new Promise(() => undefined)
  const running = runGroups([group('informers', part('informers', never)), group('work', part('work'))], {
    signal: stop.signal,
    logger,
  })
  await expect.poll(() => log).toEqual(['start informers'])
  stop.abort()
  await running
  expect(log).toEqual(['start informers', 'stop informers'])
})
