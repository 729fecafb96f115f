import { setTimeout as delay } from 'node:timers/promises'

/** Bounds of an exponential backoff, in ms. */
export interface BackoffBounds {
  readonly baseMs: number
  readonly maxMs: number
}

/** Upper bound of the delay before try number `attempt` (0 for the first retry): base · 2^attempt, capped. */
export const exponential = (attempt: number, { baseMs, maxMs }: BackoffBounds): number =>
  Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30))

/**
 * Full jitter: anything between 0 and the exponential bound, but never less than the server asked for. Spreads many clients
 * best after a common failure (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
export const fullJitter = (attempt: number, bounds: BackoffBounds, random: () => number, minimumMs = 0): number =>
  minimumMs + Math.floor(random() * exponential(attempt, bounds))

/** Resolves after `ms`, or at once when the signal aborts; callers check the signal. */
export const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
