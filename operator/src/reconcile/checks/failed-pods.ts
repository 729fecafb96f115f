/** failed-pods: pods that ended in failure or were evicted; the clean-up removes them after a while (cleanup.ts). */
import type { KubeObject } from '../../kube/object.ts'
import { found, passed, type Outcome } from './check.ts'
import { count, some } from './figures.ts'

/** When a pod ended, ms since the epoch: its last container's end, else the time it was created. */
export function endedAt(pod: KubeObject): number {
  const status = (pod['status'] ?? {}) as {
    containerStatuses?: { state?: { terminated?: { finishedAt?: string } } }[]
  }
  const ends = (status.containerStatuses ?? []).flatMap(
    ({ state }) => Date.parse(state?.terminated?.finishedAt ?? '') || [],
  )
  return ends.length > 0 ? Math.max(...ends) : Date.parse(pod.metadata.creationTimestamp ?? '')
}

/** Failed is a phase; Evicted is a reason of it. */
export const hasFailed = (pod: KubeObject): boolean =>
  (pod['status'] as { phase?: string } | undefined)?.phase === 'Failed'

/** Judges the pods of a system. */
export function judgeFailedPods(pods: readonly KubeObject[]): Outcome {
  const name = 'failed-pods'
  const failed = pods.filter(hasFailed)
  if (failed.length === 0) return passed(name, '0 pods')
  const said = failed.map((pod) => {
    const { reason } = (pod['status'] ?? {}) as { reason?: string }
    return `Pod/${pod.metadata.name}${reason === undefined ? '' : `: ${reason}`}`
  })
  return found(name, 'Warning', some(said), count(failed.length, 'pod'))
}
