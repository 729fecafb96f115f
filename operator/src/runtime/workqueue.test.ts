import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createFakeClock } from '../../test/support/fake-clock.ts'
import type { FakeClock } from '../../test/support/fake-clock.ts'
import { createWorkQueue } from './workqueue.ts'
import type { WorkQueue } from './workqueue.ts'

let clock: FakeClock
let queue: WorkQueue

beforeEach(() => {
  clock = createFakeClock()
  queue = createWorkQueue({
    clock,
    random: () => 1,
    agingMs: { low: 5000, new: 30_000 },
    backoff: { baseMs: 100, maxMs: 1000 },
  })
})

/** Takes everything that is ready, finishing each key at once. */
const drain = async (): Promise<string[]> => {
  const keys: string[] = []
  while (queue.depth > 0) {
    const key = await queue.take()
    if (key === undefined) break
    keys.push(key)
    queue.done(key)
  }
  return keys
}

test('a key added many times while it waits is handed out once', async () => {
  for (let times = 0; times < 1000; times += 1) queue.add('todo-app/todo')
  expect(await drain()).toEqual(['todo-app/todo'])
})

test('a key that changes while it is worked on is worked on once more, afterwards', async () => {
  queue.add('a')
  expect(await queue.take()).toBe('a')
  queue.add('a')
  queue.add('a')
  expect(queue.depth).toBe(0)
  queue.done('a')
  expect(await drain()).toEqual(['a'])
})

test('changes go before resyncs', async () => {
  queue.add('resync', 'low')
  clock.advance(1)
  queue.add('change', 'high')
  expect(await drain()).toEqual(['change', 'resync'])
})

test('a resync that has waited long enough goes before newer changes', async () => {
  queue.add('resync', 'low')
  clock.advance(5001)
  queue.add('change', 'high')
  expect(await drain()).toEqual(['resync', 'change'])
})

test('what is under way goes before what is new, for as long as new keys age', async () => {
  queue.add('new', 'new')
  clock.advance(29_999)
  queue.add('under way', 'high')
  expect(await queue.take()).toBe('under way')
  clock.advance(2)
  queue.done('under way')
  queue.add('under way', 'high')
  expect(await drain()).toEqual(['new', 'under way'])
})

test('a key that is new and changes while it waits counts as changed', async () => {
  queue.add('a', 'new')
  queue.add('b', 'low')
  queue.add('a', 'high')
  expect(await drain()).toEqual(['a', 'b'])
})

test('a key that changes while it is worked on comes back at the highest priority it was added with', async () => {
  queue.add('a')
  await queue.take()
  for (const priority of ['new', 'high', 'low'] as const) queue.add('a', priority)
  queue.add('b', 'low')
  queue.done('a')
  expect(await drain()).toEqual(['a', 'b'])
})

test('a change to a key that waits for its resync moves it up', async () => {
  queue.add('a', 'low')
  queue.add('b', 'high')
  clock.advance(1)
  queue.add('a', 'high')
  queue.add('c', 'high')
  expect(await drain()).toEqual(['b', 'a', 'c'])
})

test('of several delays for one key the earliest wins', async () => {
  queue.addAfter('a', 500)
  queue.addAfter('a', 100)
  queue.addAfter('a', 900)
  clock.advance(99)
  expect(queue.depth).toBe(0)
  clock.advance(1)
  expect(await drain()).toEqual(['a'])
  clock.advance(2000)
  expect(queue.depth).toBe(0)
})

test('failures of a key are retried later and later, up to a limit, and a success starts over', () => {
  const delays = Array.from({ length: 6 }, () => queue.addRateLimited('a'))
  expect(delays).toEqual([100, 200, 400, 800, 1000, 1000])
  queue.forget('a')
  expect(queue.addRateLimited('a')).toBe(100)
})

test('the backoff of one key does not slow another', () => {
  for (let times = 0; times < 5; times += 1) queue.addRateLimited('failing')
  expect(queue.addRateLimited('other')).toBe(100)
})

test('a retry is not earlier than the server asked for', () => {
  expect(queue.addRateLimited('a', 7000)).toBe(7000)
})

test('closing wakes everybody who waits and forgets what is delayed', async () => {
  const takers = [queue.take(), queue.take()]
  queue.addAfter('later', 10)
  queue.close()
  clock.advance(100)
  expect(await Promise.all(takers)).toEqual([undefined, undefined])
  expect(await queue.take()).toBeUndefined()
  expect(clock.pending).toBe(0)
})

describe('on any interleaving of adds, delays, takes and completions', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key, priority: fc.constantFrom('high', 'low', 'new') }),
    fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ do: fc.constant('addRateLimited' as const), key }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('done' as const), nth: fc.nat(3) }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 400 }) }),
  )

  test('no key is lost, none runs twice at once, waiting keys are unique', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const time = createFakeClock()
        const tested = createWorkQueue({ clock: time, random: () => 0.5, backoff: { baseMs: 50, maxMs: 200 } })
        const working: string[] = []
        /** Keys with an add that no take has answered yet. */
        const owed = new Set<string>()
        const take = async (): Promise<void> => {
          const taken = await tested.take()
          expect(taken).toBeDefined()
          expect(working).not.toContain(taken)
          working.push(taken ?? '')
          owed.delete(taken ?? '')
        }
        for (const action of steps) {
          if (action.do === 'add') tested.add(action.key, action.priority)
          else if (action.do === 'addAfter') tested.addAfter(action.key, action.ms)
          else if (action.do === 'addRateLimited') tested.addRateLimited(action.key)
          else if (action.do === 'advance') time.advance(action.ms)
          else if (action.do === 'take') {
            if (tested.depth > 0) await take()
          } else {
            const [finished] = working.splice(action.nth, 1)
            if (finished !== undefined) tested.done(finished)
          }
          if (action.do === 'add' || action.do === 'addAfter' || action.do === 'addRateLimited') owed.add(action.key)
          expect(tested.depth).toBeLessThanOrEqual(4)
        }
        // Whatever is still owed must come once all work ends and all delays pass.
        for (const finished of working.splice(0)) tested.done(finished)
        time.advance(1000)
        while (tested.depth > 0) await take()
        expect([...owed]).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('a low key is not starved by an endless stream of changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.constantFrom('low', 'new'), async (pauseMs, priority) => {
        const time = createFakeClock()
        const tested = createWorkQueue({ clock: time, agingMs: { low: 1000, new: 1000 } })
        tested.add('low', priority)
        const order: string[] = []
        for (let change = 0; !order.includes('low') && change < 2000; change += 1) {
          tested.add(`change-${change}`)
          tested.add(`more-${change}`)
          time.advance(pauseMs)
          const taken = (await tested.take()) ?? ''
          order.push(taken)
          tested.done(taken)
        }
        // Two keys arrive for each that leaves: those added within the ageing span go first, and only those.
        expect(order.indexOf('low')).toBeLessThanOrEqual(2 * Math.ceil(1000 / pauseMs) + 2)
      }),
    )
  })
})
