/**
 * The kinds the operator talks about, as a static table: discovery would cost requests at every start and could answer
 * differently on two API servers of one control plane.
 */

/** Where a kind lives in the REST API. */
export interface ResourceKind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

const namespaced = <K extends string>(group: string, version: string, kind: K, plural: string) =>
  ({ group, version, kind, plural, namespaced: true }) as const

/** Table of all kinds used, by kind name (unique among them). */
export const kinds = {
  TodoChatbot: namespaced('todochatbot.dev', 'v1alpha1', 'TodoChatbot', 'todochatbots'),
  Incident: namespaced('todochatbot.dev', 'v1alpha1', 'Incident', 'incidents'),
  Backup: namespaced('todochatbot.dev', 'v1alpha1', 'Backup', 'backups'),
  Restore: namespaced('todochatbot.dev', 'v1alpha1', 'Restore', 'restores'),
  Replay: namespaced('todochatbot.dev', 'v1alpha1', 'Replay', 'replays'),
  ConfigMap: namespaced('', 'v1', 'ConfigMap', 'configmaps'),
  Secret: namespaced('', 'v1', 'Secret', 'secrets'),
  Service: namespaced('', 'v1', 'Service', 'services'),
  ServiceAccount: namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts'),
  Pod: namespaced('', 'v1', 'Pod', 'pods'),
  PersistentVolumeClaim: namespaced('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  Namespace: { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
  Deployment: namespaced('apps', 'v1', 'Deployment', 'deployments'),
  StatefulSet: namespaced('apps', 'v1', 'StatefulSet', 'statefulsets'),
  ReplicaSet: namespaced('apps', 'v1', 'ReplicaSet', 'replicasets'),
  Job: namespaced('batch', 'v1', 'Job', 'jobs'),
  CronJob: namespaced('batch', 'v1', 'CronJob', 'cronjobs'),
  PodDisruptionBudget: namespaced('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  HorizontalPodAutoscaler: namespaced('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  NetworkPolicy: namespaced('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  Role: namespaced('rbac.authorization.k8s.io', 'v1', 'Role', 'roles'),
  RoleBinding: namespaced('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'),
  Lease: namespaced('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  Event: namespaced('events.k8s.io', 'v1', 'Event', 'events'),
  PodMetrics: namespaced('metrics.k8s.io', 'v1beta1', 'PodMetrics', 'pods'),
  Component: namespaced('dapr.io', 'v1alpha1', 'Component', 'components'),
  Configuration: namespaced('dapr.io', 'v1alpha1', 'Configuration', 'configurations'),
  Resiliency: namespaced('dapr.io', 'v1alpha1', 'Resiliency', 'resiliencies'),
  Subscription: namespaced('dapr.io', 'v2alpha1', 'Subscription', 'subscriptions'),
  ScaledObject: namespaced('keda.sh', 'v1alpha1', 'ScaledObject', 'scaledobjects'),
  TriggerAuthentication: namespaced('keda.sh', 'v1alpha1', 'TriggerAuthentication', 'triggerauthentications'),
  EndpointSlice: namespaced('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices'),
  APIService: {
    group: 'apiregistration.k8s.io',
    version: 'v1',
    kind: 'APIService',
    plural: 'apiservices',
    namespaced: false,
  },
  CustomResourceDefinition: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
} as const satisfies Record<string, ResourceKind>

/** `v1` for the core group, `group/version` otherwise. */
export const apiVersionOf = (kind: ResourceKind): string =>
  kind.group === '' ? kind.version : `${kind.group}/${kind.version}`

const byApiVersion: ReadonlyMap<string, ResourceKind> = new Map(
  Object.values(kinds).map((kind: ResourceKind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]),
)

/**
 * The table entry of an object.
 * @throws TypeError when the pair is not in the table, which is a programming error: kinds are added here first.
 */
export const kindOf = (object: { readonly apiVersion: string; readonly kind: string }): ResourceKind => {
  const kind = byApiVersion.get(`${object.apiVersion} ${object.kind}`)
  if (kind === undefined) throw new TypeError(`kind ${object.apiVersion} ${object.kind} is missing in kube/kinds.ts`)
  return kind
}

/** Path of a collection or of one object; `namespace` is left out for all namespaces and for cluster-scoped kinds. */
export const pathOf = (
  kind: ResourceKind,
  { namespace, name, subresource }: { namespace?: string | undefined; name?: string; subresource?: string | undefined },
): string => {
  const parts = [kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`]
  if (kind.namespaced && namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace))
  parts.push(kind.plural)
  if (name !== undefined) parts.push(encodeURIComponent(name))
  if (subresource !== undefined) parts.push(subresource)
  return parts.join('/')
}
