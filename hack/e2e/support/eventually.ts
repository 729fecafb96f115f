import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Repeats `check` until it neither throws nor answers false, and answers what it answered. Expectations inside it read as
 * in any test; the last one that failed is the error when the deadline passes.
 * @param deadline ms
 * @param interval ms between two looks
 */
export async function eventually<T>(
  what: string,
  check: () => Promise<T> | T,
  deadline: number,
  interval = 250,
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + deadline
  for (;;) {
    let last: unknown
    try {
      const answer = await check()
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
    } catch (error) {
      last = error
    }
    if (performance.now() > end) {
      throw new Error(`${what}: not so within ${deadline / 1000} s`, last === undefined ? {} : { cause: last })
    }
    await sleep(interval)
  }
}

/** Looks again and again for `span` ms; fails as soon as `check` throws: for what must stay as it is. */
export async function staysSo(check: () => Promise<unknown>, span: number, interval = 500): Promise<void> {
  const end = performance.now() + span
  while (performance.now() < end) {
    await check()
    await sleep(interval)
  }
}
