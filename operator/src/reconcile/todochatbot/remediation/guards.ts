/**
 * When nothing is done although a worker is unhealthy. Each guard answers with words for `status.services[].unhealthy.because`, and with the
 * time at which it may answer otherwise, when that is known. Pure. Proof: guards in step.test.ts.
 */
import { countOf, type IntOrPercent } from '../../../api/v1alpha1/schema/int-or-percent.ts'
import type { Storm } from '../../../api/v1alpha1/schema/status.ts'
import { timestamp } from '../status/operation.ts'
import { timeOf } from './episode.ts'

/** How many workers run, and how they are. */
export interface Census {
  readonly total: number
  readonly healthy: number
  /** Unhealthy for longer than `unhealthyAfter`. */
  readonly failed: number
}

/** Fewer workers are healthy than `minHealthy` asks for: whatever it is, it is not one worker. */
export const tooFewHealthy = ({ total, healthy }: Census, minHealthy: IntOrPercent): boolean =>
  healthy < countOf(minHealthy, total)

/** What a storm depends on. */
export interface Weather {
  readonly before: Storm | undefined
  readonly census: Census
  readonly minHealthy: IntOrPercent
  /** ms */
  readonly cooldown: number
  /** A known cause outside explains it: no storm of its own. */
  readonly explained: boolean
  /** ms since the epoch */
  readonly now: number
}

/** The storm as it is now: begins when too many workers have failed for good, ends `cooldown` after enough are healthy again. */
export function stormAfter({ before, census, minHealthy, cooldown, explained, now }: Weather): Storm | undefined {
  const few = tooFewHealthy(census, minHealthy)
  if (before === undefined) {
    const many = census.failed > census.total - countOf(minHealthy, census.total)
    return few && many && !explained ? { since: timestamp(now) } : undefined
  }
  if (few) return { since: before.since }
  const until = before.until ?? timestamp(now + cooldown)
  return now >= timeOf(until) ? undefined : { since: before.since, until }
}
