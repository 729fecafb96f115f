import { backupPlural } from './backup.ts'
import { incidentPlural } from './incident.ts'
import { restorePlural } from './restore.ts'
import { replayPlural } from './replay.ts'
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

/**
 * What the Job of an Incident may read in its namespace, and nothing else. The operator holds all of it (permissions.test.ts), because the API
 * server lets nobody grant what they do not hold.
 */
export const evidencePermissions: readonly Permission[] = [
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['get', 'list'],
    because: 'evidence: specification and state of pods',
  },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'], because: 'evidence: logs, of previous runs, too' },
  { apiGroups: [''], resources: ['events'], verbs: ['list'], because: 'evidence: what happened to them' },
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'replicasets'],
    verbs: ['get', 'list'],
    because: 'evidence: recent rollouts',
  },
  {
    apiGroups: ['dapr.io'],
    resources: ['components', 'configurations', 'resiliencies', 'subscriptions'],
    verbs: ['get', 'list'],
    because: 'evidence: what the sidecars were told',
  },
  { apiGroups: [group], resources: [plural], verbs: ['get'], because: 'evidence: the system itself' },
]

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
    apiGroups: [group],
    resources: [incidentPlural],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'],
    because:
      'asks for evidence before it isolates or heals a worker, makes each Incident owned by its system, and removes old ones',
  },
  {
    apiGroups: [group],
    resources: [`${incidentPlural}/status`],
    verbs: ['get', 'patch'],
    because: 'says where the evidence is',
  },
  {
    apiGroups: [group],
    resources: [`${incidentPlural}/finalizers`],
    verbs: ['update'],
    because: 'owner references that block deletion (admission plugin OwnerReferencesPermissionEnforcement)',
  },
  {
    apiGroups: [group],
    resources: [backupPlural],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'],
    because: 'makes the backups of a schedule and removes those that retention lets go',
  },
  {
    apiGroups: [group],
    resources: [`${backupPlural}/status`],
    verbs: ['get', 'patch'],
    because: 'says what came of a backup and where it lies',
  },
  {
    apiGroups: [group],
    resources: [`${backupPlural}/finalizers`],
    verbs: ['update'],
    because: 'owner references that block deletion (admission plugin OwnerReferencesPermissionEnforcement)',
  },
  {
    apiGroups: [group],
    resources: [restorePlural],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'],
    because: 'makes the drills of a schedule, removes old ones, and patches finalizers and owners',
  },
  {
    apiGroups: [group],
    resources: [`${restorePlural}/status`],
    verbs: ['get', 'patch'],
    because: 'keeps the ledger of a restore',
  },
  {
    apiGroups: [group],
    resources: [`${restorePlural}/finalizers`],
    verbs: ['update'],
    because: 'owner references that block deletion (admission plugin OwnerReferencesPermissionEnforcement)',
  },
  {
    apiGroups: [group],
    resources: [replayPlural],
    verbs: ['get', 'list', 'patch', 'watch'],
    because: 'carries out replays of events, and makes each Replay owned by its system',
  },
  {
    apiGroups: [group],
    resources: [`${replayPlural}/status`],
    verbs: ['get', 'patch'],
    because: 'says what became of the events',
  },
  {
    apiGroups: [group],
    resources: [`${replayPlural}/finalizers`],
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
    resources: ['persistentvolumeclaims'],
    verbs: ['get', 'list', 'watch'],
    because: 'says why something is not ready',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['delete', 'get', 'list', 'watch'],
    because:
      'says why something is not ready, asks workers and sidecars at their pod address, and replaces failed pods of workers',
  },
  {
    apiGroups: [''],
    resources: ['persistentvolumeclaims'],
    verbs: ['create', 'patch'],
    because: 'the volume with the archives of incidents',
  },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: ['create', 'delete', 'get', 'list', 'watch'],
    because:
      'lets the Job of an Incident read what it collects, for as long as it runs; it can grant only what it holds',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['delete'],
    because: 'removes failed and evicted pods after spec.maintenance.cleanup.failedPods',
  },
  {
    apiGroups: ['metrics.k8s.io'],
    resources: ['pods'],
    verbs: ['list'],
    because: 'holds the use of CPU and memory against the limits, where the cluster serves it',
  },
  {
    apiGroups: ['networking.k8s.io'],
    resources: ['networkpolicies'],
    verbs: owned,
    because: 'cuts isolated workers off, and sees policies of others that would let them through',
  },
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'statefulsets'],
    verbs: owned,
    because: 'owned by a system',
  },
  {
    apiGroups: ['apps'],
    resources: ['replicasets'],
    verbs: ['list'],
    because: 'finds the pod template a rollback returns to; asked only then',
  },
  {
    apiGroups: ['autoscaling'],
    resources: ['horizontalpodautoscalers'],
    verbs: owned,
    because: 'owned by a system: autoscaling of its workers',
  },
  {
    apiGroups: ['keda.sh'],
    resources: ['scaledobjects', 'triggerauthentications'],
    verbs: owned,
    because: 'owned by a system where KEDA is installed: autoscaling by consumer lag',
  },
  {
    apiGroups: ['policy'],
    resources: ['poddisruptionbudgets'],
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
    verbs: ['create', 'delete', 'list', 'patch'],
    because: 'reports what it did, repeated events as a series; removes its own when they are old',
  },
  ...evidencePermissions,
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
