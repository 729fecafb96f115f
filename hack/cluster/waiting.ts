import { setTimeout as sleep } from 'node:timers/promises'

/** A condition that did not come true before its deadline; the message says what was awaited and what was seen last. */
export class DeadlineError extends Error {
  constructor(what: string, timeout: number, last: string) {
    super(`${what}: not so after ${(timeout / 1000).toFixed(0)} s${last === '' ? '' : `; last seen: ${last}`}`)
    this.name = 'DeadlineError'
  }
}

/** Limits of a wait. */
export interface WaitOptions {
  /** Milliseconds until DeadlineError. */
  readonly timeout: number
  /** Milliseconds between two looks; default 200. */
  readonly interval?: number
  readonly signal?: AbortSignal
}

/**
 * Asks `look` until it answers something other than undefined; an error it throws counts as "not yet".
 * @throws DeadlineError with the last error seen.
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T> {
  const end = performance.now() + options.timeout
  let last = ''
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      const seen = await look()
      if (seen !== undefined) return seen
    } catch (error) {
      if (error instanceof FatalError) throw error
      last = error instanceof Error ? error.message : String(error)
    }
    if (performance.now() > end) throw new DeadlineError(what, options.timeout, last)
    await sleep(options.interval ?? 200, undefined, options.signal ? { signal: options.signal } : {})
  }
}

/** Thrown by a `look` to end the wait at once: what is awaited can no longer come true. */
export class FatalError extends Error {
  override name = 'FatalError'
}
