/**
 * Typed readings of what the API server reports. Only fields this operator reads are named, all optional: the kubelet fills them in as it
 * goes. Nothing is checked at run time, because the API server has validated what it stores.
 */
import { annotation } from '../../api/v1alpha1/labels.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { LiveTemplate } from '../rollout/progress.ts'

/** One entry of `status.conditions` of a Kubernetes object. */
interface StatusCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

/** How a container ended. */
export interface Terminated {
  readonly exitCode: number
  readonly reason?: string
  /** What the container wrote to /dev/termination-log, or its last log lines (terminationMessagePolicy). */
  readonly message?: string
  readonly finishedAt?: string
}

/** One container of a pod as the kubelet sees it. */
export interface ContainerStatus {
  readonly name: string
  readonly image?: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly running?: { readonly startedAt?: string }
    readonly terminated?: Terminated
  }
  readonly lastState?: { readonly terminated?: Terminated }
}

/** What is read of a pod. */
export interface PodView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: string
  readonly terminating: boolean
  readonly ip?: string
  readonly phase: string
  /** Why the pod as a whole is in its phase, such as Evicted. */
  readonly reason?: string
  readonly message?: string
  readonly ready: boolean
  readonly conditions: readonly StatusCondition[]
  readonly containerNames: readonly string[]
  readonly containers: readonly ContainerStatus[]
}

/** Reads a pod. */
export function podView(pod: KubeObject): PodView {
  const spec = (pod['spec'] ?? {}) as { containers?: { name: string }[]; initContainers?: { name: string }[] }
  const status = (pod['status'] ?? {}) as {
    phase?: string
    reason?: string
    message?: string
    podIP?: string
    conditions?: StatusCondition[]
    containerStatuses?: ContainerStatus[]
    initContainerStatuses?: ContainerStatus[]
  }
  const conditions = status.conditions ?? []
  return {
    name: pod.metadata.name,
    labels: pod.metadata.labels ?? {},
    createdAt: pod.metadata.creationTimestamp ?? '',
    terminating: pod.metadata.deletionTimestamp !== undefined,
    ...(status.podIP === undefined ? {} : { ip: status.podIP }),
    phase: status.phase ?? 'Pending',
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    ...(status.message === undefined ? {} : { message: status.message }),
    ready: conditions.some(({ type, status: held }) => type === 'Ready' && held === 'True'),
    conditions,
    containerNames: [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(({ name }) => name),
    containers: [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])],
  }
}

/** What is read of a Deployment or StatefulSet: the part of their status that both have. */
export interface WorkloadView {
  readonly name: string
  readonly kind: string
  readonly generation: number
  readonly observedGeneration: number
  readonly replicas: number
  readonly updated: number
  readonly ready: number
  readonly conditions: readonly StatusCondition[]
  /** Of the workers' Deployments. */
  readonly template?: LiveTemplate
}

/** Reads a Deployment or StatefulSet. */
export function workloadView(workload: KubeObject): WorkloadView {
  const status = (workload['status'] ?? {}) as {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    conditions?: StatusCondition[]
  }
  return {
    name: workload.metadata.name,
    kind: workload.kind,
    generation: workload.metadata.generation ?? 0,
    observedGeneration: status.observedGeneration ?? 0,
    replicas: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    conditions: status.conditions ?? [],
    ...templateOf(workload),
  }
}

function templateOf({ metadata: { annotations } }: KubeObject): { readonly template?: LiveTemplate } {
  const hash = annotations?.[annotation.templateHash]
  if (hash === undefined) return {}
  return {
    template: { hash, revision: annotations?.[revisionAnnotation], config: annotations?.[annotation.config] },
  }
}

/** Written by the Deployment controller. */
const revisionAnnotation = 'deployment.kubernetes.io/revision'

/** Why an autoscaler cannot act (condition ScalingActive); undefined while it can, or has not said yet. */
export function autoscalerProblem(autoscaler: KubeObject): string | undefined {
  const status = (autoscaler['status'] ?? {}) as { conditions?: StatusCondition[] }
  const active = status.conditions?.find(({ type }) => type === 'ScalingActive')
  return active?.status === 'False' ? (active.message ?? active.reason ?? 'no reason given') : undefined
}

/** Why KEDA makes no autoscaler of a ScaledObject, such as brokers that refuse its login (condition Ready); undefined while it does, or has not said yet. */
export function scaledObjectProblem(scaled: KubeObject): string | undefined {
  const status = (scaled['status'] ?? {}) as { conditions?: StatusCondition[] }
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  return ready?.status === 'False' ? (ready.message ?? ready.reason ?? 'no reason given') : undefined
}

/** What is read of a Job. */
export interface JobView {
  readonly name: string
  readonly state: 'Running' | 'Complete' | 'Failed'
  /** Why the Job controller gave up. */
  readonly message: string
}

/** Reads a Job. */
export function jobView(job: KubeObject): JobView {
  const status = (job['status'] ?? {}) as { conditions?: StatusCondition[] }
  const held = (type: string): StatusCondition | undefined =>
    status.conditions?.find((condition) => condition.type === type && condition.status === 'True')
  const failed = held('Failed')
  const state = failed !== undefined ? 'Failed' : held('Complete') !== undefined ? 'Complete' : 'Running'
  return { name: job.metadata.name, state, message: failed?.message ?? '' }
}

/** What is read of a PersistentVolumeClaim. */
export interface ClaimView {
  readonly name: string
  readonly bound: boolean
  readonly storageClass: string
  /** RFC 3339. */
  readonly createdAt: string
}

/** Reads a claim. */
export function claimView(claim: KubeObject): ClaimView {
  const spec = (claim['spec'] ?? {}) as { storageClassName?: string }
  const status = (claim['status'] ?? {}) as { phase?: string }
  return {
    name: claim.metadata.name,
    bound: status.phase === 'Bound',
    storageClass: spec.storageClassName ?? '',
    createdAt: claim.metadata.creationTimestamp ?? '',
  }
}
