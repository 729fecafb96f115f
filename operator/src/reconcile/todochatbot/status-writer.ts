/**
 * Writes statuses, by server-side apply to the status subresource: only when something differs, the first one at once, later ones at least
 * `interval` ms apart. Mere progress is told when it lasts: a start goes through a dozen states within seconds and nobody needs each of
 * them, but what blocks it for longer is what an admin looks for. So progress is written once its summary has stood still for `settle` ms,
 * and at the latest `progressInterval` ms after the last write. What comes too early is not queued: the caller reconciles again when its
 * turn has come and computes a newer one, so the last state wins by itself.
 *
 * Progress is a difference in what can be observed again at any time. What a procedure goes on from (status/steps.ts) is none, nor is the end
 * of an operation: both are written like every other change.
 *
 * A write does not wake the resource it is about, so the writer says when a step was stored with it: then the caller looks again at once, since what
 * comes next waited for that.
 */
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import type { Condition, TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { KubeClient } from '../../kube/client.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import { keyOf, type KubeObject } from '../../kube/object.ts'
import { sameJson } from './same-json.ts'

/** What became of a status. `stepped`: written, and a procedure moved on with it. Times in ms. */
export type StatusWrite = 'unchanged' | 'written' | 'stepped' | { readonly tooEarlyBy: number }

/** What every status has; see api/v1alpha1/conditions.ts. */
export interface AnyStatus {
  readonly observedGeneration?: number
  readonly conditions?: readonly Condition[] | undefined
  readonly summary?: string | undefined
}

/** See the header of this file. */
export interface StatusWriter<Status extends AnyStatus = TodoChatbotStatus> {
  write: (resource: KubeObject, status: Status, signal: AbortSignal) => Promise<StatusWrite>
  /** The resource is gone. */
  forget: (key: string) => void
}

/** What a writer needs. */
export interface StatusWriterDependencies<Status extends AnyStatus = TodoChatbotStatus> {
  readonly client: KubeClient
  readonly fieldManager: string
  /** Told about every version we wrote, so that the cache shows it before the watch does. */
  readonly observe: (written: KubeObject) => void
  /** What procedures go on from; absent where there are none. */
  readonly stepsOf?: (status: Status | undefined) => object
  /** ms, monotonic */
  readonly now: () => number
  /** ms between two writes of one resource */
  readonly interval: number
  /** ms for which the summary has to stay the same before mere progress is told */
  readonly settle: number
  /** ms after the last write after which progress is told in any case */
  readonly progressInterval: number
}

/** What is remembered of a resource; times in ms. */
interface Memory {
  readonly writtenAt: number
  /** The progress that was last too early, and since when it stands. */
  readonly held?: { readonly summary: string | undefined; readonly since: number }
}

/** Makes a writer. It remembers the time of the last write per resource. */
export function statusWriter<Status extends AnyStatus = TodoChatbotStatus>({
  client,
  fieldManager,
  observe,
  now,
  interval,
  settle,
  progressInterval,
  stepsOf = () => ({}),
}: StatusWriterDependencies<Status>): StatusWriter<Status> {
  const memories = new Map<string, Memory>()

  /** When this status may be written. */
  const dueAt = (key: string, before: Status | undefined, after: Status, stepped: boolean): number => {
    const memory = memories.get(key)
    if (memory === undefined) return -Infinity
    if (stepped || !isProgress(before, after)) return memory.writtenAt + interval
    const { summary } = after
    const since = memory.held?.summary === summary ? (memory.held?.since ?? now()) : now()
    memories.set(key, { ...memory, held: { summary, since } })
    return Math.max(memory.writtenAt + interval, Math.min(since + settle, memory.writtenAt + progressInterval))
  }

  return {
    write: async (resource, status, signal) => {
      if (sameJson(resource['status'] ?? {}, status)) return 'unchanged'
      const key = keyOf(resource.metadata)
      const before = resource['status'] as Status | undefined
      const stepped = !sameJson(stepsOf(before), stepsOf(status))
      const tooEarlyBy = dueAt(key, before, status, stepped) - now()
      if (tooEarlyBy > 0) return { tooEarlyBy }
      memories.set(key, { writtenAt: now() })
      const { apiVersion, kind, metadata } = resource
      const { name, namespace } = metadata
      const body = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, status }
      try {
        const { object } = await client.apply(body, { fieldManager, subresource: 'status', signal })
        observe(object)
      } catch (error) {
        // Deleted meanwhile: there is nobody left to tell.
        if (!isNotFound(error)) throw error
      }
      return stepped ? 'stepped' : 'written'
    },
    forget: (key) => memories.delete(key),
  }
}

/** The same generation was under way before and still is, nothing is wrong, and of the rest only what is observed differs. */
function isProgress(before: AnyStatus | undefined, after: AnyStatus): boolean {
  const unknown = (status: AnyStatus | undefined): boolean =>
    findCondition(status?.conditions, 'Ready')?.status === 'Unknown'
  return (
    before?.observedGeneration === after.observedGeneration &&
    unknown(before) &&
    unknown(after) &&
    sameJson(withoutObservations(before), withoutObservations(after))
  )
}

/** Sections that are computed anew from what is observed. */
const observations: readonly string[] = [
  'phase',
  'summary',
  'conditions',
  'services',
  'topics',
  'components',
  'operation',
] satisfies (keyof TodoChatbotStatus)[]

/** Where an operation stands is an observation. Whether there is one is none: nobody should read of one that is over. */
function withoutObservations(status: AnyStatus = {}): object {
  const rest = Object.entries(status).filter(([section]) => !observations.includes(section))
  return { ...Object.fromEntries(rest), isUnderWay: 'operation' in status }
}
