/** Value of app.kubernetes.io/managed-by, and the server-side apply field manager. */
export const manager = 'todochatbot-operator'

/** Recommended labels (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels). */
export const label = {
  name: 'app.kubernetes.io/name',
  instance: 'app.kubernetes.io/instance',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
  managedBy: 'app.kubernetes.io/managed-by',
  version: 'app.kubernetes.io/version',
  /** In the selector of a Service whose worker is isolated; on no pod. */
  isolated: 'todochatbot.dev/isolated',
  /** On what collects evidence: name of the Incident. */
  incident: 'todochatbot.dev/incident',
  /** On the Job and pods of a backup: name of the Backup. */
  backup: 'todochatbot.dev/backup',
  /** On the Jobs and pods of a restore: name of the Restore. */
  restore: 'todochatbot.dev/restore',
  /** On the Job and pods of a replay: name of the Replay. */
  replay: 'todochatbot.dev/replay',
  /** On Jobs that check the destination of backups or remove old ones: Check or Prune. */
  backupTask: 'todochatbot.dev/backup-task',
  /** On the same Jobs: the round they are of. */
  backupRound: 'todochatbot.dev/backup-round',
} as const

/** Selector of everything the operator owns, for informers. */
export const ownedSelector = `${label.managedBy}=${manager}`

/** Annotations the operator writes or reads. */
export const annotation = {
  /** Hash of the desired object, on every applied object: equal means nothing to write. */
  hash: 'todochatbot.dev/hash',
  /** On the resource: any change restarts every worker. */
  restart: 'todochatbot.dev/restart',
  /** On the resource: any change runs the migrations again, in a Job of another name. */
  retryMigration: 'todochatbot.dev/retry-migration',
  /** On the resource: any new value runs the routine checks at once. */
  check: 'todochatbot.dev/check',
  /** On the resource: any new value lets the verification of the audit trail begin anew, after a restore or with a new database. */
  auditReset: 'todochatbot.dev/audit-reset',
  /** On the resource: honoured like {@link annotation.restart}; on a pod template it belongs to kubectl and is never applied. */
  kubectlRestartedAt: 'kubectl.kubernetes.io/restartedAt',
  /** On a Deployment: how its worker is isolated now, ScaleDown or Network. What carries it has to be given back when the isolation ends. */
  isolated: 'todochatbot.dev/isolated',
  /** On a Deployment that is scaled down: how many pods it had. */
  isolatedReplicas: 'todochatbot.dev/isolated-replicas',
  /** On a Restore under way: any value ends it and puts the state before back. */
  abort: 'todochatbot.dev/abort',
  /** On an Incident taken for an isolation: when that isolation ended. One that is not closed belongs to the isolation in force. */
  closedAt: 'todochatbot.dev/closed-at',
  /** On pod templates: hash of the configuration that needs a restart. */
  configHash: 'todochatbot.dev/config-hash',
  /** On pod templates: hash of the Secrets read at start. */
  secretHash: 'todochatbot.dev/secret-hash',
  /** On pod templates: hash of the Dapr objects, which sidecars read at start. */
  daprHash: 'todochatbot.dev/dapr-hash',
  /** On Deployments of workers: ConfigMap their pods read at the start. */
  config: 'todochatbot.dev/config',
  /** On pod templates and their Deployments: identity of the template, see desired/template-hash.ts. */
  templateHash: 'todochatbot.dev/template-hash',
  /** On the Deployment of a worker: the replicas our last apply asked for, or `autoscaler` when it left them to one. */
  replicas: 'todochatbot.dev/replicas',
  /** On pod templates: the restarts asked for. */
  restartedAt: 'todochatbot.dev/restarted-at',
  /** On pod templates: the remediation that restarted the pods last. Not part of what is applied, so applying never removes it. */
  remediation: 'todochatbot.dev/remediation',
} as const

/** Finalizer on a TodoChatbot while something outside Kubernetes (topics) has to be removed with it. */
export const finalizer = 'todochatbot.dev/topics'

/** Finalizer on a Restore: what it made in PostgreSQL and Kafka goes, and the workers come back, before it does. */
export const restoreFinalizer = 'todochatbot.dev/restore'

/** What an object is, for app.kubernetes.io/component. */
export type ComponentLabel =
  'worker' | 'dependency' | 'dapr' | 'migration' | 'credentials' | 'evidence' | 'backup' | 'restore' | 'replay'

/** Labels of one owned object of a system. */
export const labelsFor = (
  system: string,
  name: string,
  component: ComponentLabel,
  version: string,
): Record<string, string> => ({
  [label.name]: name,
  [label.instance]: system,
  [label.component]: component,
  [label.partOf]: 'todochatbot',
  [label.managedBy]: manager,
  [label.version]: version,
})

/** Selector of the pods of one worker or dependency; immutable once created, so it holds nothing that ever changes. */
export const selectorFor = (system: string, name: string): Record<string, string> => ({
  [label.name]: name,
  [label.instance]: system,
})

/** Labels of a volume claim template: fixed for ever like a selector, and found by {@link ownedSelector}. */
export const claimLabels = (system: string, name: string): Record<string, string> => ({
  ...selectorFor(system, name),
  [label.partOf]: 'todochatbot',
  [label.managedBy]: manager,
})
