/**
 * A queue of keys that makes level-based reconciling safe and cheap. After client-go's workqueue and controller-runtime's
 * priority queue.
 *
 * A key is in any of three places: *waiting* (ready, in the line of its priority), *delayed* (a timer adds it later), *working*
 * (handed out by `take`, until `done`). Invariants:
 * 1. No key is lost: after the last `add(k)` there is a `take` that returns k and starts later than that `add`.
 * 2. No key is handed out twice at once: an `add` during work marks the key dirty, and `done` puts it back in line.
 * 3. Adding a waiting key again costs nothing: a thousand changes make one reconcile.
 * 4. No starvation: a key of lower priority is treated like a high one added later, by the ageing of its priority. It yields to
 *    changes of that span, not to an endless stream of them.
 *
 * What is new waits longest: of a hundred resources that arrive together the first are ready before the last are begun, and
 * those in between need not be told how far they are.
 *
 * Each line is ordered by that effective time, hence insertion order, hence a Map per line and a comparison of heads suffice.
 * Time and timers are injected. Proof: workqueue.test.ts checks the four invariants on random interleavings (fast-check).
 */
import type { BackoffBounds } from '../kube/backoff.ts'
import { createKeyBackoff } from './backoff.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'

/** `high`: something changed. `low`: resyncs and the first list. `new`: nothing was begun for it yet. */
export type Priority = 'high' | 'low' | 'new'

/** Deduplicating queue of keys; no key is ever handed out twice at once. */
export interface WorkQueue {
  /** Adds a key now; a key that is waiting keeps its place or moves up, a key being processed is processed once more after. */
  add: (key: string, priority?: Priority) => void
  /** Adds a key after a delay in ms; of several delays for one key the earliest wins. */
  addAfter: (key: string, delayMs: number, priority?: Priority) => void
  /** Adds a key after its own exponential backoff, at least `minimumMs` (a server's Retry-After). Returns the delay in ms. */
  addRateLimited: (key: string, minimumMs?: number) => number
  /** Ends the backoff of a key after a success. */
  forget: (key: string) => void
  /** The next key; undefined when the queue is closed. The key stays locked until {@link WorkQueue.done}. */
  take: () => Promise<string | undefined>
  done: (key: string) => void
  /** Keys ready now. */
  readonly depth: number
  /** For how long the keys that are handed out have been worked on, in ms, as of now; in the order in which they were taken. */
  readonly working: readonly number[]
  /** Drops what waits and wakes all takers with undefined. */
  close: () => void
}

/** Told of what happens, for metrics. Times in ms. */
export interface WorkQueueObserver {
  readonly added?: () => void
  readonly retried?: () => void
  readonly taken?: (waitedMs: number) => void
  readonly finished?: (workedMs: number) => void
  readonly depth?: (depth: number) => void
}

/** Everything that may be chosen; times in ms. */
export interface WorkQueueOptions {
  /** Default 50 to 300 000. */
  readonly backoff?: BackoffBounds
  /** How much later than a high one a key counts. Default 5000 for low, 300 000 for new. */
  readonly agingMs?: Readonly<Record<Exclude<Priority, 'high'>, number>>
  readonly clock?: Clock
  readonly random?: () => number
  readonly observer?: WorkQueueObserver
}

const priorities: readonly Priority[] = ['high', 'low', 'new']

/** The head of a line, with its effective time. */
interface Waiting {
  readonly priority: Priority
  readonly key: string
  readonly effective: number
}

interface Delay {
  readonly at: number
  readonly priority: Priority
  readonly cancel: () => void
}

/** Makes an empty queue. */
export const createWorkQueue = (options: WorkQueueOptions = {}): WorkQueue => {
  const { clock = systemClock, observer = {} } = options
  const aging: Readonly<Record<Priority, number>> = { high: 0, ...(options.agingMs ?? { low: 5_000, new: 300_000 }) }
  const backoff = createKeyBackoff(options.backoff ?? { baseMs: 50, maxMs: 300_000 }, options.random)
  /** Key to effective time; see the head of this file. */
  const lines: Record<Priority, Map<string, number>> = { high: new Map(), low: new Map(), new: new Map() }
  const working = new Map<string, { readonly since: number; dirty: Priority | undefined }>()
  const delayed = new Map<string, Delay>()
  const takers: ((key: string | undefined) => void)[] = []
  let closed = false

  const depth = (): number => priorities.reduce((sum, priority) => sum + lines[priority].size, 0)

  const first = (): Waiting | undefined => {
    let best: Waiting | undefined
    for (const priority of priorities) {
      const head = lines[priority].entries().next().value
      if (head === undefined || (best !== undefined && best.effective <= head[1])) continue
      best = { priority, key: head[0], effective: head[1] }
    }
    return best
  }

  const handOut = (): void => {
    while (takers.length > 0) {
      const head = first()
      if (head === undefined) return
      const { key, effective, priority } = head
      lines[priority].delete(key)
      const now = clock.now()
      working.set(key, { since: now, dirty: undefined })
      observer.taken?.(now - (effective - aging[priority]))
      observer.depth?.(depth())
      takers.shift()?.(key)
    }
  }

  const add = (key: string, priority: Priority = 'high'): void => {
    if (closed) return
    const work = working.get(key)
    if (work !== undefined) {
      if (work.dirty === undefined || aging[priority] < aging[work.dirty]) work.dirty = priority
      return
    }
    const effective = clock.now() + aging[priority]
    const line = priorities.find((one) => lines[one].has(key))
    if (line !== undefined) {
      // What has aged past the present keeps its better place.
      if ((lines[line].get(key) ?? 0) <= effective) return
      lines[line].delete(key)
    }
    lines[priority].set(key, effective)
    observer.added?.()
    observer.depth?.(depth())
    handOut()
  }

  const addAfter = (key: string, delayMs: number, priority: Priority = 'high'): void => {
    if (closed) return
    if (delayMs <= 0) {
      add(key, priority)
      return
    }
    const at = clock.now() + delayMs
    const pending = delayed.get(key)
    if (pending !== undefined && pending.at <= at) return
    pending?.cancel()
    const fire = (): void => {
      delayed.delete(key)
      add(key, priority)
    }
    delayed.set(key, { at, priority, cancel: clock.after(delayMs, fire) })
  }

  return {
    add,
    addAfter,
    addRateLimited: (key, minimumMs = 0) => {
      const delayMs = Math.max(minimumMs, backoff.next(key))
      observer.retried?.()
      addAfter(key, delayMs)
      return delayMs
    },
    forget: backoff.forget,
    take: () =>
      closed
        ? Promise.resolve(undefined)
        : new Promise((resolve) => {
            takers.push(resolve)
            handOut()
          }),
    done: (key) => {
      const work = working.get(key)
      if (work === undefined) return
      working.delete(key)
      observer.finished?.(clock.now() - work.since)
      if (work.dirty !== undefined) add(key, work.dirty)
    },
    get depth() {
      return depth()
    },
    get working() {
      const now = clock.now()
      return [...working.values()].map(({ since }) => now - since)
    },
    close: () => {
      closed = true
      for (const { cancel } of delayed.values()) cancel()
      delayed.clear()
      for (const priority of priorities) lines[priority].clear()
      observer.depth?.(0)
      for (const wake of takers.splice(0)) wake(undefined)
    },
  }
}
