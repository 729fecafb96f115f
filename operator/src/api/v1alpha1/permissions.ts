import { group, plural } from './todochatbot.ts'

/**
 * What the code asks the API server for: the one table from which the RBAC of config/ and of the chart is generated. permissions.test.ts holds
 * it against the kinds that desired/ builds; the operator of the end-to-end tests runs with nothing else.
 */

/** One RBAC rule, and why it is needed. */
export interface Permission {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly because: string
}

/** Server-side apply needs `create` beside `patch` for objects that do not exist yet; reads come from one watch per kind. */
const owned = ['create', 'delete', 'get', 'list', 'patch', 'watch'] as const

/** Permissions in every namespace the operator watches. */
export const workloadPermissions: readonly Permission[] = [
  {
    apiGroups: [group],
    resources: [plural],
    verbs: ['get', 'list', 'patch', 'watch'],
    because: 'reads the resources; patches only their finalizers',
  },
  {
    apiGroups: [group],
    resources: [`${plural}/status`],
    verbs: ['get', 'patch'],
    because: 'writes the status',
  },
  {
    apiGroups: [group],
    resources: [`${plural}/finalizers`],
    verbs: ['update'],
    because: 'owner references that block deletion (admission plugin OwnerReferencesPermissionEnforcement)',
  },
  {
    apiGroups: [''],
    resources: ['configmaps', 'serviceaccounts', 'services'],
    verbs: owned,
    because: 'owned by a system',
  },
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['create', 'get'],
    because:
      'creates the generated credentials once and reads named Secrets; it can neither list nor change nor delete any',
  },
  {
    apiGroups: [''],
    resources: ['persistentvolumeclaims', 'pods'],
    verbs: ['get', 'list', 'watch'],
    because: 'says why something is not ready, and asks sidecars at their pod address',
  },
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'statefulsets'],
    verbs: owned,
    because: 'owned by a system',
  },
  {
    apiGroups: ['batch'],
    resources: ['jobs'],
    verbs: ['create', 'delete', 'get', 'list', 'watch'],
    because: 'migrations: created once per version, never changed, removed when another version took over',
  },
  {
    apiGroups: ['dapr.io'],
    resources: ['components', 'configurations', 'resiliencies', 'subscriptions'],
    verbs: owned,
    because: 'owned by a system',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create', 'patch'],
    because: 'reports what it did, repeated events as a series',
  },
]

/** Permissions in the operator's own namespace. */
export const operatorPermissions: readonly Permission[] = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['create', 'get', 'update'],
    because: 'leader election',
  },
]
