import { setTimeout as sleep } from 'node:timers/promises'

/** A limit of bytes per second that several streams share. */
export interface Throttle {
  /** Resolves when `bytes` may pass. Rejects when the signal is aborted. */
  take(bytes: number, signal: AbortSignal): Promise<void>
}

/** Time as a throttle sees it; tests bring their own. */
export interface ThrottleClock {
  /** ms, monotonic. */
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The clock of the machine. */
export const systemClock: ThrottleClock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
}

/** How long a stream that stood still may make up for it, ms. */
const burst = 1_000

/** Lets everything pass. */
export const unthrottled: Throttle = { take: () => Promise.resolve() }

/** Spaces bytes out evenly: who comes later waits for what was taken before. */
export const createThrottle = (bytesPerSecond: number, clock: ThrottleClock): Throttle => {
  let freeAt = clock.now()
  return {
    take: async (bytes, signal) => {
      const now = clock.now()
      freeAt = Math.max(freeAt, now - burst) + (bytes / bytesPerSecond) * 1_000
      if (freeAt > now) await clock.sleep(freeAt - now, signal)
    },
  }
}
