/**
 * Writes statuses, by server-side apply to the status subresource: only when something differs, the first one at once, later ones at least
 * `interval` ms apart, and mere progress at least `progressInterval`: a start goes through a dozen states within seconds, and nobody needs
 * each of them. What comes too early is not queued: the caller reconciles again when its turn has come and computes a newer one, so the last
 * state wins by itself.
 */
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import { canonicalJson } from '../../desired/hash.ts'
import type { KubeClient } from '../../kube/client.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import { keyOf, type KubeObject } from '../../kube/object.ts'

/** What became of a status. */
export type StatusWrite = 'unchanged' | 'written' | { readonly tooEarlyBy: number }

/** See the header of this file. */
export interface StatusWriter {
  write: (resource: KubeObject, status: TodoChatbotStatus, signal: AbortSignal) => Promise<StatusWrite>
  /** The resource is gone. */
  forget: (key: string) => void
}

/** What a writer needs. */
export interface StatusWriterDependencies {
  readonly client: KubeClient
  readonly fieldManager: string
  /** Told about every version we wrote, so that the cache shows it before the watch does. */
  readonly observe: (written: KubeObject) => void
  /** ms, monotonic */
  readonly now: () => number
  /** ms between two writes of one resource */
  readonly interval: number
  /** The same, while nothing but progress is to be told */
  readonly progressInterval: number
}

/** Makes a writer. It remembers the time of the last write per resource. */
export function statusWriter({
  client,
  fieldManager,
  observe,
  now,
  interval,
  progressInterval,
}: StatusWriterDependencies): StatusWriter {
  const writtenAt = new Map<string, number>()
  return {
    write: async (resource, status, signal) => {
      if (canonicalJson(resource['status'] ?? {}) === canonicalJson(status)) return 'unchanged'
      const key = keyOf(resource.metadata)
      const pause = isProgress(resource['status'] as TodoChatbotStatus | undefined, status)
        ? progressInterval
        : interval
      const tooEarlyBy = (writtenAt.get(key) ?? -Infinity) + pause - now()
      if (tooEarlyBy > 0) return { tooEarlyBy }
      writtenAt.set(key, now())
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
      return 'written'
    },
    forget: (key) => writtenAt.delete(key),
  }
}

/** The same generation was under way before and still is, and nothing is wrong. */
function isProgress(before: TodoChatbotStatus | undefined, after: TodoChatbotStatus): boolean {
  const unknown = (status: TodoChatbotStatus | undefined): boolean =>
    findCondition(status?.conditions, 'Ready')?.status === 'Unknown'
  return before?.observedGeneration === after.observedGeneration && unknown(before) && unknown(after)
}
