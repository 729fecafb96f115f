/** What is wrong with each part of a system, from what was observed. Pure; undefined means nothing. */
import type { DependencyName } from '../../api/v1alpha1/names.ts'
import { describeProblems } from '../../api/v1alpha1/problems.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { finding, worst, type Finding } from '../errors.ts'
import type { KafkaReport } from '../kafka/kafka-report.ts'
import { isolationFinding } from '../isolation/status.ts'
import { fenceFinding } from '../restore/fence.ts'
import { firstBlocker, lastError } from './blockers.ts'
import type { Prerequisites } from './gates.ts'
import type { Live, Seen } from './observe.ts'
import { workloadFinding } from './readiness.ts'
import { sidecarFinding, type ExpectedComponent } from './sidecars.ts'
import { brokerFinding, topicsFinding, usableFinding, type TopicsSeen } from './topics.ts'

/** One finding per part. */
export interface Assessment {
  readonly config: Finding | undefined
  readonly database: Finding | undefined
  readonly migration: Finding | undefined
  readonly stateStore: Finding | undefined
  readonly kafka: Finding | undefined
  readonly topics: Finding | undefined
  /** Why workers could not use the topics; weaker than `topics`. */
  readonly usableTopics: Finding | undefined
  /** Dapr's kinds are not installed. */
  readonly daprInstalled: Finding | undefined
  readonly workers: Readonly<Record<WorkerField, Finding | undefined>>
  readonly sidecars: Readonly<Record<WorkerField, Finding | undefined>>
  /** Workers that have to be ready before chat-api starts or changes its version. */
  readonly consumers: Finding | undefined
}

/** What an assessment is made from. */
export interface Observed {
  readonly seen: Seen
  readonly live: Live
  readonly topics: TopicsSeen
  /** Consumers, dead letters and replicas; undefined until the brokers were up once. */
  readonly kafka: KafkaReport | undefined
  readonly components: readonly ExpectedComponent[]
  /** Names of dapr.io kinds whose informer has not synced. */
  readonly missingKinds: readonly string[]
  /** Name of the migration Job of this version. */
  readonly jobName: string
}

/** Judges every part. */
export function assess({ seen, live, topics, components, missingKinds, jobName }: Observed): Assessment {
  const before = hasBeenReady(seen)
  const dependency = (name: DependencyName): Finding | undefined => {
    const state = live.dependencies[name]
    return state === undefined ? undefined : workloadFinding(state, before, seen.now)
  }
  const isolated = new Map(
    seen.isolation.current.flatMap((isolation) =>
      isolation.inForce ? [[isolation.worker, isolationFinding(seen.bot, isolation)] as const] : [],
    ),
  )
  const fenced = seen.fence === undefined ? undefined : fenceFinding(seen.fence)
  const workers = byWorker(
    (field) => isolated.get(field) ?? fenced ?? workloadFinding(live.workers[field], before, seen.now),
  )
  const daprInstalled =
    missingKinds.length === 0
      ? undefined
      : finding(
          'DaprNotInstalled',
          `CustomResourceDefinition/${missingKinds.join(', ')}`,
          'is not served by the API server',
        )
  return {
    config:
      seen.problems.length === 0
        ? undefined
        : finding('ConfigInvalid', `TodoChatbot/${seen.bot.metadata.name}`, describeProblems(seen.problems)),
    database: seen.secretFindings.database ?? dependency('postgresql'),
    migration: migrationFinding(live, jobName, seen.now),
    stateStore: seen.secretFindings.stateStore ?? dependency('redis'),
    kafka:
      seen.secretFindings.kafka ??
      dependency('kafka') ??
      brokerFinding(topics.report, seen.connection?.brokers.join(',') ?? ''),
    topics: topicsFinding(topics),
    usableTopics: usableFinding(topics),
    daprInstalled,
    workers,
    sidecars: byWorker((field) => {
      const { name, wanted, pods } = live.workers[field]
      // Whatever its sidecar says, it is not to be expected of it.
      if (isolated.has(field) || fenced !== undefined) return undefined
      return daprInstalled ?? sidecarFinding({ appId: name, wanted, pods }, components, live.sidecars, seen.now)
    }),
    consumers: worst(
      workerFields.filter((field) => field !== 'chatApi' && !isolated.has(field)).map((field) => workers[field]),
    ),
  }
}

/** Whether every worker of some version was ready once. Tells a start from a failure. */
export function hasBeenReady({ bot }: Pick<Seen, 'bot'>): boolean {
  return bot.status?.version !== undefined
}

/** The gates' view of an assessment. @param chatApiIsNew see {@link Prerequisites} */
export function prerequisites(assessment: Assessment, seen: Seen, chatApiIsNew: boolean): Prerequisites {
  const { config, database, migration, stateStore, kafka, usableTopics, daprInstalled, consumers } = assessment
  const secrets = worst([seen.secretFindings.stateStore, seen.secretFindings.kafka])
  return {
    database,
    migration,
    stateStore,
    kafka,
    topics: usableTopics,
    dapr: daprInstalled,
    secrets,
    consumers,
    fence: seen.fence === undefined ? undefined : fenceFinding(seen.fence),
    chatApiIsNew,
    frozen:
      config !== undefined
        ? { because: config, settings: false }
        : seen.paused
          ? { because: finding('Paused', `TodoChatbot/${seen.bot.metadata.name}`, pauseDetail(seen)), settings: true }
          : undefined,
  }
}

/** Who paused, why and until when. */
export function pauseDetail({ bot }: Pick<Seen, 'bot'>): string {
  const { paused } = bot.spec
  return paused === undefined ? 'is paused' : `is paused by ${paused.by} until ${paused.until}: ${paused.reason}`
}

function migrationFinding({ migration: { job, pods } }: Live, jobName: string, now: number): Finding | undefined {
  const object = `Job/${jobName}`
  if (job === undefined) return finding('Waiting', object, 'has not been started yet')
  if (job.state === 'Complete') return undefined
  if (job.state === 'Failed') return finding('MigrationFailed', object, lastError(pods) ?? job.message)
  const said = lastError(pods)
  return (
    firstBlocker(pods, now) ??
    finding('Migrating', object, said === undefined ? 'is running' : `is trying again; last error: ${said}`)
  )
}

const byWorker = <T>(value: (field: WorkerField) => T): Readonly<Record<WorkerField, T>> =>
  Object.fromEntries(workerFields.map((field) => [field, value(field)])) as Record<WorkerField, T>
