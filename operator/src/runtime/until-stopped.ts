import type { Runnable } from './manager.ts'

/** A part that has no loop of its own: it lives until it is stopped. `start` may do something once meanwhile. */
export function untilStopped(
  name: string,
  stop: () => Promise<void>,
  start?: (signal: AbortSignal) => Promise<void>,
): Runnable {
  return {
    name,
    run: async (signal) => {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      if (signal.aborted) resolve(undefined)
      await Promise.all([
        promise,
        start?.(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
        }),
      ])
      await stop()
    },
  }
}
