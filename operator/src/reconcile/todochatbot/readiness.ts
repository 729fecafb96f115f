/** Whether a part of a system is ready, judged from what informers hold. Pure; undefined means ready. */
import { finding, type Finding } from '../errors.ts'
import { firstBlocker } from './blockers.ts'
import type { ClaimView, PodView, WorkloadView } from './views.ts'

/** A workload with what belongs to it. `wanted` pods; `live` undefined when the object does not exist. */
export interface WorkloadState {
  readonly kind: 'Deployment' | 'StatefulSet'
  readonly name: string
  readonly wanted: number
  readonly live: WorkloadView | undefined
  readonly pods: readonly PodView[]
  readonly claims: readonly ClaimView[]
}

/** The pods asked for are of the newest template, and nothing older is left. Says nothing about readiness. */
export function isRolledOut({ live, wanted }: WorkloadState): boolean {
  return (
    live !== undefined &&
    live.observedGeneration >= live.generation &&
    live.updated === wanted &&
    live.replicas === wanted
  )
}

/** Enough pods are ready to serve, whatever their version: at least one, or none when none are wanted. */
export function serves({ live, wanted }: WorkloadState): boolean {
  return live !== undefined && live.ready >= Math.min(1, wanted)
}

/** Why a workload is not ready: all pods wanted, all new, all ready. `before` says whether it was ready earlier, so that the words fit. */
export function workloadFinding(state: WorkloadState, before: boolean, now: number): Finding | undefined {
  const { kind, name, live, wanted, pods, claims } = state
  const object = `${kind}/${name}`
  if (live === undefined) return finding('Waiting', object, 'does not exist yet')
  if (isRolledOut(state) && live.ready >= wanted) return undefined
  const blocker = firstBlocker(pods, now, claims) ?? refusedPods(state)
  if (blocker !== undefined) return blocker
  if (live.observedGeneration < live.generation)
    return finding('Starting', object, 'its controller has not seen the newest version yet')
  if (!isRolledOut(state)) {
    return finding(
      before ? 'RollingOut' : 'Starting',
      object,
      `${live.updated} of ${wanted} pods are of the newest version`,
    )
  }
  const lagging = pods.find((pod) => !pod.ready && !pod.terminating)
  const detail = `${live.ready} of ${wanted} pods are ready`
  return finding(before ? 'NotReady' : 'Starting', lagging === undefined ? object : `Pod/${lagging.name}`, detail)
}

function refusedPods({ kind, name, live }: WorkloadState): Finding | undefined {
  const refusal = live?.conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  return refusal === undefined
    ? undefined
    : finding('PodsRefused', `${kind}/${name}`, refusal.message ?? 'no reason given')
}
