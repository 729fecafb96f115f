/** Wakes one sleeper early. */
export interface Doorbell {
  readonly ring: () => void
  /** Ends when somebody rang since the last wait, after `ms`, or on abort. `ms` 0 waits for a ring only. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Makes a doorbell. A ring that nobody waits for is kept for the next wait. */
export function doorbell(): Doorbell {
  let rung = false
  let open: (() => void) | undefined
  return {
    ring: () => {
      rung = true
      open?.()
    },
    wait: async (ms, signal) => {
      if (!rung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<undefined>()
        const done = (): void => {
          resolve(undefined)
        }
        open = done
        signal.addEventListener('abort', done, { once: true })
        const timer = ms > 0 ? setTimeout(done, ms) : undefined
        await promise
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        open = undefined
      }
      rung = false
    },
  }
}
