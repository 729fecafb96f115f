import { randomBytes } from 'node:crypto'
import { parseTodoChatbot } from '../../../operator/src/api/v1alpha1/parse.ts'
import type { TodoChatbot } from '../../../operator/src/api/v1alpha1/todochatbot.ts'
import type { KubeObject } from '../../../operator/src/api/v1alpha1/kubernetes.ts'
import type { KubeObject as AppliedObject } from '../../../operator/src/kube/object.ts'
import { consumers } from '../../../operator/src/desired/consumers.ts'
import type { Consumer } from '../../../operator/src/desired/consumers.ts'
import { desire, desiredTopics } from '../../../operator/src/desired/index.ts'
import type { DesiredTopic } from '../../../operator/src/desired/types.ts'

/** Where the dependencies of every system of a run are. */
export interface Dependencies {
  /** host:port of a real Kafka. */
  readonly kafka: string
  /** host:port of a real Redis. */
  readonly redis: string
}

/** Name and place of one system of a run. */
export interface SystemName {
  readonly name: string
  readonly namespace: string
}

/** Secret with the connection string of the External database, in every namespace. */
export const databaseSecret = 'bench-database'

/** Systems per namespace: several share one, as the product allows. */
const SYSTEMS_PER_NAMESPACE = 50

/** The names of a run of a size: bench-00/tcb-0000 and so on. */
export function systemNames(size: number): readonly SystemName[] {
  return Array.from({ length: size }, (_, index) => ({
    name: `tcb-${String(index).padStart(4, '0')}`,
    namespace: `bench-${String(Math.floor(index / SYSTEMS_PER_NAMESPACE)).padStart(2, '0')}`,
  }))
}

/** Replicas of chat-api at first, after the edits one at a time, and after the edit of all. Never one: only several have a PodDisruptionBudget, and the set of objects stays the same. */
export const replicas = { first: 2, second: 3, third: 4 }

/** The resource of a system: everything External, topics of one partition so that a single broker holds 500 systems. */
export function resourceOf({ name, namespace }: SystemName, dependencies: Dependencies): KubeObject {
  const topic = { partitions: 1, replicas: 1 }
  return {
    apiVersion: 'todochatbot.dev/v1alpha1',
    kind: 'TodoChatbot',
    metadata: { name, namespace },
    spec: {
      kafka: {
        mode: 'External',
        bootstrapServers: [dependencies.kafka],
        topicPrefix: `${name}.`,
        topics: { taskEvents: topic, taskReminders: topic, taskUpdates: topic },
      },
      database: { mode: 'External', secretRef: { name: databaseSecret } },
      stateStore: { mode: 'External', host: dependencies.redis },
      services: { chatApi: { replicas: replicas.first } },
    },
  }
}

/**
 * The objects of one system as the product's own builders make them, as JSON in which the words below stand for what
 * differs between systems. Floor, peer and product therefore send the same objects.
 */
export interface Template {
  readonly json: string
  /** How many objects. */
  readonly objects: number
  readonly marks: { readonly name: string; readonly namespace: string; readonly uid: string; readonly replicas: number }
}

const marks = {
  name: 'tcb-mark',
  namespace: 'bench-mark',
  uid: '00000000-0000-4000-8000-0000000000ff',
  replicas: 87,
}

/** Renders the template. @throws Error when the resource of the benchmark is not valid any more. */
export function template(dependencies: Dependencies): Template {
  const objects = desiredObjects(parsed(withReplicas(resourceOf(marks, dependencies), marks.replicas)))
  return { json: JSON.stringify(objects), objects: objects.length, marks }
}

/** The objects of a system whose spec was changed by a merge patch, as the product's own builders make them. */
export function objectsOf(system: SystemName, dependencies: Dependencies, patch: object): readonly KubeObject[] {
  const resource = resourceOf(system, dependencies)
  const spec = resource['spec'] as Readonly<Record<string, object>>
  const merged = Object.entries(patch).map(([field, value]) => [field, { ...spec[field], ...(value as object) }])
  return desiredObjects(parsed({ ...resource, spec: { ...spec, ...Object.fromEntries(merged) } }))
}

function desiredObjects(bot: TodoChatbot): readonly KubeObject[] {
  const secret = (): string => randomBytes(32).toString('base64url')
  const facts = {
    operatorVersion: '0.1.0',
    images: operandImages,
    credentials: {
      ...{ ownerPassword: secret(), appPassword: secret(), redisPassword: secret() },
      ...{ jwtKey: secret(), serviceToken: secret(), appToken: secret() },
    },
    secretHashes: {},
    scale: { live: {}, partitions: {}, keda: false },
    active: { debug: [], boost: [] },
  }
  return desire(bot, facts).map(({ object }) => object)
}

/** Images nobody pulls: pods do not run on the control-plane profile. */
export const operandImages = {
  workers: 'docker.io/todochatbot/workers:bench',
  backup: 'docker.io/todochatbot/backup:bench',
  kafka: 'docker.io/todochatbot/kafka:bench',
  postgresql: 'docker.io/todochatbot/postgresql:bench',
  redis: 'docker.io/todochatbot/redis:bench',
}

/** The objects of one system, from the template. */
export function render(source: Template, system: SystemName, wanted: number): readonly AppliedObject[] {
  const json = source.json
    .replaceAll(source.marks.namespace, system.namespace)
    .replaceAll(source.marks.name, system.name)
    .replaceAll(`"replicas":${source.marks.replicas}`, `"replicas":${wanted}`)
  return JSON.parse(json) as AppliedObject[]
}

/** The topics of a system, for creating them before anything is measured. */
export function topicsOf(system: SystemName, dependencies: Dependencies): readonly DesiredTopic[] {
  return desiredTopics(parsed(resourceOf(system, dependencies)))
}

/** The consumer groups of a system. */
export function consumersOf(system: SystemName, dependencies: Dependencies): readonly Consumer[] {
  return consumers(parsed(resourceOf(system, dependencies)))
}

function withReplicas(resource: KubeObject, wanted: number): KubeObject {
  return { ...resource, spec: { ...(resource['spec'] as object), services: { chatApi: { replicas: wanted } } } }
}

function parsed(resource: KubeObject): TodoChatbot {
  const stored = { ...resource, metadata: { ...resource.metadata, uid: marks.uid, generation: 1 } }
  const result = parseTodoChatbot(stored)
  if (!result.ok) throw new Error(`the resource of the benchmark is not valid: ${JSON.stringify(result.problems)}`)
  return result.bot
}
