/** Deletes Events of ours that are older than spec.maintenance.cleanup.events, where the cluster keeps them so long. */
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { CheckSubject } from './check.ts'

interface EventFields {
  readonly reportingController?: string
  readonly eventTime?: string | null
  readonly series?: { readonly lastObservedTime?: string }
}

/** When an Event last happened, ms since the epoch. */
export function lastSeenAt(event: KubeObject): number {
  const { eventTime, series } = event as unknown as EventFields
  return Date.parse(series?.lastObservedTime ?? eventTime ?? event.metadata.creationTimestamp ?? '')
}

/** Most Events deleted at a time. */
const batch = 50

/** Makes the deletion. Each system is listed at most once per `period` (ms). @param controller our name in `reportingController` @param now ms, monotonic */
export function oldEvents(options: {
  readonly client: Pick<KubeClient, 'list' | 'delete'>
  readonly controller: string
  readonly period: number
  readonly now: () => number
}): {
  readonly deleteEvents: (subject: CheckSubject, maxAge: number, signal: AbortSignal) => Promise<number>
  readonly forget: (key: string) => void
} {
  const listedAt = new Map<string, number>()
  return {
    deleteEvents: async ({ key, observed: { seen } }, maxAge, signal) => {
      const last = listedAt.get(key)
      if (last !== undefined && options.now() - last < options.period) return 0
      listedAt.set(key, options.now())
      const { name, namespace } = seen.bot.metadata
      const fieldSelector = `regarding.kind=TodoChatbot,regarding.name=${name}`
      const { items } = await options.client.list(kinds.Event, { namespace, fieldSelector, limit: 500, signal })
      const old = items
        .filter((event) => (event as unknown as EventFields).reportingController === options.controller)
        .filter((event) => seen.now - lastSeenAt(event) > maxAge)
        .slice(0, batch)
      for (const { metadata } of old) await options.client.delete(kinds.Event, metadata, { uid: metadata.uid, signal })
      return old.length
    },
    forget: (key) => listedAt.delete(key),
  }
}
