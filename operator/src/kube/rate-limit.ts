import { sleep } from './backoff.ts'

/** A token bucket: `perSecond` on average, `burst` at once. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

/**
 * Makes a function that waits for its turn, first come first served. Returns at once when the signal aborts.
 * `now` counts milliseconds.
 */
export const createRateLimiter = (
  { perSecond, burst }: RateLimit,
  now: () => number = () => performance.now(),
): ((signal: AbortSignal) => Promise<void>) => {
  /** Time at which the bucket would be full; reservations push it into the future. */
  let fullAt = now()
  const interval = 1000 / perSecond
  return async (signal) => {
    const present = now()
    fullAt = Math.max(fullAt, present) + interval
    const wait = fullAt - present - burst * interval
    if (wait > 0) await sleep(wait, signal)
  }
}
