import { z } from 'zod'
import { described } from './field.ts'

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

const operationSchema = described(
  z.object({
    id: described(z.string(), 'Identity of this run.').optional(),
    kind: described(z.string(), 'What is going on, such as Install, Update or Delete.'),
    step: described(z.string(), 'Where it is.'),
    startedAt: described(z.string(), 'When it started.').meta({ format: 'date-time' }).optional(),
    deadline: described(z.string(), 'When it is given up or reported as stalled.')
      .meta({ format: 'date-time' })
      .optional(),
    blockedBy: described(
      z.object({
        rule: described(z.string(), 'The rule that holds it, such as DependencyNotReady.'),
        object: described(z.string(), 'The object it waits for, such as StatefulSet/todo-kafka.'),
        message: described(message, 'What that object says.'),
      }),
      'Why it is not moving.',
    ).optional(),
    allowedVerbs: described(z.array(z.string()), 'What an admin may do now.').optional(),
  }),
  'What the operator is doing, and what holds it.',
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
      'For people: Pending, Installing, Updating, Ready, Degraded, Paused, Stalled, Deleting.',
    ).optional(),
    summary: described(
      message,
      'One line for `kubectl get`: Ready, or the phase and what it waits for, such as "Installing: waiting for StatefulSet/todo-kafka".',
    ).optional(),
    version: described(z.string(), 'Version that is rolled out on every worker.').optional(),
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
/** What the operator is doing, and what holds it. */
export type OperationStatus = z.output<typeof operationSchema>
/** Status of a TodoChatbot. */
export type TodoChatbotStatus = z.output<typeof statusSchema>
