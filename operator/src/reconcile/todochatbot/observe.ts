/** The first verb: everything a reconcile looks at. Reads informers; asks the API server only for Secrets, and only with a reason. */
import { randomBytes } from 'node:crypto'
import type { KafkaConnection } from '../../apply/kafka-connection.ts'
import type { TopicKeeper } from '../../apply/topic-keeper.ts'
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import { annotation, label } from '../../api/v1alpha1/labels.ts'
import { names, workerNames, type DependencyName } from '../../api/v1alpha1/names.ts'
import { withDefaults, type ResolvedTodoChatbot } from '../../api/v1alpha1/defaults.ts'
import { isPaused } from '../../api/v1alpha1/paused.ts'
import { activeSettings } from '../../api/v1alpha1/temporary.ts'
import type { SpecProblem } from '../../api/v1alpha1/problems.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { kedaAutoscaler } from '../../desired/autoscalers.ts'
import { configProblems } from '../../desired/config-problems.ts'
import { embeddedDependencies } from '../../desired/dependencies.ts'
import { kafkaCluster, type SecretKey } from '../../desired/kafka-cluster.ts'
import { referencedSecrets, type SecretReference } from '../../desired/secret-references.ts'
import { topicConflicts, type TopicConflict } from '../../desired/topic-claims.ts'
import { decideReplicas, wantedReplicas } from '../../desired/replicas.ts'
import { desiredTopics } from '../../desired/topics.ts'
import type { Facts, OperandImages } from '../../desired/types.ts'
import { consumers, deadLetterTopics } from '../../desired/consumers.ts'
import { keyOf, type KubeObject } from '../../kube/object.ts'
import { finding, type Finding } from '../errors.ts'
import type { PodWatch } from '../pods/pod-watch.ts'
import type { SidecarMetadata } from '../pods/sidecar-metadata.ts'
import type { WorkerHealth } from '../pods/worker-health.ts'
import type { KafkaReport } from '../kafka/kafka-report.ts'
import type { KafkaWatch } from '../kafka/kafka-watch.ts'
import { isolatedNow, lookAtIsolations } from '../isolation/observe.ts'
import type { Isolations } from '../isolation/isolations.ts'
import { fenceOf, lastSwitch, type Fence } from '../restore/fence.ts'
import type { TopicClaims } from './claims.ts'
import type { Informers } from './informers.ts'
import type { WorkloadState } from './readiness.ts'
import { raisedMemories } from './remediation/raised-memory.ts'
import type { KnownSecret, SecretReader } from './secret-reader.ts'
import { sidecarTargets, type SidecarReport } from './sidecars.ts'
import type { TopicsSeen } from './topics.ts'
import { neverBegun } from './priority.ts'
import { liveScale, scaleFacts } from './replicas.ts'
import { healthTargets, type HealthReport } from './worker-health.ts'
import {
  autoscalerProblem,
  claimView,
  jobView,
  podView,
  scaledObjectProblem,
  workloadView,
  type JobView,
  type PodView,
} from './views.ts'

/** Where observations come from. */
export interface Sources {
  readonly informers: Informers
  readonly secrets: SecretReader
  readonly topics: TopicKeeper
  readonly sidecars: PodWatch<SidecarMetadata>
  readonly health: PodWatch<WorkerHealth>
  readonly kafka: KafkaWatch
  readonly claims: TopicClaims
  /** ms since the epoch */
  readonly now: () => number
  readonly operatorVersion: string
  readonly images: OperandImages
}

/** What does not change during a reconcile. */
export interface Seen {
  /** `namespace/name` */
  readonly key: string
  readonly bot: TodoChatbot
  /** With every default filled in. */
  readonly resolved: ResolvedTodoChatbot
  readonly resource: KubeObject
  /** ms since the epoch */
  readonly now: number
  readonly problems: readonly SpecProblem[]
  readonly paused: boolean
  readonly isolation: Isolations
  /** The Restore that holds the workers away. */
  readonly fence: Fence | undefined
  /** The Restore that replaced the data last. */
  readonly restored: string | undefined
  readonly facts: Facts
  /** External Secrets that are missing or incomplete, by what needs them. */
  readonly secretFindings: Readonly<Record<'database' | 'stateStore' | 'kafka', Finding | undefined>>
  /** Generated Secrets that are not known to exist. */
  readonly ungenerated: readonly string[]
  readonly conflicts: readonly TopicConflict[]
  /** Undefined while a Secret it needs is missing. */
  readonly connection: KafkaConnection | undefined
}

/** What changes while a reconcile applies: read once before and once after. */
export interface Live {
  readonly workers: Readonly<Record<WorkerField, WorkloadState>>
  /** Why the autoscaler of a worker cannot act. */
  readonly autoscalerProblems: Readonly<Partial<Record<WorkerField, string>>>
  /** Embedded ones only. */
  readonly dependencies: Readonly<Partial<Record<DependencyName, WorkloadState>>>
  readonly migration: { readonly job: JobView | undefined; readonly pods: readonly PodView[] }
  /** By pod. */
  readonly sidecars: ReadonlyMap<string, SidecarReport>
  /** What worker pods say of themselves, by pod. */
  readonly health: ReadonlyMap<string, HealthReport>
}

/** How long a reading of a Secret counts while the system is not ready, in ms; also how often such a system is looked at again. */
export const secretMaxAge = 30_000

/** Looks at the resource and at what it refers to. */
export async function observe(
  sources: Sources,
  bot: TodoChatbot,
  resource: KubeObject,
  signal: AbortSignal,
): Promise<Seen> {
  const { name, namespace } = bot.metadata
  const now = sources.now()
  const known = await readSecrets(sources, bot, signal)
  const isolation = lookAtIsolations(sources.informers, bot, now)
  const references = referencedSecrets(bot)
  const restores = sources.informers.Restore.inNamespace(namespace)
  const fence = fenceOf(bot, restores)
  return {
    key: `${namespace}/${name}`,
    bot,
    resolved: withDefaults(bot),
    resource,
    now,
    problems: configProblems(bot),
    paused: isPaused(bot, now),
    isolation,
    fence,
    restored: lastSwitch(bot, restores),
    facts: factsFrom(sources, known, {
      active: {
        ...activeSettings(bot, now),
        ...raisedMemories(bot),
        isolated: isolatedNow(sources.informers, bot, isolation),
      },
      scale: scaleFacts(sources.informers, bot, sources.topics.peek(`${namespace}/${name}`)),
      ...(fence === undefined ? {} : { fence: fence.restore }),
    }),
    secretFindings: {
      database: secretFinding(references, known, 'spec.database'),
      stateStore: secretFinding(references, known, 'spec.stateStore'),
      kafka: secretFinding(references, known, 'spec.kafka'),
    },
    ungenerated: references
      .filter(({ name: secret, field }) => field === undefined && !known.has(secret))
      .map((secret) => secret.name),
    conflicts: topicConflicts(bot, sources.claims.rivals(bot)),
    connection: connectionOf(bot, known),
  }
}

/** Facts for desired state, from the Secrets that are known. */
export function factsFrom(
  { operatorVersion, images }: Pick<Sources, 'operatorVersion' | 'images'>,
  known: ReadonlyMap<string, KnownSecret>,
  seen: Pick<Facts, 'active' | 'scale' | 'fence'>,
): Facts {
  const random = (): string => randomBytes(32).toString('base64url')
  return {
    operatorVersion,
    images,
    credentials: {
      ownerPassword: random(),
      appPassword: random(),
      redisPassword: random(),
      jwtKey: random(),
      serviceToken: random(),
      appToken: random(),
    },
    ...seen,
    secretHashes: Object.fromEntries([...known].map(([name, { hash }]) => [name, hash])),
  }
}

/** Looks at what the system consists of now. Declares its pods to the watches, so that they are asked. */
export function lookAt(
  { informers, sidecars, health }: Pick<Sources, 'informers' | 'sidecars' | 'health'>,
  { key, resolved: bot, facts }: Pick<Seen, 'key' | 'resolved' | 'facts'>,
  jobName: string,
): Live {
  const { name: system, namespace } = bot.metadata
  const pods = informers.Pod.inNamespace(namespace)
    .filter(({ metadata }) => metadata.labels?.[label.instance] === system)
    .map(podView)
  const claims = informers.PersistentVolumeClaim.inNamespace(namespace)
    .filter(({ metadata }) => metadata.labels?.[label.instance] === system)
    .map(claimView)
  const state = (kind: 'Deployment' | 'StatefulSet', name: string, app: string, wanted: number): WorkloadState => {
    const live = informers[kind].get({ namespace, name })
    return {
      kind,
      name,
      wanted,
      live: live === undefined ? undefined : workloadView(live),
      pods: pods.filter(({ labels }) => labels[label.name] === app),
      claims,
    }
  }
  const workers = Object.fromEntries(
    workerFields.map((field) => {
      const worker = workerNames[field]
      const name = names.worker(system, worker)
      const present = liveScale(informers, { namespace, name })?.replicas
      return [field, state('Deployment', name, worker, wantedReplicas(decideReplicas({ bot, facts }, field), present))]
    }),
  ) as Record<WorkerField, WorkloadState>
  const job = informers.Job.get({ namespace, name: jobName })
  return {
    workers,
    autoscalerProblems: Object.fromEntries(
      workerFields.flatMap((field) => {
        const problem = scalingProblem(informers, { namespace, name: names.worker(system, workerNames[field]) })
        return problem === undefined ? [] : [[field, problem]]
      }),
    ),
    dependencies: Object.fromEntries(
      embeddedDependencies(bot).map((dependency) => [
        dependency,
        state('StatefulSet', names.dependency(system, dependency), dependency, 1),
      ]),
    ),
    migration: {
      job: job === undefined ? undefined : jobView(job),
      pods: pods.filter(({ labels }) => labels['batch.kubernetes.io/job-name'] === jobName),
    },
    sidecars: sidecars.ensure(
      key,
      sidecarTargets(Object.values(workers).map((worker) => ({ appId: worker.name, ...worker }))),
    ),
    health: health.ensure(key, healthTargets(workers)),
  }
}

/** KEDA's own autoscaler carries our labels, so it is seen like ours. */
function scalingProblem(
  { ScaledObject, HorizontalPodAutoscaler }: Informers,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string | undefined {
  const scaled = ScaledObject.get({ namespace, name })
  const refused = scaled === undefined ? undefined : scaledObjectProblem(ScaledObject.whole(scaled))
  if (refused !== undefined) return refused
  const autoscaler = HorizontalPodAutoscaler.get({
    namespace,
    name: scaled === undefined ? name : kedaAutoscaler(name),
  })
  return autoscaler === undefined ? undefined : autoscalerProblem(HorizontalPodAutoscaler.whole(autoscaler))
}

/**
 * Declares the topics to the keeper and returns what it knows. Nothing is declared while the broker is not up, so that its start is not
 * spent on retries; an edit that is refused as a whole leaves the earlier declaration in force.
 */
export function lookAtTopics(keeper: TopicKeeper, seen: Seen, brokerIsUp: boolean): TopicsSeen {
  const desired = desiredTopics(seen.bot)
  const { conflicts, connection, key } = seen
  if (seen.problems.length > 0) return { desired, conflicts, report: keeper.peek(key) }
  if (connection === undefined || !brokerIsUp) {
    keeper.suspend(key)
    return { desired, conflicts, report: keeper.peek(key) }
  }
  const lost = new Set(conflicts.map(({ topic }) => topic))
  return {
    desired,
    conflicts,
    report: keeper.ensure(
      key,
      connection,
      desired.filter(({ name }) => !lost.has(name)),
    ),
  }
}

/** Declares what to look at in Kafka and returns what is known; as {@link lookAtTopics}. Undefined: nothing was ever declared. */
export function lookAtKafka(watch: KafkaWatch, seen: Seen, brokerIsUp: boolean): KafkaReport | undefined {
  const { connection, key, bot } = seen
  if (seen.problems.length > 0) return watch.peek(key)
  if (connection === undefined || !brokerIsUp) {
    watch.suspend(key)
    return watch.peek(key)
  }
  return watch.ensure(key, connection, {
    consumers: consumers(bot),
    topics: desiredTopics(bot).map(({ name }) => name),
    deadLetterTopics: deadLetterTopics(bot),
  })
}

async function readSecrets(
  { secrets }: Sources,
  bot: TodoChatbot,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KnownSecret>> {
  const { namespace, generation, uid, annotations } = bot.metadata
  const ready = findCondition(bot.status?.conditions, 'Ready')
  const isReady = ready?.status === 'True' && ready.observedGeneration === generation
  const isFresh = neverBegun(bot.status)
  const freshness = {
    owner: keyOf(bot.metadata),
    token: [uid, generation, annotations?.[annotation.restart], annotations?.[annotation.retryMigration]].join(' '),
    maxAge: isReady ? Infinity : secretMaxAge,
  }
  const read = await Promise.all(
    referencedSecrets(bot).map(async ({ name, field }) => {
      const ref = { namespace, name }
      // A generated Secret of a resource nobody has worked on yet is not there: creating it says so as well as asking would.
      const secret = field === undefined && isFresh ? secrets.known(ref) : await secrets.read(ref, freshness, signal)
      return secret === undefined ? [] : [[name, secret] as const]
    }),
  )
  return new Map(read.flat())
}

function secretFinding(
  references: readonly SecretReference[],
  known: ReadonlyMap<string, KnownSecret>,
  part: string,
): Finding | undefined {
  for (const { name, keys, field } of references) {
    if (field?.startsWith(part) !== true) continue
    const secret = known.get(name)
    if (secret === undefined) return finding('SecretMissing', `Secret/${name}`, `does not exist, and ${field} names it`)
    const missing = keys.filter((key) => !secret.keys.has(key))
    if (missing.length > 0) {
      const has = [...secret.keys].join(', ')
      return finding(
        'SecretKeyMissing',
        `Secret/${name}`,
        `has no key ${missing.join(', ')}, which ${field} names; it has ${has === '' ? 'none' : has}`,
      )
    }
  }
  return undefined
}

function connectionOf(bot: TodoChatbot, known: ReadonlyMap<string, KnownSecret>): KafkaConnection | undefined {
  const { brokers, tls, sasl } = kafkaCluster(bot)
  const value = ({ name, key }: SecretKey): string | undefined => known.get(name)?.value(key)
  const ca = tls?.ca === undefined ? undefined : value(tls.ca)
  const login = sasl === undefined ? undefined : { username: value(sasl.username), password: value(sasl.password) }
  if (tls?.ca !== undefined && ca === undefined) return undefined
  if (login !== undefined && (login.username === undefined || login.password === undefined)) return undefined
  return {
    brokers,
    ...(tls === undefined ? {} : { tls: ca === undefined ? {} : { ca } }),
    ...(sasl === undefined || login?.username === undefined || login.password === undefined
      ? {}
      : { sasl: { mechanism: mechanisms[sasl.mechanism], username: login.username, password: login.password } }),
  }
}

/** kafkajs' names of the SASL mechanisms. */
const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const
