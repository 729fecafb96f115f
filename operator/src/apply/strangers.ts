import type { KubeClient } from '../kube/client.ts'
import { kindOf } from '../kube/kinds.ts'
import { keyOf } from '../kube/object.ts'
import type { KubeObject } from '../kube/object.ts'

/**
 * Finds objects that carry a name we want and not our label. Informers see only what is labelled, and a server-side apply would
 * take over a stranger silently. One list of metadata per kind and namespace, shared by everything created there within a moment,
 * costs less than a GET per object, and nothing when nothing is created. It is a consistent read: the API server's watch cache
 * may be behind by more than a moment when it is busy. What appears after the list is kube.ts's to notice, by not forcing.
 */
export interface Strangers {
  /** The object of the same kind and name without our label, if there is one. */
  find: (object: KubeObject) => Promise<KubeObject | undefined>
}

/** How long a list is good for: the creation of one system. */
const TTL_MS = 2000

/** Makes the finder; `label` is `key=value` of what our objects carry. `now` counts milliseconds. */
export const createStrangers = (client: KubeClient, label: string, now: () => number): Strangers => {
  const lists = new Map<string, { readonly at: number; readonly found: Promise<ReadonlyMap<string, KubeObject>> }>()

  const list = async (object: KubeObject): Promise<ReadonlyMap<string, KubeObject>> => {
    const kind = kindOf(object)
    const { namespace } = object.metadata
    const found = new Map<string, KubeObject>()
    const selection = { namespace, labelSelector: label.replace('=', '!='), metadataOnly: true }
    const { items } = await client.list(kind, selection)
    for (const item of items) found.set(keyOf(item.metadata), item)
    return found
  }

  /** Belongs to several callers, hence without the signal of any; the transport's deadline ends it. */
  const shared = (object: KubeObject): Promise<ReadonlyMap<string, KubeObject>> => {
    const key = `${object.apiVersion} ${object.kind} ${object.metadata.namespace ?? ''}`
    for (const [other, { at }] of lists) {
      if (now() - at < TTL_MS) break
      lists.delete(other)
    }
    const known = lists.get(key)
    if (known !== undefined) return known.found
    const found = list(object)
    lists.set(key, { at: now(), found })
    found.catch(() => lists.delete(key))
    return found
  }

  return {
    find: async (object) => (await shared(object)).get(keyOf(object.metadata)),
  }
}
