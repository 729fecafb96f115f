/**
 * A pod of a StatefulSet that never becomes ready is never replaced, not even when the template that broke it has been corrected: the
 * controller waits for it (kubernetes/kubernetes#67250, "forced rollback" in the documentation of StatefulSets). An admin would delete the
 * pod by hand; the operator does, and only if the pod is of an old revision, is not ready, and says why it cannot become so.
 */
import type { KubeClient } from '../../kube/client.ts'
import { hasReason } from '../../kube/kube-error.ts'
import { kinds } from '../../kube/kinds.ts'
import { podBlocker } from './blockers.ts'
import type { Live } from './observe.ts'
import type { WorkloadState } from './readiness.ts'
import type { PodView } from './views.ts'

/** Label with the revision a pod of a StatefulSet was made from. */
const revisionLabel = 'controller-revision-hash'

/** Pods that only a deletion moves on. Pure. @param now ms since the epoch */
export function stuckPods({ live, pods, claims }: WorkloadState, now: number): readonly PodView[] {
  const revision = live?.updateRevision
  if (live === undefined || revision === undefined || live.observedGeneration < live.generation) return []
  return pods.filter(
    (pod) => !pod.terminating && pod.labels[revisionLabel] !== revision && podBlocker(pod, now, claims) !== undefined,
  )
}

/** Deletes stuck pods of all dependencies. The uid keeps a successor safe. */
export async function replaceStuckPods(
  client: KubeClient,
  namespace: string,
  live: Live,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const stuck = Object.values(live.dependencies).flatMap((state) => stuckPods(state, now))
  await Promise.all(
    stuck.map(async ({ name, uid }) => {
      try {
        await client.delete(kinds.Pod, { namespace, name }, { uid, signal })
      } catch (error) {
        if (!hasReason(error, 'Conflict')) throw error
      }
    }),
  )
}
