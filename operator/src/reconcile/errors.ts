/**
 * Everything that keeps a system from being ready, as a closed catalogue: condition reasons, event reasons, logs and docs/errors.md all
 * come from here. `Progress` is no error: time will tell. `Problem` may clear by itself and is looked at again. `Terminal` stays until
 * somebody changes something; it sets Stalled.
 */
import type { ConditionType } from '../api/v1alpha1/conditions.ts'
import { backupReasons } from './backup/reasons.ts'

/** How bad a finding is; see the header of this file. Ordered: a later one outranks an earlier one. */
export const severities = ['Progress', 'Problem', 'Terminal'] as const
/** One of {@link severities}. */
export type Severity = (typeof severities)[number]

/** One line of the catalogue. */
export interface CatalogueEntry {
  /** Stable, for searching and for support; never reused. */
  readonly code: `TDC_${string}`
  readonly severity: Severity
  /** Conditions that may carry it. */
  readonly conditions: readonly ConditionType[]
  readonly meaning: string
  /** What an admin can do. */
  readonly remedy: string
}

/** The catalogue, by condition reason. */
export const catalogue = {
  Starting: {
    code: 'TDC_STARTING',
    severity: 'Progress',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'WorkersReady', 'DaprReady'],
    meaning: 'Pods are being started.',
    remedy: 'Wait. If it lasts, the message names the pod to look at.',
  },
  Waiting: {
    code: 'TDC_WAITING',
    severity: 'Progress',
    conditions: ['TopicsReady', 'DatabaseReady', 'DaprReady', 'WorkersReady', 'UpToDate'],
    meaning: 'Something that comes first is not ready yet.',
    remedy: 'Look at the object the message names.',
  },
  Checking: {
    code: 'TDC_CHECKING',
    severity: 'Progress',
    conditions: ['KafkaReady', 'TopicsReady', 'DaprReady'],
    meaning: 'Asked, no answer yet.',
    remedy: 'Wait: every question has a deadline of seconds.',
  },
  Migrating: {
    code: 'TDC_MIGRATING',
    severity: 'Progress',
    conditions: ['DatabaseReady'],
    meaning: 'The migration Job of this version is running.',
    remedy: 'Wait; kubectl logs of the Job show each migration.',
  },
  RollingOut: {
    code: 'TDC_ROLLING_OUT',
    severity: 'Progress',
    conditions: ['UpToDate', 'WorkersReady'],
    meaning: 'Pods of the new template are replacing the old ones.',
    remedy: 'Wait. If it lasts, the message names the pod to look at.',
  },
  LagGrowing: {
    code: 'TDC_LAG_GROWING',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning:
      'A consumer takes no events while more and more wait for it; the rollout does not go on to the next worker.',
    remedy: 'kubectl logs of its pods, worker and daprd, say why; services[].lag of the status shows what waits.',
  },
  TooManyErrors: {
    code: 'TDC_TOO_MANY_ERRORS',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning:
      'A changed worker fails at more of what it is asked than spec.update.maxErrorPercent allows; the rollout does not go on to the next worker.',
    remedy:
      'kubectl logs of the pod that the message names say why. It is rolled back when it does not get better within spec.update.progressDeadline; revert the change to do so at once.',
  },
  RolloutFailed: {
    code: 'TDC_ROLLOUT_FAILED',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning:
      'Changed pods of a worker did not become healthy within spec.update.progressDeadline, and there is nothing to return to, or spec.update.rollback is Never. Its old pods keep serving; the workers after it are not touched.',
    remedy: 'Correct the change; what blocks the pod is in the message. If the pods come up after all, it goes on.',
  },
  RolledBack: {
    code: 'TDC_ROLLED_BACK',
    severity: 'Terminal',
    conditions: ['UpToDate'],
    meaning:
      'A change did not become healthy within spec.update.progressDeadline. The worker runs its last healthy template and configuration again; the workers after it are not touched.',
    remedy:
      'Correct the change and apply it: it is tried again as soon as what the pods are made of differs. To try the very same again, change restartedAt of the worker or the annotation todochatbot.dev/restart.',
  },
  Paused: {
    code: 'TDC_PAUSED',
    severity: 'Progress',
    conditions: ['UpToDate'],
    meaning: 'spec.paused holds the change back.',
    remedy: 'Remove spec.paused, or wait until it ends.',
  },
  PartitionsBound: {
    code: 'TDC_PARTITIONS_BOUND',
    severity: 'Problem',
    conditions: ['ScalingLimited'],
    meaning:
      'More pods are asked for than the topics of a consumer have partitions; the excess would get no events and is not started.',
    remedy: 'Raise partitions of the topic under spec.kafka.topics, which cannot be undone, or ask for fewer pods.',
  },
  SpecInvalid: {
    code: 'TDC_SPEC_INVALID',
    severity: 'Terminal',
    conditions: ['ConfigValid'],
    meaning: 'The stored resource does not fit the schema of this operator, for instance after a downgrade.',
    remedy: 'Correct the fields that the message names. Until then nothing is changed and what runs keeps running.',
  },
  ConfigInvalid: {
    code: 'TDC_CONFIG_INVALID',
    severity: 'Terminal',
    conditions: ['ConfigValid'],
    meaning: 'spec.services.<worker>.config is refused by the schema of that worker.',
    remedy:
      'Correct the fields that the message names. Until then nothing of this edit is applied and what runs keeps running.',
  },
  SecretMissing: {
    code: 'TDC_SECRET_MISSING',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady'],
    meaning: 'A Secret that the spec names does not exist.',
    remedy: 'Create the Secret in the namespace of the resource; it is looked for again within 30 seconds.',
  },
  SecretKeyMissing: {
    code: 'TDC_SECRET_KEY_MISSING',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady'],
    meaning: 'A Secret exists, but not with the key that the spec names.',
    remedy: 'Add the key to the Secret, or name another key in the spec.',
  },
  BrokerUnreachable: {
    code: 'TDC_BROKER_UNREACHABLE',
    severity: 'Problem',
    conditions: ['KafkaReady'],
    meaning: 'No bootstrap server answered, or its certificate is not trusted.',
    remedy:
      'Check spec.kafka.bootstrapServers and tls, and that the operator may reach them (network policies). It is tried again with growing pauses of at most 30 seconds.',
  },
  BrokerCredentialsRefused: {
    code: 'TDC_BROKER_CREDENTIALS_REFUSED',
    severity: 'Problem',
    conditions: ['KafkaReady'],
    meaning: 'Kafka answered and refused the login of spec.kafka.sasl.',
    remedy:
      'Correct user name and password in the Secret of spec.kafka.sasl.secretRef, or the mechanism. The Secret is read again within 30 seconds.',
  },
  TopicShrinkRefused: {
    code: 'TDC_TOPIC_SHRINK_REFUSED',
    severity: 'Terminal',
    conditions: ['TopicsReady'],
    meaning: 'Fewer partitions are asked for than the topic has. Kafka cannot remove partitions, and keys would move.',
    remedy: 'Set spec.kafka.topics.<topic>.partitions to at least what the topic has. Everything else keeps running.',
  },
  TopicConflict: {
    code: 'TDC_TOPIC_CONFLICT',
    severity: 'Terminal',
    conditions: ['TopicsReady'],
    meaning:
      'An older system uses the same topic of the same Kafka. The oldest claim wins; nothing of this topic is touched.',
    remedy: 'Set spec.kafka.topicPrefix to something of its own.',
  },
  TopicFailed: {
    code: 'TDC_TOPIC_FAILED',
    severity: 'Problem',
    conditions: ['TopicsReady'],
    meaning: 'Kafka refused to create, grow or configure a topic; the message is what Kafka said.',
    remedy:
      'Correct spec.kafka.topics.<topic>: replicas must not exceed the number of brokers, config must hold keys and values Kafka knows.',
  },
  MigrationFailed: {
    code: 'TDC_MIGRATION_FAILED',
    severity: 'Terminal',
    conditions: ['DatabaseReady'],
    meaning:
      'The migration Job gave up; the message is the last thing its pod said. The previous version keeps serving.',
    remedy:
      'Correct the cause, then change spec.version, spec.images or the Secret, or set the annotation todochatbot.dev/retry-migration to any new value.',
  },
  DaprNotInstalled: {
    code: 'TDC_DAPR_NOT_INSTALLED',
    severity: 'Problem',
    conditions: ['DaprReady'],
    meaning: 'The API server does not know the kinds of dapr.io.',
    remedy: 'Install Dapr 1.15 or newer (helm install dapr dapr/dapr -n dapr-system). It is noticed within a minute.',
  },
  SidecarMissing: {
    code: 'TDC_SIDECAR_MISSING',
    severity: 'Problem',
    conditions: ['DaprReady'],
    meaning: 'A worker pod runs without daprd: the injector was away when the pod was created.',
    remedy: 'Check that dapr-sidecar-injector is running, then delete the pod.',
  },
  SidecarUnreachable: {
    code: 'TDC_SIDECAR_UNREACHABLE',
    severity: 'Problem',
    conditions: ['DaprReady'],
    meaning: 'daprd of a worker pod does not answer on its public port.',
    remedy:
      'kubectl logs <pod> -c daprd says why. A network policy must let the operator reach port 3501 of the workers.',
  },
  ComponentNotLoaded: {
    code: 'TDC_COMPONENT_NOT_LOADED',
    severity: 'Problem',
    conditions: ['DaprReady'],
    meaning: 'daprd runs, but has not loaded a component that is scoped to it.',
    remedy: 'kubectl logs <pod> -c daprd says why; usually its broker, its Redis or its Secret is not reachable.',
  },
  ImagePullFailed: {
    code: 'TDC_IMAGE_PULL_FAILED',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'WorkersReady', 'DaprReady'],
    meaning: 'The kubelet cannot get an image.',
    remedy: 'Check spec.images, spec.version and spec.images.pullSecrets, and that the node reaches the registry.',
  },
  CrashLoop: {
    code: 'TDC_CRASH_LOOP',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'WorkersReady', 'DaprReady'],
    meaning: 'A container ends again and again; the message is the last thing it said.',
    remedy: 'kubectl logs <pod> -c <container> --previous.',
  },
  Unschedulable: {
    code: 'TDC_UNSCHEDULABLE',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'WorkersReady', 'DaprReady'],
    meaning: 'No node takes a pod.',
    remedy: 'Add a node, lower spec.*.resources, or remove what the message names.',
  },
  VolumePending: {
    code: 'TDC_VOLUME_PENDING',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady'],
    meaning: 'A claim has no volume yet.',
    remedy: 'Check that the storage class exists and its provisioner runs; name another in storage.storageClassName.',
  },
  ContainerConfig: {
    code: 'TDC_CONTAINER_CONFIG',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'WorkersReady', 'DaprReady'],
    meaning: 'The kubelet cannot make a container, for instance because a Secret or ConfigMap is missing.',
    remedy: 'kubectl describe pod <pod> names what is missing.',
  },
  PodsRefused: {
    code: 'TDC_PODS_REFUSED',
    severity: 'Problem',
    conditions: ['WorkersReady'],
    meaning: 'The API server refuses the pods, for instance because of a quota or an admission policy.',
    remedy: 'Raise the quota or correct the policy that the message names.',
  },
  NotReady: {
    code: 'TDC_NOT_READY',
    severity: 'Problem',
    conditions: ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'WorkersReady'],
    meaning: 'Something that was ready is not any more: a container runs and its readiness probe fails.',
    remedy: 'kubectl logs <pod>; GET /health of the worker names the failing check.',
  },
  ...backupReasons,
  RemediationExhausted: {
    code: 'TDC_REMEDIATION_EXHAUSTED',
    severity: 'Terminal',
    conditions: ['Ready', 'Stalled', 'Degraded'],
    meaning: 'A worker is unhealthy, and every step of spec.remediation.ladder that can help was tried.',
    remedy:
      'status.remediation says what was tried and what came of it. Correct the cause; any edit of the spec starts the ladder again, and so does an hour of health.',
  },
  Isolated: {
    code: 'TDC_ISOLATED',
    severity: 'Problem',
    conditions: ['WorkersReady', 'UpToDate', 'Isolated'],
    meaning: 'A worker is taken out of the system on purpose (spec.services.<worker>.isolated).',
    remedy:
      'Remove spec.services.<worker>.isolated to end it, or move its until; it ends by itself. status.services[].isolation says who, why and where the evidence is.',
  },
  Restoring: {
    code: 'TDC_RESTORING',
    severity: 'Progress',
    conditions: ['WorkersReady', 'UpToDate', 'Restoring'],
    meaning: 'A Restore holds every worker at no pods while it puts the data of a backup in place.',
    remedy:
      'Wait: status.steps of the Restore says how far it is and when it is given up. The annotation todochatbot.dev/abort on it puts the state before back.',
  },
  OwnedByOther: {
    code: 'TDC_OWNED_BY_OTHER',
    severity: 'Terminal',
    conditions: ['UpToDate'],
    meaning: 'An object of a name we need exists and belongs to somebody else. It was not touched.',
    remedy: 'Rename or remove that object, or give the TodoChatbot another name.',
  },
  FieldContested: {
    code: 'TDC_FIELD_CONTESTED',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning: 'Another field manager keeps changing what the operator applies; writing is backed off.',
    remedy: 'Take the object out of the other tool; the message names it.',
  },
  ObjectRefused: {
    code: 'TDC_OBJECT_REFUSED',
    severity: 'Terminal',
    conditions: ['UpToDate'],
    meaning: 'The API server refuses an object, for instance because an immutable field would change.',
    remedy: 'Undo the edit that leads to it; if the message makes no sense, it is a bug of the operator.',
  },
  Forbidden: {
    code: 'TDC_FORBIDDEN',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning: 'The operator may not write an object: a missing role, a quota, or a namespace that is being deleted.',
    remedy: 'Install the RBAC rules of this version of the operator, or raise the quota.',
  },
  KindMissing: {
    code: 'TDC_KIND_MISSING',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning: 'The API server does not know a kind.',
    remedy: 'Install what provides it; the message names the kind.',
  },
  ApiServerUnavailable: {
    code: 'TDC_API_SERVER_UNAVAILABLE',
    severity: 'Problem',
    conditions: ['UpToDate'],
    meaning: 'The API server gave no answer, or asked to come back later.',
    remedy: 'Nothing: it is tried again with backoff.',
  },
  NotVerified: {
    code: 'TDC_NOT_VERIFIED',
    severity: 'Progress',
    conditions: ['AuditIntact'],
    meaning: 'The audit trail has not been looked at yet.',
    remedy: 'Wait for the next routine check, or ask for one by the annotation todochatbot.dev/check.',
  },
  AuditTrailDamaged: {
    code: 'TDC_AUDIT_TRAIL_DAMAGED',
    severity: 'Problem',
    conditions: ['AuditIntact'],
    meaning: 'The hash chain of the audit trail does not hold: somebody changed the database behind the audit worker.',
    remedy:
      'Keep the database as it is, find out who changed it, and restore a backup. GET /audit/verify of the audit worker lists the damage.',
  },
  DeadlineExceeded: {
    code: 'TDC_DEADLINE_EXCEEDED',
    severity: 'Terminal',
    conditions: ['Stalled'],
    meaning: 'An operation takes longer than its deadline. The operator goes on trying.',
    remedy: 'status.operation.blockedBy names the rule and the object that block.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Reason of a condition that does not hold. */
export type Reason = keyof typeof catalogue

/** Why something is not ready: which rule, which object, what that object says. */
export interface Finding {
  readonly reason: Reason
  readonly severity: Severity
  /** `Kind/name`, such as `StatefulSet/todo-kafka`. */
  readonly object: string
  /** What is the case, one sentence without a full stop. */
  readonly detail: string
}

/** A finding of the catalogue. */
export const finding = (reason: Reason, object: string, detail: string): Finding => ({
  reason,
  severity: catalogue[reason].severity,
  object,
  detail,
})

/** What is the case, for one line. */
export const lineOf = ({ object, detail }: Finding): string => `${object}: ${detail}`

/** The sentences for a condition: what is the case, and for anything but progress what to do about it. */
export const messageOf = (found: Finding): string => {
  if (found.severity === 'Progress') return lineOf(found)
  const pod = found.object.startsWith('Pod/') ? found.object.slice('Pod/'.length) : '<pod>'
  return `${lineOf(found)}. ${catalogue[found.reason].remedy.replaceAll('<pod>', pod)}`
}

/** The finding that matters most; the first of several equally bad ones. */
export const worst = (findings: readonly (Finding | undefined)[]): Finding | undefined => {
  let found: Finding | undefined
  for (const candidate of findings) {
    if (candidate === undefined) continue
    if (found === undefined || severities.indexOf(candidate.severity) > severities.indexOf(found.severity))
      found = candidate
  }
  return found
}
