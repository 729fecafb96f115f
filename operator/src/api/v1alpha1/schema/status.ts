import { z } from 'zod'
import { systemBackupSchema } from './backup-status.ts'
import { described } from './field.ts'
import { operationSchema } from './operation.ts'
import { isolationModes, temporaryKinds } from './temporary.ts'

const message = z.string().max(4096)

/** One condition, as apimachinery defines it, with the generation it speaks about. */
export const conditionSchema = described(
  z.object({
    type: described(z.string().max(63), 'What the condition is about.'),
    status: described(z.enum(['True', 'False', 'Unknown']), 'Whether it holds.'),
    reason: described(z.string().max(128), 'One word for programs.'),
    message: described(message, 'One sentence for people: what is wrong, with which object, and what to do.'),
    observedGeneration: described(z.int(), 'Generation of the spec this condition was computed from.'),
    lastTransitionTime: described(z.string(), 'When status last changed.').meta({ format: 'date-time' }),
  }),
  'A condition.',
)

const healthyTemplate = (what: string) =>
  described(
    z.object({
      template: described(z.string().max(64), 'Hash of the pod template.'),
      revision: described(
        z.string().max(32),
        'Revision of the Deployment, as in `kubectl rollout history`.',
      ).optional(),
      config: described(z.string().max(253), 'ConfigMap it reads at its start.').optional(),
      at: described(z.string(), 'Since when it is known to be healthy.').meta({ format: 'date-time' }).optional(),
    }),
    what,
  )

const isolationSchema = described(
  z.object({
    state: described(
      z.enum(['CollectingEvidence', 'InForce', 'Ended']),
      'CollectingEvidence: it is isolated as soon as the Incident is finished. Ended: how the last isolation ended.',
    ),
    mode: described(z.enum(isolationModes), 'How.'),
    reason: described(z.string().max(256), 'Why.'),
    by: described(z.string().max(128), 'Who.'),
    until: described(z.string(), 'When it ends by itself.').meta({ format: 'date-time' }),
    since: described(z.string(), 'Since when it is in this state.').meta({ format: 'date-time' }).optional(),
    incident: described(z.string().max(253), 'Name of the Incident with the evidence.').optional(),
    message: described(message, 'What is wrong with it, what the evidence is, or why it ended.').optional(),
  }),
  'The isolation of the worker, or the last one.',
)

const serviceStatusSchema = described(
  z.object({
    name: described(z.string(), 'Kebab-case name of the worker.'),
    version: described(z.string(), 'Version that is rolled out.').optional(),
    image: described(z.string(), 'Image that is rolled out.').optional(),
    desired: described(z.int(), 'Pods asked for.'),
    ready: described(z.int(), 'Pods that are ready.'),
    updated: described(z.int(), 'Pods of the newest template.').optional(),
    restarts: described(z.int(), 'Container restarts over all pods.').optional(),
    sidecar: described(
      z.enum(['Loaded', 'Waiting', 'Missing', 'Unknown']),
      'Whether daprd is injected and has loaded the components.',
    ).optional(),
    since: described(z.string(), 'When ready or desired last changed.').meta({ format: 'date-time' }).optional(),
    lag: described(
      z
        .array(
          z.object({
            topic: described(z.string().max(249), 'Name of the topic.'),
            lag: described(z.int(), 'Events of the topic that this worker has not taken yet.'),
          }),
        )
        .max(8),
      'Events that wait for this worker, by topic. Rounded while it is large, so that a busy topic does not mean a write per look.',
    )
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['topic'] })
      .optional(),
    deadLetters: described(z.int(), 'Events of its topics that lie in their dead-letter topics.').optional(),
    scaling: described(
      z.object({
        by: described(
          z.enum(['Spec', 'Profile', 'Autoscaler', 'Hand', 'Isolation', 'Restore', 'Remediation']),
          'Who decides the number of pods.',
        ),
        reason: described(
          z.enum(['PartitionsBound', 'SetByHand', 'AutoscalerInactive']),
          'Why it is not simply what was asked for: more pods than the topic has partitions, a number set by hand, or an autoscaler that cannot act.',
        ).optional(),
        message: described(message, 'The same for people, with what to do.').optional(),
      }),
      'Where the number of pods comes from.',
    ).optional(),
    lastHealthy: healthyTemplate(
      'The newest pod template that was rolled out and healthy: what a rollback returns to.',
    ).optional(),
    healthyBefore: healthyTemplate(
      'The healthy pod template before that one: what a rollback returns to when the newest is refused after all.',
    ).optional(),
    rollout: described(
      z.object({
        template: described(z.string().max(64), 'Hash of the pod template that is being rolled out.'),
        startedAt: described(z.string(), 'Since when.').meta({ format: 'date-time' }),
        deadline: described(z.string(), 'When it counts as failed (spec.update.progressDeadline).').meta({
          format: 'date-time',
        }),
      }),
      'Present while pods of a template that is not yet known to be healthy come up.',
    ).optional(),
    temporary: described(
      z
        .array(
          z.object({
            kind: described(z.enum(temporaryKinds), 'Debug: logs at level debug. Boost: raised resources.'),
            until: described(z.string(), 'When it ends by itself.').meta({ format: 'date-time' }),
            reason: described(z.string().max(256), 'Why it was set.').optional(),
          }),
        )
        .max(4),
      'Temporary settings that are in force.',
    )
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['kind'] })
      .optional(),
    config: described(
      z.object({
        revision: described(z.string().max(64), 'Hash of the settings that take effect without a restart.'),
        logLevel: described(z.string().max(16), 'Level the pods are asked to log at.'),
        confirmed: described(z.int(), 'Pods that say these settings are in force.'),
        message: described(message, 'What a pod says that refuses them.').optional(),
      }),
      'Settings that running pods take over, and how many have. The kubelet hands them on within about a minute.',
    ).optional(),
    unhealthy: described(
      z.object({
        signal: described(z.string().max(63), 'What is seen, such as CrashLoop or ConsumerStuck.'),
        since: described(z.string(), 'Since when the worker is not healthy.').meta({ format: 'date-time' }),
        object: described(z.string().max(320), 'Where it is seen, such as Pod/todo-audit-7d9f.'),
        message: described(message, 'What is seen there.'),
        remediation: described(
          z.enum(['Pending', 'Held', 'UnderWay', 'Disabled', 'Impossible', 'Exhausted']),
          'Pending: it has not lasted long enough. Held: nothing is done, because says why. UnderWay: status.remediation has the action. Disabled: spec.remediation.enabled is false. Impossible: no step of the ladder heals it. Exhausted: every step was tried.',
        ),
        because: described(message, 'Why nothing is done, or what would be done.').optional(),
      }),
      'Why the remediation takes the worker for unhealthy, and what it does about it.',
    ).optional(),
    raisedMemory: described(
      z.object({
        limit: described(z.string().max(32), 'Memory limit of its container now.'),
        ordinary: described(
          z.string().max(32),
          'Limit it was raised from; as soon as the spec gives another one, that one counts again.',
        ),
        since: described(z.string(), 'When.').meta({ format: 'date-time' }),
        remediation: described(z.string().max(63), 'Identity of the remediation that raised it.'),
      }),
      'Memory that the remediation gave after OOM kills. To end it, edit spec.services.<worker>.resources.',
    ).optional(),
    isolation: isolationSchema.optional(),
    lastError: described(message, 'Last error of a container, such as why it ended.').optional(),
    message: described(message, 'Why it is not ready.').optional(),
  }),
  'One worker.',
)

const topicStatusSchema = described(
  z.object({
    alias: described(z.string().max(63), 'Alias, such as taskEvents or taskEvents.dlq.'),
    name: described(z.string().max(249), 'Actual name.'),
    state: described(
      z.enum(['Ready', 'Pending', 'ShrinkRefused', 'Conflict', 'Error']),
      'Ready and ShrinkRefused: exists and belongs to this system. Conflict: an older system claims the name.',
    ),
    partitions: described(z.int(), 'Partitions the broker reports.').optional(),
    replicationFactor: described(z.int(), 'Replication factor the broker reports.').optional(),
    message: described(message, 'What is wrong, and what to do.').optional(),
  }),
  'One topic.',
)

const componentStatusSchema = described(
  z.object({
    name: described(z.string(), 'Name of the Dapr component.'),
    type: described(z.string(), 'Type, such as pubsub.kafka.').optional(),
    loadedBy: described(z.array(z.string()), 'Workers whose sidecars have loaded it.').optional(),
    missingIn: described(z.array(z.string()), 'Workers whose sidecars should have loaded it and have not.').optional(),
    message: described(message, 'What is wrong.').optional(),
  }),
  'One Dapr component.',
)

const checkSchema = described(
  z.object({
    name: described(z.string().max(63), 'Name of the check, such as consumer-lag.'),
    result: described(z.enum(['Passed', 'Warning', 'Failed', 'Unknown']), 'What came of it.'),
    at: described(z.string(), 'Since when it says so: moves when result, figure or message change.').meta({
      format: 'date-time',
    }),
    figure: described(z.string().max(256), 'The figure behind it, such as "12 events".').optional(),
    message: described(message, 'What was found, with the object.').optional(),
    remedy: described(message, 'What to do about it.').optional(),
  }),
  'One routine check.',
)

const lastCheckSchema = described(
  z.object({
    at: described(z.string(), 'When a request was last answered, or when these numbers last changed.').meta({
      format: 'date-time',
    }),
    request: described(
      z.string().max(256),
      'Value of the annotation todochatbot.dev/check that was answered.',
    ).optional(),
    summary: described(z.string().max(128), 'Such as "26 passed, 1 failed".'),
  }),
  'The routine checks as a whole.',
)

const verifiedTrailSchema = described(
  z.object({
    seq: described(z.int(), 'Number of the last audit entry that is verified; moves at most once an hour.'),
    hash: described(
      z.string().max(64),
      'Its hash, noted outside the database: a trail that was rewritten does not have it.',
    ),
    at: described(z.string(), 'When it was noted.').meta({ format: 'date-time' }),
    reset: described(
      z.string().max(256),
      'Value of the annotation todochatbot.dev/audit-reset since which it counts.',
    ).optional(),
  }),
  'How far the audit trail is verified.',
)

const leftoverSchema = described(
  z.object({
    object: described(z.string().max(320), 'What is not needed any more, as Kind/name.'),
    since: described(z.string(), 'When it was first reported.').meta({ format: 'date-time' }),
    deletedBy: described(z.enum(['CleanUp', 'Nobody']), 'Whether the clean-up deletes it, by its policy.'),
  }),
  'Something that is not needed any more. Nothing is deleted that was not reported here for an interval of the checks.',
)

const remediationStatusSchema = described(
  z.object({
    id: described(z.string().max(63), 'Identity of this action; the Incident with its evidence carries it, too.'),
    worker: described(z.string().max(63), 'Kebab-case name of the worker.'),
    signal: described(z.string().max(63), 'What was seen, such as CrashLoop or ConsumerStuck.'),
    action: described(z.string().max(63), 'What is done, such as Restart.'),
    step: described(z.int(), 'How many actions were taken on this worker in a row, this one included.').optional(),
    generation: described(z.int(), 'Generation of the spec when it began.').optional(),
    objects: described(
      z.array(z.string().max(320)).max(20),
      'What it acts on, such as Pod/todo-audit-7d9f.',
    ).optional(),
    state: described(
      z.enum(['Evidence', 'Acting', 'Observing', 'Succeeded', 'Failed', 'Cancelled']),
      'Evidence is taken, then the action is carried out, then its effect is awaited. Cancelled: nothing was done, because the reason for it was gone when the evidence was taken.',
    ),
    startedAt: described(z.string(), 'When it began.').meta({ format: 'date-time' }),
    deadline: described(z.string(), 'When it counts as failed.').meta({ format: 'date-time' }).optional(),
    actedAt: described(z.string(), 'When the action was carried out.').meta({ format: 'date-time' }).optional(),
    healthySince: described(z.string(), 'Since when the worker is healthy after the action.')
      .meta({ format: 'date-time' })
      .optional(),
    finishedAt: described(z.string(), 'When it ended.').meta({ format: 'date-time' }).optional(),
    incident: described(z.string().max(253), 'Name of the Incident that holds the evidence.').optional(),
    message: described(message, 'What was seen and what came of it.').optional(),
  }),
  'One action of the remediation, newest first.',
)

const stormSchema = described(
  z.object({
    since: described(z.string(), 'When it began.').meta({ format: 'date-time' }),
    until: described(z.string(), 'When remediation goes on; absent while the storm lasts.')
      .meta({ format: 'date-time' })
      .optional(),
  }),
  'More workers failed at once than remediation.minHealthy allows, so the cause lies outside: nothing is done until remediation.stormCooldown after it.',
)

const blockedRevisionSchema = described(
  z.object({
    worker: described(z.string().max(63), 'Kebab-case name of the worker.'),
    template: described(z.string().max(64), 'Hash of the refused pod template.'),
    reason: described(message, 'Why it was refused.'),
    at: described(z.string(), 'When.').meta({ format: 'date-time' }),
  }),
  'A change that was rolled back: it is not tried again until it is edited.',
)

/** Observed state; written by the operator only. */
export const statusSchema = described(
  z.object({
    observedGeneration: described(
      z.int(),
      'Generation of the spec this status speaks about; -1 until the operator has seen the resource.',
    ).default(-1),
    phase: described(
      z.string(),
      'For people: Pending, Installing, Updating, Ready, Degraded, Isolated, Restoring, Paused, Stalled, Deleting.',
    ).optional(),
    summary: described(
      message,
      'One line for `kubectl get`: Ready, or the phase and what it waits for, such as "Installing: waiting for StatefulSet/todo-kafka".',
    ).optional(),
    version: described(z.string(), 'Version that is rolled out on every worker.').optional(),
    lag: described(
      z.string().max(32),
      'For people: events that wait for the workers, over all of them; rounded as in services. Absent while it is not known.',
    ).optional(),
    endpoint: described(z.string(), 'Address of chat-api inside the cluster.').optional(),
    conditions: described(
      z.array(conditionSchema).max(32),
      'Conditions; Ready, Reconciling and Stalled follow kstatus.',
    )
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .optional(),
    services: described(z.array(serviceStatusSchema).max(16), 'The workers.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional(),
    topics: described(z.array(topicStatusSchema).max(32), 'The topics.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional(),
    components: described(z.array(componentStatusSchema).max(16), 'The Dapr components.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional(),
    operation: operationSchema.optional(),
    checks: described(z.array(checkSchema).max(64), 'Routine checks.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional(),
    lastCheck: lastCheckSchema.optional(),
    auditTrail: verifiedTrailSchema.optional(),
    leftovers: described(z.array(leftoverSchema).max(32), 'What is not needed any more.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['object'] })
      .optional(),
    remediation: described(z.array(remediationStatusSchema).max(20), 'Actions of the remediation, newest first.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] })
      .optional(),
    storm: stormSchema.optional(),
    backup: systemBackupSchema.optional(),
    blockedRevisions: described(z.array(blockedRevisionSchema).max(8), 'Changes that were rolled back.').optional(),
  }),
  'Observed state.',
)

/** One condition; see {@link conditionSchema}. */
export type Condition = z.output<typeof conditionSchema>
/** One worker in a status. */
export type ServiceStatus = z.output<typeof serviceStatusSchema>
/** One topic in a status. */
export type TopicStatus = z.output<typeof topicStatusSchema>
/** One Dapr component in a status. */
export type ComponentStatus = z.output<typeof componentStatusSchema>
/** Status of a TodoChatbot. */
export type TodoChatbotStatus = z.output<typeof statusSchema>
/** One routine check in a status. */
export type CheckStatus = z.output<typeof checkSchema>
/** How far the audit trail is verified, in a status. */
export type VerifiedTrail = z.output<typeof verifiedTrailSchema>
/** Something that is not needed any more, in a status. */
export type Leftover = z.output<typeof leftoverSchema>
/** One action of the remediation in a status. */
export type RemediationStatus = z.output<typeof remediationStatusSchema>
/** A storm in a status. */
export type Storm = z.output<typeof stormSchema>
/** A pod template that was healthy, in a status. */
export type HealthyTemplate = z.output<ReturnType<typeof healthyTemplate>>
/** A change that was rolled back, in a status. */
export type BlockedRevision = z.output<typeof blockedRevisionSchema>
/** The isolation of a worker in a status. */
export type IsolationStatus = z.output<typeof isolationSchema>
