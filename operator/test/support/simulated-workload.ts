import { createHash } from 'node:crypto'
import type { KubeObject } from '../../src/kube/object.ts'

/** A pod template as the simulator reads it. */
export interface PodTemplate {
  readonly metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
  readonly spec: { containers: { name: string }[]; [field: string]: unknown }
}

/** The ReplicaSet of a template, named after it, as the Deployment controller keeps one for each. */
export function replicaSetOf(owner: KubeObject, template: PodTemplate): KubeObject {
  const { namespace, name, uid = '' } = owner.metadata
  const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)
  const labels = { ...template.metadata?.labels, 'pod-template-hash': hash }
  const { matchLabels } = (owner['spec'] as { selector: { matchLabels: Record<string, string> } }).selector
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      ownerReferences: [{ apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true }],
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { ...matchLabels, 'pod-template-hash': hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** Port of the first container. */
export const portOf = ({ spec }: PodTemplate): number | undefined =>
  (spec.containers[0] as { ports?: { containerPort: number }[] } | undefined)?.ports?.[0]?.containerPort

/** Volumes that the StatefulSet controller adds to a pod, one per claim template. */
export function claimVolumes(owner: KubeObject, pod: string): object[] {
  const { volumeClaimTemplates = [] } = owner['spec'] as { volumeClaimTemplates?: { metadata: { name: string } }[] }
  return volumeClaimTemplates.map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-${pod}` },
  }))
}

/** What a workload does instead of becoming ready. */
export type Misbehaviour =
  | { readonly kind: 'NotStarted' }
  | { readonly kind: 'Waiting'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Failed'; readonly message: string }
  | { readonly kind: 'NoSidecar' }
  | { readonly kind: 'PoolExhausted' }
  | { readonly kind: 'MissingComponent'; readonly component: string }

/** What is wrong with such a pod is not its readiness. */
export const becomesReady = (how: Misbehaviour | undefined): boolean =>
  how === undefined || ['NoSidecar', 'MissingComponent', 'PoolExhausted'].includes(how.kind)

/** The status of a pod that misbehaves, or does not. */
export const podStatus = (pod: KubeObject, how: Misbehaviour | undefined, ip: string | undefined): object => {
  const { containers } = pod['spec'] as PodTemplate['spec']
  const ready = becomesReady(how)
  const state =
    how?.kind === 'Waiting'
      ? { waiting: { reason: how.reason, message: how.message } }
      : how?.kind === 'Failed'
        ? {
            terminated: {
              exitCode: 1,
              reason: 'Error',
              message: how.message,
              finishedAt: pod.metadata.creationTimestamp,
            },
          }
        : how?.kind === 'NotStarted'
          ? { waiting: { reason: 'ContainerCreating' } }
          : { running: { startedAt: pod.metadata.creationTimestamp } }
  return {
    phase: how?.kind === 'Failed' ? 'Failed' : ready ? 'Running' : 'Pending',
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: containers.map(({ name }) => ({
      name,
      image: 'x',
      imageID: 'x',
      ready,
      restartCount: 0,
      started: ready,
      state,
    })),
  }
}
