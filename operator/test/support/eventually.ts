import { setTimeout as delay } from 'node:timers/promises'

/**
 * Polls until the assertion holds, and fails with its last error at the deadline (ms). For state that another process or a
 * background loop brings about.
 */
export const eventually = async <T>(assertion: () => T | Promise<T>, deadlineMs = 20_000): Promise<T> => {
  const end = performance.now() + deadlineMs
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() > end) throw error
      await delay(5)
    }
  }
}
