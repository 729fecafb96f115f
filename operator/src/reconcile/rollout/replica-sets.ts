/**
 * Finds pod templates of the past. Kubernetes keeps them: every template a Deployment had is a ReplicaSet until revisionHistoryLimit prunes
 * it, and one with pods is never pruned. They are listed only for a rollback and remembered, so a system that is in order costs nothing.
 */
import { annotation } from '../../api/v1alpha1/labels.ts'
import { ownTemplate, type PodTemplate } from '../../desired/pinned-template.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { controllerOf, type KubeObject } from '../../kube/object.ts'

/** See the header of this file. */
export interface TemplateReader {
  /** The template with this hash of a Deployment; undefined when its ReplicaSet is gone. */
  read: (deployment: KubeObject, hash: string, signal: AbortSignal) => Promise<PodTemplate | undefined>
  /** Forgets the templates of a system, by `namespace/name`. */
  forget: (key: string) => void
}

/** Makes a reader. @param keyOf the system of a Deployment, as `namespace/name` */
export function templateReader(
  client: Pick<KubeClient, 'list'>,
  keyOf: (deployment: KubeObject) => string,
): TemplateReader {
  const known = new Map<string, Map<string, PodTemplate>>()
  return {
    read: async (deployment, hash, signal) => {
      const { uid = '', namespace } = deployment.metadata
      const key = keyOf(deployment)
      const id = `${uid}/${hash}`
      const remembered = known.get(key)?.get(id)
      if (remembered !== undefined) return remembered
      const labelSelector = selectorOf(deployment)
      const { items } = await client.list(kinds.ReplicaSet, {
        ...(namespace === undefined ? {} : { namespace }),
        labelSelector,
        signal,
      })
      const found = items
        .filter((item) => controllerOf(item)?.uid === uid)
        .flatMap((item) => {
          const { template } = (item['spec'] ?? {}) as { template?: PodTemplate }
          const fits = template?.metadata.annotations?.[annotation.templateHash] === hash
          return fits ? [{ at: item.metadata.creationTimestamp ?? '', template }] : []
        })
        // A template that was edited by hand carries the hash of the one it was made from, and is younger.
        .sort((a, b) => a.at.localeCompare(b.at))[0]
      if (found === undefined) return undefined
      const template = ownTemplate(found.template)
      const mine = known.get(key) ?? new Map<string, PodTemplate>()
      known.set(key, mine.set(id, template))
      return template
    },
    forget: (key) => known.delete(key),
  }
}

function selectorOf(deployment: KubeObject): string {
  const { selector } = (deployment['spec'] ?? {}) as { selector?: { matchLabels?: Record<string, string> } }
  return Object.entries(selector?.matchLabels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}
