/** Time as the runtime needs it; tests bring their own. */
export interface Clock {
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Calls back once after `ms`; returns the function that cancels. */
  readonly after: (ms: number, callback: () => void) => () => void
}

/** Timers do not keep the process alive: whoever waits for them has a signal of its own. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
