/** What became of the requests and events that were handled lately. */
export interface RecentOutcomes {
  record(succeeded: boolean): void
  /** Of the last {@link outcomesWindow}. */
  counts(): { readonly handled: number; readonly failed: number }
}

/** What is looked back on, ms. */
export const outcomesWindow = 60_000
/** The window moves in steps, ms: counting costs no memory per request. */
const step = 5_000

/** Counts from now on. @param now monotonic, ms */
export const createRecentOutcomes = (now: () => number): RecentOutcomes => {
  let steps: { at: number; handled: number; failed: number }[] = []
  const current = (): number => Math.floor(now() / step)
  const drop = (): void => {
    const oldest = current() - outcomesWindow / step
    if ((steps[0]?.at ?? Infinity) <= oldest) steps = steps.filter(({ at }) => at > oldest)
  }
  return {
    record: (succeeded) => {
      drop()
      const at = current()
      let last = steps.at(-1)
      if (last?.at !== at) steps.push((last = { at, handled: 0, failed: 0 }))
      last.handled += 1
      if (!succeeded) last.failed += 1
    },
    counts: () => {
      drop()
      return steps.reduce(
        (sum, { handled, failed }) => ({ handled: sum.handled + handled, failed: sum.failed + failed }),
        { handled: 0, failed: 0 },
      )
    },
  }
}
