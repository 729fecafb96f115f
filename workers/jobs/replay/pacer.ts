import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when the next delivery may begin; rejects when the signal aborts. */
export type Pacer = (signal: AbortSignal) => Promise<void>

/**
 * Lets at most `rate` callers a second through, evenly: a replay must not come in bursts, because the worker is serving live events. Time that
 * went by unused is not saved up. `now` in ms, monotonic.
 */
export const createPacer = (
  rate: number,
  now: () => number,
  wait: (ms: number, signal: AbortSignal) => Promise<unknown> = (ms, signal) => sleep(ms, undefined, { signal }),
): Pacer => {
  const interval = 1000 / rate
  let next = -Infinity
  return async (signal) => {
    signal.throwIfAborted()
    const at = Math.max(next, now())
    next = at + interval
    const left = at - now()
    if (left > 0) await wait(left, signal)
  }
}
