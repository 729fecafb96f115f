import type { ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import type { IsolationMode } from '../api/v1alpha1/isolation.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import type { TopicAlias } from '../api/v1alpha1/schema/kafka.ts'

/**
 * Stages in the order of a fresh start; each opens when its gate holds (reconcile decides, desired only names them). Settings holds what
 * running pods take over without being disrupted, so nothing but a refused edit ever holds it, not even a pause.
 */
export const stages = ['Settings', 'Foundation', 'Dependencies', 'Dapr', 'Migration', 'Consumers', 'ChatApi'] as const
/** One of {@link stages}. */
export type Stage = (typeof stages)[number]

/** Images the operator was installed with, as full references. */
export interface OperandImages {
  readonly workers: string
  /** Workers' programs beside PostgreSQL's client tools: backups and restores. */
  readonly backup: string
  readonly kafka: string
  readonly postgresql: string
  readonly redis: string
}

/**
 * Random material for the generated Secrets, made anew by the caller for every call and used only in objects with policy CreateOnce, which
 * are written when they do not exist and never again. Passwords are URL-safe (base64url), because connection strings carry them.
 */
export interface GeneratedCredentials {
  readonly ownerPassword: string
  readonly appPassword: string
  readonly redisPassword: string
  /** 32 random bytes, base64url. */
  readonly jwtKey: string
  readonly serviceToken: string
  readonly appToken: string
}

/** What the pure builders need to know beside the resource. */
export interface Facts {
  readonly operatorVersion: string
  readonly images: OperandImages
  readonly credentials: GeneratedCredentials
  /** Content hash of Secrets that pods read at start, by Secret name; a changed hash rolls the pods. Unknown Secrets are left out. */
  readonly secretHashes: Readonly<Record<string, string>>
  /** Workers whose temporary settings are in force now: `debugUntil` and `boost.until` lie ahead. */
  readonly active: ActiveSettings
  readonly scale: ScaleFacts
  /** Name of the Restore that holds every worker at no pods; absent: none. */
  readonly fence?: string
}

/** What the number of pods depends on beside the resource; see replicas.ts. */
export interface ScaleFacts {
  /** By worker whose Deployment exists. */
  readonly live: Readonly<Partial<Record<WorkerField, LiveScale>>>
  /** Partitions that the brokers report; without an entry those of the spec count. */
  readonly partitions: Readonly<Partial<Record<TopicAlias, number>>>
  /** KEDA's ScaledObjects are served. */
  readonly keda: boolean
}

/** The scale of a live Deployment. */
export interface LiveScale {
  readonly replicas: number
  /** Value of the annotation todochatbot.dev/replicas: what our last apply asked for. */
  readonly asked?: string
}

/** A memory limit, and the one it was raised from. */
export interface RaisedMemory {
  readonly limit: string
  readonly ordinary: string
}

/** One isolated worker. */
export interface IsolatedWorker {
  readonly mode: IsolationMode
  /** Its pods while they are cut off from the network; while a cut-off worker is scaled down, those that are still ending. */
  readonly cutOff: readonly { readonly name: string; readonly uid: string }[]
}

/** Which temporary settings are in force; there is no clock in this layer. */
export interface ActiveSettings {
  readonly debug: readonly WorkerField[]
  readonly boost: readonly WorkerField[]
  /** Memory the remediation gave after OOM kills (`status.services[].raisedMemory`), by worker; absent: none. */
  readonly raisedMemory?: Readonly<Partial<Record<WorkerField, RaisedMemory>>>
  /** Workers that are isolated, their evidence taken; absent: none. */
  readonly isolated?: Readonly<Partial<Record<WorkerField, IsolatedWorker>>>
}

/** How an object is written: Apply by server-side apply and kept in shape; CreateOnce created when absent and never rewritten. */
export type WritePolicy = 'Apply' | 'CreateOnce'

/** One object that must exist. */
export interface DesiredObject {
  readonly stage: Stage
  readonly policy: WritePolicy
  readonly object: KubeObject
}

/** What a builder is given. */
export interface DesireInput {
  readonly bot: ResolvedTodoChatbot
  readonly facts: Facts
}

/** One concern: every object of that concern that must exist. What is not returned must not exist. */
export type Desire = (input: DesireInput) => readonly DesiredObject[]

/** One topic that must exist. */
export interface DesiredTopic {
  /** `taskEvents`, or `taskEvents.dlq` for its dead letters. */
  readonly alias: TopicAlias | `${TopicAlias}.dlq`
  readonly name: string
  /** Never reduced: fewer than the broker has is refused with a condition. */
  readonly partitions: number
  /** Used at creation only. */
  readonly replicationFactor: number
  /** Kafka's own keys and values; keys not named here are left as they are. */
  readonly config: Readonly<Record<string, string>>
  readonly deletionPolicy: 'Retain' | 'Delete'
}
