import type { ResourceKind } from '../../kube/kinds.ts'
import { kinds } from '../../kube/kinds.ts'
import type { KubeObject } from '../../kube/object.ts'
import { label, manager, ownedSelector } from '../../api/v1alpha1/labels.ts'
import type { LiveCache } from '../../apply/kube.ts'
import type { Informer, InformerOptions } from '../../runtime/informer.ts'

/** Kinds a system owns and that are pruned when they are not desired any more. Secrets are left out: they are never watched. */
export const prunedKinds = [
  'ConfigMap',
  'NetworkPolicy',
  'Service',
  'ServiceAccount',
  'Deployment',
  'StatefulSet',
  'Job',
  'HorizontalPodAutoscaler',
  'PodDisruptionBudget',
  'ScaledObject',
  'TriggerAuthentication',
  'Component',
  'Configuration',
  'Resiliency',
  'Subscription',
] as const satisfies readonly (keyof typeof kinds)[]

/** Kinds of dapr.io: they may be missing in a cluster, so the operator starts without them. */
export const daprKinds = [
  'Component',
  'Configuration',
  'Resiliency',
  'Subscription',
] as const satisfies readonly (typeof prunedKinds)[number][]

/** Kinds that only incidents need, and the Incidents themselves. */
export const incidentKinds = ['Incident', 'Role', 'RoleBinding'] as const satisfies readonly (keyof typeof kinds)[]
/** Kinds of backups and restores. */
export const backupKinds = ['Backup', 'Restore'] as const satisfies readonly (keyof typeof kinds)[]
/** Kinds of KEDA: most clusters have none, so their informers start when the API server serves them (keda.ts). */
export const kedaKinds = [
  'ScaledObject',
  'TriggerAuthentication',
] as const satisfies readonly (typeof prunedKinds)[number][]

/** Every kind that is watched. */
export type WatchedKind =
  | (typeof prunedKinds)[number]
  | (typeof incidentKinds)[number]
  | (typeof backupKinds)[number]
  | 'TodoChatbot'
  | 'Replay'
  | 'Pod'
  | 'PersistentVolumeClaim'

/** One informer per kind. */
export type Informers = Readonly<Record<WatchedKind, Informer>>

/** The informers as one controller sees them: what it writes itself is marked as its own to its handlers ({@link Informer.as}). */
export const informersAs = (informers: Informers, controller: string): Informers =>
  Object.fromEntries(
    Object.entries(informers).map(([kind, informer]) => [kind, informer.as(controller)]),
  ) as unknown as Informers

/** Where an applier looks for each kind. Secrets are never watched: their reader stands in. */
export function cachesOf(informers: Informers, secrets: LiveCache): (kind: ResourceKind) => LiveCache | undefined {
  const caches = new Map<string, LiveCache>([
    ...Object.entries(informers),
    ['Secret', secrets],
    ['NetworkPolicy', labelledOnly(informers.NetworkPolicy)],
  ])
  return ({ kind }) => caches.get(kind)
}

/** For the applier, which takes what it finds in a cache for labelled as ours; this informer also holds what belongs to others. */
const labelledOnly = (cache: LiveCache): LiveCache => ({
  ...cache,
  get: (ref) => {
    const found = cache.get(ref)
    return found?.metadata.labels?.[label.managedBy] === manager ? found : undefined
  },
})

/** What each informer watches and keeps. @param namespaces empty: all */
export function informerOptions(namespaces: readonly string[]): Readonly<Record<WatchedKind, InformerOptions>> {
  const owned = (kind: ResourceKind): InformerOptions => ({
    kind,
    namespaces,
    labelSelector: ownedSelector,
    pack: true,
  })
  return {
    TodoChatbot: { kind: kinds.TodoChatbot, namespaces, transform: withSpecOf },
    Pod: { kind: kinds.Pod, namespaces, labelSelector: ownedSelector, transform: slimPod },
    Incident: { kind: kinds.Incident, namespaces },
    Backup: { kind: kinds.Backup, namespaces },
    Restore: { kind: kinds.Restore, namespaces },
    Replay: { kind: kinds.Replay, namespaces },
    Role: owned(kinds.Role),
    RoleBinding: owned(kinds.RoleBinding),
    // Claims are labelled by their StatefulSet's template, which holds only what never changes.
    PersistentVolumeClaim: {
      kind: kinds.PersistentVolumeClaim,
      namespaces,
      labelSelector: `${label.name} in (kafka,postgresql,redis,evidence,backup),${label.instance}`,
      transform: slimClaim,
    },
    ConfigMap: owned(kinds.ConfigMap),
    Service: owned(kinds.Service),
    ServiceAccount: owned(kinds.ServiceAccount),
    // Those of others, too: they may allow what an isolation forbids.
    NetworkPolicy: { kind: kinds.NetworkPolicy, namespaces, pack: true },
    Deployment: owned(kinds.Deployment),
    StatefulSet: owned(kinds.StatefulSet),
    Job: owned(kinds.Job),
    HorizontalPodAutoscaler: owned(kinds.HorizontalPodAutoscaler),
    PodDisruptionBudget: owned(kinds.PodDisruptionBudget),
    ScaledObject: owned(kinds.ScaledObject),
    TriggerAuthentication: owned(kinds.TriggerAuthentication),
    Component: owned(kinds.Component),
    Configuration: owned(kinds.Configuration),
    Resiliency: owned(kinds.Resiliency),
    Subscription: owned(kinds.Subscription),
  }
}

/**
 * The spec of the version before, when the generation says that it is the same one: what was worked out from it (parse.ts, defaults.ts)
 * then stands, and a status that is written costs none of that again.
 */
function withSpecOf(resource: KubeObject, previous: KubeObject | undefined): KubeObject {
  const same =
    previous?.metadata.uid === resource.metadata.uid && previous?.metadata.generation === resource.metadata.generation
  return same && previous?.['spec'] !== undefined ? { ...resource, spec: previous['spec'] } : resource
}

/** Keeps of a pod what views.ts reads: a pod with a sidecar is 15 kB, this is one. */
export function slimPod(pod: KubeObject): KubeObject {
  const spec = (pod['spec'] ?? {}) as { containers?: { name: string }[]; initContainers?: { name: string }[] }
  const name = (container: { name: string }): { name: string } => ({ name: container.name })
  const metadata = Object.fromEntries(
    Object.entries(pod.metadata).filter(([field]) => field !== 'annotations'),
  ) as typeof pod.metadata
  return {
    ...pod,
    metadata,
    spec: { containers: spec.containers?.map(name) ?? [], initContainers: spec.initContainers?.map(name) ?? [] },
  }
}

function slimClaim(claim: KubeObject): KubeObject {
  const spec = (claim['spec'] ?? {}) as { storageClassName?: string }
  const status = (claim['status'] ?? {}) as { phase?: string }
  return { ...claim, spec: { storageClassName: spec.storageClassName }, status: { phase: status.phase } }
}
