import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { createFakeClock } from '../../test/support/fake-clock.ts'
import { eventually } from '../../test/support/eventually.ts'
import { KubeError } from '../kube/kube-error.ts'
import { RetryableError, TerminalError, createController } from './controller.ts'
import type { Controller, ControllerOptions, Reconcile } from './controller.ts'
import { createMetrics } from './metrics.ts'

const metrics = createMetrics()
let stop = new AbortController()
let running: Promise<void> = Promise.resolve()

const start = (reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Controller => {
  stop = new AbortController()
  metrics.registry.resetMetrics()
  const controller = createController(
    { name: 'todochatbot', reconcile, queue: { backoff: { baseMs: 1, maxMs: 4 } }, ...options },
    { metrics, logger: pino({ level: 'silent' }) },
  )
  running = controller.run(stop.signal)
  return controller
}

const resultsOf = async (): Promise<Record<string, number>> => {
  const { values } = await metrics.reconcileTotal.get()
  return Object.fromEntries(values.map(({ labels, value }) => [labels.result, value]))
}

const ref = { namespace: 'todo-app', name: 'todo' }

afterEach(async () => {
  stop.abort(new Error('shutdown'))
  await running
})

test('a reconcile gets the namespace and name, and is counted as a success', async () => {
  const requests: unknown[] = []
  const controller = start((request) => {
    requests.push(request)
    return Promise.resolve({ kind: 'done' })
  })
  controller.enqueue(ref)
  await eventually(async () => {
    expect(requests).toEqual([ref])
    expect(await resultsOf()).toMatchObject({ success: 1, error: 0 })
  })
})

test('one resource is never reconciled twice at once, different ones are', async () => {
  const active = new Map<string, number>()
  let overlap = 0
  let mostTogether = 0
  let reconciles = 0
  const controller = start(
    async ({ name }) => {
      active.set(name, (active.get(name) ?? 0) + 1)
      overlap = Math.max(overlap, active.get(name) ?? 0)
      mostTogether = Math.max(
        mostTogether,
        [...active.values()].reduce((sum, count) => sum + count, 0),
      )
      await new Promise((resolve) => setImmediate(resolve))
      active.set(name, (active.get(name) ?? 0) - 1)
      reconciles += 1
      return { kind: 'done' }
    },
    { concurrency: 4 },
  )
  for (let round = 0; round < 20; round += 1)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) controller.enqueue({ namespace: 'x', name })
  await eventually(() => {
    expect(reconciles).toBeGreaterThanOrEqual(6)
    expect([...active.values()].every((count) => count === 0)).toBe(true)
  })
  expect(overlap).toBe(1)
  expect(mostTogether).toBe(4)
})

test('errors are retried until the reconcile succeeds', async () => {
  let tries = 0
  const controller = start(() => {
    tries += 1
    if (tries < 4) throw new RetryableError('TDC_TEST', 'not yet')
    return Promise.resolve({ kind: 'done' })
  })
  controller.enqueue(ref)
  await eventually(async () => {
    expect(await resultsOf()).toMatchObject({ success: 1, error: 3 })
  })
})

test('a terminal error is not retried until the resource is enqueued again', async () => {
  let tries = 0
  const controller = start(() => {
    tries += 1
    throw new TerminalError('TDC_SPEC_INVALID', 'wrong for good')
  })
  controller.enqueue(ref)
  controller.enqueueAfter({ namespace: 'todo-app', name: 'other' }, 30)
  await eventually(() => {
    // The other key came later than any backoff of the first would have.
    expect(tries).toBe(2)
  })
  controller.enqueue(ref)
  await eventually(() => {
    expect(tries).toBe(3)
  })
})

test('a retry waits at least as long as the API server asked for', async () => {
  const times: number[] = []
  const controller = start(() => {
    times.push(performance.now())
    if (times.length === 1) {
      throw new KubeError({ status: 429, reason: 'TooManyRequests', message: '', retryAfterMs: 60 })
    }
    return Promise.resolve({ kind: 'done' })
  })
  controller.enqueue(ref)
  await eventually(() => {
    expect(times).toHaveLength(2)
  })
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(55)
})

test('"again" looks once more without counting as a failure', async () => {
  let looks = 0
  const controller = start(() => {
    looks += 1
    return Promise.resolve(looks === 1 ? { kind: 'again', afterMs: 5 } : { kind: 'wait', reason: 'nothing to do' })
  })
  controller.enqueue(ref)
  await eventually(async () => {
    expect(await resultsOf()).toMatchObject({ requeue_after: 1, success: 1, error: 0 })
  })
})

test('a reconcile that overruns its deadline is aborted and tried again', async () => {
  const reasons: unknown[] = []
  const controller = start(
    (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push((signal.reason as RetryableError).code)
          reject(signal.reason as Error)
        })
      }),
    { deadlineMs: 10 },
  )
  controller.enqueue(ref)
  await eventually(() => {
    expect(reasons.slice(0, 2)).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
  })
})

test('stopping lets the running reconcile end, tells it, and starts no other', async () => {
  const seen: string[] = []
  const controller = start(
    ({ name }, { signal }) =>
      new Promise((resolve) => {
        seen.push(name)
        signal.addEventListener('abort', () => {
          seen.push('told')
          resolve({ kind: 'done' })
        })
      }),
    { concurrency: 1 },
  )
  controller.enqueue(ref)
  controller.enqueue({ namespace: 'todo-app', name: 'second' })
  await eventually(() => {
    expect(seen).toEqual(['todo'])
  })
  stop.abort(new Error('shutdown'))
  await running
  expect(seen).toEqual(['todo', 'told'])
})

test('a reconcile that hangs shows in the metrics while it hangs, and not any more when it has ended', async () => {
  const clock = createFakeClock()
  const ends = new Map<string, () => void>()
  const controller = start(
    ({ name }) => new Promise((resolve) => ends.set(name, () => resolve({ kind: 'wait', reason: 'nothing to do' }))),
    { queue: { clock } },
  )
  const underWay = async (): Promise<readonly (number | undefined)[]> => {
    const text = await metrics.registry.metrics()
    return ['unfinished_work_seconds', 'longest_running_processor_seconds'].map((name) => {
      const value = new RegExp(`^workqueue_${name}\\{name="todochatbot"\\} (.+)$`, 'm').exec(text)?.[1]
      return value === undefined ? undefined : Number(value)
    })
  }
  const hangs = (name: string): Promise<void> => {
    controller.enqueue({ namespace: 'todo-app', name })
    return eventually(() => {
      expect(ends.has(name)).toBe(true)
    })
  }
  expect(await underWay()).toEqual([0, 0])
  await hangs('first')
  clock.advance(3_000)
  await hangs('second')
  clock.advance(2_000)
  expect(await underWay()).toEqual([7, 5])
  ends.get('first')?.()
  await eventually(async () => {
    expect(await underWay()).toEqual([2, 2])
  })
  ends.get('second')?.()
  await eventually(async () => {
    expect(await underWay()).toEqual([0, 0])
  })
})
