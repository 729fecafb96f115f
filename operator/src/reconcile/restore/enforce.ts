/**
 * Brings the fence of a Restore about: no pod of any worker. It asks no gate, like an isolation:
 * what a restore waits for must not depend on the health of what it is about to replace. While it holds, the stages from Migration on are
 * closed (gates.ts), so nothing starts a worker; when it ends they open, and the ordinary apply gives every worker its number back.
 */
import { annotation, label } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import { applyErrorOf } from '../../apply/apply-error.ts'
import type { Applier } from '../../apply/kube.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import type { Finding } from '../errors.ts'
import { markOf } from '../isolation/isolations.ts'
import { failureOf } from '../todochatbot/apply.ts'
import { ownerOf } from '../todochatbot/desire.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { Seen } from '../todochatbot/observe.ts'

/** What bringing a fence about needs. */
export interface FenceTools {
  readonly client: KubeClient
  readonly informers: Informers
  readonly applier: Applier
  readonly fieldManager: string
}

/** Takes the autoscalers away and every worker to no pods; writes only what is not so. Returns what could not be written. */
export async function enforceFence(tools: FenceTools, seen: Seen, signal: AbortSignal): Promise<readonly Finding[]> {
  if (seen.facts.fence === undefined) return []
  const { client, informers, applier, fieldManager } = tools
  const { name: system, namespace } = seen.bot.metadata
  const workers = new Set<string | undefined>(Object.values(workerNames))
  const gone = await applier.pruneObjects({
    owner: ownerOf(seen),
    kinds: [kinds.HorizontalPodAutoscaler, kinds.ScaledObject],
    keep: ({ metadata }) => !workers.has(metadata.labels?.[label.name]),
    signal,
  })
  const failures = gone.failed.map(failureOf)
  for (const field of workerFields) {
    const ref = { namespace, name: names.worker(system, workerNames[field]) }
    const live = informers.Deployment.get(ref)
    // Cut off by the network: its pods are evidence, and reach nothing.
    if (live === undefined || markOf(live) === 'Network') continue
    const { replicas = 1 } = (informers.Deployment.whole(live)['spec'] ?? {}) as { replicas?: number }
    if (replicas === 0) continue
    // The annotation says that we asked for it, so that nobody takes the number for one that was set by hand.
    const patch = { metadata: { annotations: { [annotation.replicas]: '0' } }, spec: { replicas: 0 } }
    try {
      informers.Deployment.observe(await client.patch(kinds.Deployment, ref, patch, { fieldManager, signal }))
    } catch (error) {
      signal.throwIfAborted()
      failures.push(failureOf(applyErrorOf(live, error)))
    }
  }
  return failures
}
