/**
 * What to do about one Replay now. Pure, and read from what is stored: the Replay, its Job and its pods, the other Replays, the system. So the
 * operator may die at any time, and the next one decides the same.
 *
 *     Pending ── nothing in the way ──> Job ──> Running ──> Job ends ──> Succeeded | PartiallySucceeded | Failed
 *        ^                                        │ paused, or the worker is isolated or being restored
 *        └────── no pod is left ──── hold <───────┘                      aborted, from anywhere: no pod is left ──> Aborted
 *
 * Invariants
 * - On one worker at most one Replay has a Job or a pod. Of several that could start, the oldest does; one controller with one thread decides.
 * - A hold removes the Job and counts only when its last pod is gone; what is delivered until then is delivered.
 * - Every phase but the final ones ends at status.deadline, pauses included.
 * Proof: decide.test.ts.
 */
import type { Replay } from '../../api/v1alpha1/replay.ts'
import { isOver } from '../../api/v1alpha1/replay.ts'
import type { JobView, PodView } from '../todochatbot/views.ts'

/** Something that comes first, and whether it also ends what runs. */
export interface Obstacle {
  /** One line, such as `waits until the isolation of audit ends`. */
  readonly line: string
  readonly interrupts: boolean
}

/** What is looked at. */
export interface ReplaySeen {
  readonly replay: Replay
  /** Its own; undefined when there is none, or one that is being deleted. */
  readonly job: JobView | undefined
  /** The Job is being deleted and still there. */
  readonly jobLeaving: boolean
  /** Its own. */
  readonly pods: readonly PodView[]
  /** Isolation, restore, backup, or a system that is not there. */
  readonly obstacle: Obstacle | undefined
  /** Unfinished Replays to the same worker, this one left out. */
  readonly others: readonly Rival[]
  /** ms since the epoch */
  readonly now: number
}

/** Another Replay to the same worker. */
export interface Rival {
  readonly name: string
  /** RFC 3339 */
  readonly createdAt: string
  /** It has a Job or a pod. */
  readonly active: boolean
  /** It would start if it could: neither paused nor aborted. */
  readonly willing: boolean
}

/** What to do. */
export type Decision =
  | { readonly do: 'begin' }
  | { readonly do: 'start' }
  | { readonly do: 'wait'; readonly line: string }
  | { readonly do: 'watch' }
  /** Remove the Job; `then` is where that leads once nothing is left. */
  | {
      readonly do: 'hold'
      readonly then: 'Paused' | 'Pending' | 'Aborted' | 'Failed'
      readonly line: string
      readonly settled: boolean
    }
  | { readonly do: 'conclude' }

/** Decides. */
export function decide(seen: ReplaySeen): Decision {
  const { replay, job, obstacle, now } = seen
  const { spec, status } = replay
  if (status?.startedAt === undefined) return { do: 'begin' }
  if (isOver(status) || (job !== undefined && job.state !== 'Running')) return { do: 'conclude' }
  const settled = job === undefined && !seen.jobLeaving && seen.pods.every((pod) => !isAlive(pod))
  const hold = (then: 'Paused' | 'Pending' | 'Aborted' | 'Failed', line: string): Decision => ({
    do: 'hold',
    then,
    line,
    settled,
  })
  if (spec.aborted) return hold('Aborted', 'Aborted')
  if (now >= Date.parse(status.deadline ?? ''))
    return hold('Failed', `not done within ${spec.deadline}: ${status.summary ?? 'it was not begun'}`)
  if (spec.paused) return hold('Paused', 'Paused')
  if (obstacle?.interrupts === true) return hold('Pending', obstacle.line)
  if (job !== undefined) return { do: 'watch' }
  if (!settled) return { do: 'wait', line: 'waits until the pod of before is gone' }
  if (obstacle !== undefined) return { do: 'wait', line: obstacle.line }
  const first = seen.others.find((other) => other.active || (other.willing && isBefore(other, replay)))
  return first === undefined
    ? { do: 'start' }
    : { do: 'wait', line: `waits for Replay/${first.name}, which is about the same worker` }
}

/** Whether a pod may still deliver something. */
export const isAlive = ({ phase }: Pick<PodView, 'phase'>): boolean => phase !== 'Succeeded' && phase !== 'Failed'

const isBefore = (other: Rival, { metadata }: Replay): boolean => {
  const mine = metadata.creationTimestamp ?? ''
  return other.createdAt === mine ? other.name < metadata.name : other.createdAt < mine
}
