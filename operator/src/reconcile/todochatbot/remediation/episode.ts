/**
 * What status.remediation says about one worker. The ledger is the only memory: it holds the newest actions, so what is read here is the same
 * before and after a restart of the operator. Pure.
 */
import type { RemediationStatus } from '../../../api/v1alpha1/schema/status.ts'

/** A worker that was healthy for so long (ms) after an action starts at the bottom of the ladder again. */
export const episodeEnd = 60 * 60_000

/** The longest pause between two actions on one worker, in ms. */
const longestPause = 60 * 60_000

/** Nobody knows how an action ends that is in one of these states. */
export const isUnderWay = ({ state }: Pick<RemediationStatus, 'state'>): boolean =>
  state === 'Evidence' || state === 'Acting' || state === 'Observing'

/** Who asks. */
export interface EpisodeOf {
  readonly worker: string
  readonly generation: number
  /** Since when the worker is unhealthy, in ms since the epoch. */
  readonly since: number
}

/** The newest action on a worker that was carried out or tried, if it belongs to the trouble it has now: not when the spec was edited or it was healthy in between. */
export function lastOfEpisode(
  ledger: readonly RemediationStatus[],
  { worker, generation, since }: EpisodeOf,
): RemediationStatus | undefined {
  const last = ledger.find((entry) => entry.worker === worker && entry.state !== 'Cancelled')
  if (last === undefined || last.generation !== generation) return undefined
  return since - timeOf(last.finishedAt ?? last.startedAt) >= episodeEnd ? undefined : last
}

/** When the next action on a worker may begin: after `pause` ms, doubled with each action of the episode. */
export function pauseEnds(last: RemediationStatus, pause: number): number {
  const steps = Math.min(last.step ?? 1, 16)
  return timeOf(last.finishedAt ?? last.startedAt) + Math.min(longestPause, pause * 2 ** (steps - 1))
}

/** Actions of the last hour over all workers; when the oldest of them stops counting. */
export function hourOf(
  ledger: readonly RemediationStatus[],
  now: number,
): { readonly actions: number; readonly freeAt: number } {
  const starts = ledger.map(({ startedAt }) => timeOf(startedAt)).filter((at) => at > now - hour)
  return { actions: starts.length, freeAt: Math.min(...starts) + hour }
}

const hour = 60 * 60_000

/** ms since the epoch of a time in a status. */
export const timeOf = (time: string): number => Date.parse(time)
