import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { anObserved } from '../../../test/support/observed.ts'
import { found, passed, type CheckFamily, type CheckSubject, type Outcome } from './check.ts'
import { checkWatch, type CheckReport, type CheckWatch } from './check-watch.ts'

const observed = anObserved()

describe('the watch of the routine checks', () => {
  let watch: CheckWatch
  let rounds: string[]
  let changed: string[]
  let open: number
  let mostOpen: number
  let outcome: Outcome
  /** What a reconcile does: it declares again whenever it is woken. */
  let requests: Map<string, string>
  let reports: Map<string, CheckReport | undefined>
  const interval = 300_000

  const declare = (key: string, answered?: string): void => {
    const subject = (): CheckSubject => ({ key, observed, desired: [] })
    reports.set(key, watch.ensure(key, { interval, request: requests.get(key), answered, subject }))
  }
  const family: CheckFamily = {
    names: ['outbox'],
    check: async ({ key }) => {
      rounds.push(key)
      open += 1
      mostOpen = Math.max(mostOpen, open)
      await new Promise((resolve) => setTimeout(resolve, 50))
      open -= 1
      return { outcomes: [outcome] }
    },
  }
  const broken: CheckFamily = { names: ['storage'], check: () => Promise.reject(new Error('connect ECONNREFUSED')) }

  beforeEach(() => {
    vi.useFakeTimers()
    ;[rounds, changed, open, mostOpen] = [[], [], 0, 0]
    ;[requests, reports] = [new Map(), new Map()]
    outcome = passed('outbox')
    watch = checkWatch({
      families: [family, broken],
      onChange: (key) => {
        changed.push(key)
        declare(key)
      },
      onRound: () => undefined,
      spread: 10_000,
      retry: 60_000,
      deadline: 5_000,
      parallel: 2,
    })
  })
  afterEach(async () => {
    const stopped = watch.stop()
    await vi.advanceTimersByTimeAsync(100)
    await stopped
    vi.useRealTimers()
  })
  const pass = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms)
  }

  test('runs the first round soon and then one every interval; a family that fails leaves its checks Unknown', async () => {
    declare('a')
    expect(reports.get('a')).toBeUndefined()
    await pass(11_000)
    expect(rounds).toEqual(['a'])
    expect(reports.get('a')?.outcomes).toEqual([passed('outbox'), found('storage', 'Unknown', 'connect ECONNREFUSED')])
    await pass(3 * interval)
    expect(rounds.length).toBeGreaterThanOrEqual(3)
    expect(rounds.length).toBeLessThanOrEqual(5)
  })

  test('looks again every minute while a check has failed', async () => {
    outcome = found('outbox', 'Failed', 'the oldest event waits')
    declare('a')
    await pass(11_000 + 5 * 66_000)
    expect(rounds.length).toBeGreaterThanOrEqual(5)
  })

  test('answers a request at once, by a round that began after it', async () => {
    declare('a')
    await pass(11_000)
    requests.set('a', 'now')
    declare('a')
    await pass(20)
    requests.set('a', 'again')
    declare('a')
    await pass(200)
    expect(rounds).toHaveLength(3)
    expect(reports.get('a')?.request).toBe('again')
    // The value is answered: declaring it again asks for nothing.
    declare('a', 'again')
    await pass(1_000)
    expect(rounds).toHaveLength(3)
  })

  test('answers a request that an earlier process left unanswered', async () => {
    requests.set('a', 'now')
    declare('a', 'earlier')
    await pass(100)
    expect(rounds).toEqual(['a'])
  })

  test('keeps the number of rounds at once within its limit, and forgets a system that is gone', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) declare(key)
    await pass(15_000)
    expect(new Set(rounds).size).toBe(5)
    expect(mostOpen).toBeLessThanOrEqual(2)
    for (const key of ['a', 'b', 'c', 'd', 'e']) watch.release(key)
    const before = rounds.length
    await pass(2 * interval)
    expect(rounds).toHaveLength(before)
  })
})
