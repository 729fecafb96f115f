import type { Clock } from '../../src/runtime/clock.ts'

/** A clock that stands still until it is advanced; timers fire in order during `advance`. */
export interface FakeClock extends Clock {
  advance: (ms: number) => void
  /** Timers not fired and not cancelled. */
  readonly pending: number
}

/** Makes a clock at time 0. */
export const createFakeClock = (): FakeClock => {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  let present = 0
  return {
    now: () => present,
    after: (ms, callback) => {
      const timer = { at: present + ms, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (ms) => {
      const end = present + ms
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((left, right) => left.at - right.at)[0]
        if (due === undefined) break
        timers.delete(due)
        present = due.at
        due.callback()
      }
      present = end
    },
    get pending() {
      return timers.size
    },
  }
}
