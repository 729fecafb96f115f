/** Builders of what a reconcile observes, for tests of the pure parts. Everything is ready unless a test says otherwise. */
import { withDefaults } from '../../src/api/v1alpha1/defaults.ts'
import { workerNames } from '../../src/api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../src/api/v1alpha1/schema/services.ts'
import type { TodoChatbot, TodoChatbotSpecInput } from '../../src/api/v1alpha1/todochatbot.ts'
import type { TopicResult } from '../../src/apply/topic-session.ts'
import { desire, migrationJobName } from '../../src/desired/index.ts'
import { desiredTopics } from '../../src/desired/topics.ts'
import { planRollouts } from '../../src/reconcile/rollout/plan.ts'
import { assess, hasBeenReady, prerequisites, type Observed } from '../../src/reconcile/todochatbot/assess.ts'
import { gatesFor } from '../../src/reconcile/todochatbot/gates.ts'
import type { Live, Seen } from '../../src/reconcile/todochatbot/observe.ts'
import type { WorkloadState } from '../../src/reconcile/todochatbot/readiness.ts'
import { remediate } from '../../src/reconcile/todochatbot/remediation/index.ts'
import { templateHashes, workerRollouts } from '../../src/reconcile/todochatbot/rollouts.ts'
import { expectedComponents } from '../../src/reconcile/todochatbot/sidecars.ts'
import { statusOf, type StatusInput } from '../../src/reconcile/todochatbot/status.ts'
import type { PodView } from '../../src/reconcile/todochatbot/views.ts'
import { aTodoChatbot, someFacts } from './builders.ts'

/** 2026-01-01T00:10:00Z, in ms. */
export const now = Date.parse('2026-01-01T00:10:00Z')

/** A pod that is ready, with a sidecar. */
export const aPod = (name: string, over: Partial<PodView> = {}): PodView => ({
  name,
  labels: {},
  createdAt: '2026-01-01T00:00:00Z',
  terminating: false,
  ip: '10.0.0.1',
  phase: 'Running',
  ready: true,
  conditions: [],
  containerNames: ['worker', 'daprd'],
  containers: [{ name: 'worker', ready: true, restartCount: 0, state: { running: {} } }],
  ...over,
})

/** A workload that is rolled out and ready. */
export const aWorkload = (
  kind: WorkloadState['kind'],
  name: string,
  over: Partial<WorkloadState> = {},
): WorkloadState => ({
  kind,
  name,
  wanted: 1,
  live: { name, kind, generation: 1, observedGeneration: 1, replicas: 1, updated: 1, ready: 1, conditions: [] },
  pods: [aPod(`${name}-0`)],
  claims: [],
  ...over,
})

/** One of its pods runs and is not ready, or nothing is there at all. */
export const notReady = (state: WorkloadState): WorkloadState => ({
  ...state,
  live: state.live === undefined ? undefined : { ...state.live, ready: 0 },
  pods: state.pods.map((pod) => ({ ...pod, ready: false })),
})

/** What a test changes. */
export interface Changes {
  readonly spec?: TodoChatbotSpecInput
  readonly bot?: Partial<Pick<TodoChatbot, 'status'>> & { readonly generation?: number }
  readonly seen?: Partial<Seen>
  readonly live?: (live: Live) => Live
  readonly observed?: (observed: Observed) => Observed
}

/** Everything observed of a system. */
export function anObserved(changes: Changes = {}): Observed {
  const generation = changes.bot?.generation ?? 1
  const status = changes.bot?.status
  const bot: TodoChatbot = {
    ...aTodoChatbot(changes.spec, { generation }),
    ...(status === undefined ? {} : { status }),
  }
  const facts = someFacts()
  const desired = desire(bot, facts)
  const jobName = migrationJobName(bot, facts)
  const workers = Object.fromEntries(
    workerFields.map((field) => {
      const worker = aWorkload('Deployment', `todo-${workerNames[field]}`)
      const template = { hash: templateHashes(desired)[field], revision: '1', config: undefined }
      return [field, { ...worker, live: worker.live === undefined ? undefined : { ...worker.live, template } }]
    }),
  ) as Record<WorkerField, WorkloadState>
  const components = expectedComponents(desired.map(({ object }) => object))
  const loaded = components.map(({ name, type }) => ({ name, type }))
  const live: Live = {
    workers,
    autoscalerProblems: {},
    dependencies: {
      kafka: aWorkload('StatefulSet', 'todo-kafka'),
      postgresql: aWorkload('StatefulSet', 'todo-postgresql'),
      redis: aWorkload('StatefulSet', 'todo-redis'),
    },
    migration: { job: { name: jobName, state: 'Complete', message: '' }, pods: [] },
    sidecars: new Map(
      Object.values(workers).map(({ pods }) => [
        pods[0]?.name ?? '',
        { state: 'Answered', answer: { id: '', runtimeVersion: '', components: loaded, subscriptions: [] } },
      ]),
    ),
    health: new Map(
      Object.values(workers).map(({ pods }) => [
        pods[0]?.name ?? '',
        {
          state: 'Answered',
          answer: { phase: 'ready', failing: {}, poolExhausted: false, errorPercent: 0, config: {} },
        },
      ]),
    ),
  }
  const topics = desiredTopics(bot)
  const report = new Map<string, TopicResult>(
    topics.map(({ name, partitions }) => [name, { name, state: 'Ready', partitions, replicationFactor: 1 }]),
  )
  const observed: Observed = {
    seen: {
      key: 'todo-app/todo',
      bot,
      resolved: withDefaults(bot),
      resource: { ...bot, spec: {} },
      now,
      problems: [],
      paused: false,
      facts,
      isolation: { current: [], ending: [], toClose: [] },
      fence: undefined,
      restored: undefined,
      secretFindings: { database: undefined, stateStore: undefined, kafka: undefined },
      ungenerated: [],
      conflicts: [],
      connection: { brokers: ['todo-kafka.todo-app.svc:9092'] },
      ...changes.seen,
    },
    live: changes.live?.(live) ?? live,
    topics: { desired: topics, conflicts: [], report: { pending: false, topics: report } },
    kafka: undefined,
    components,
    missingKinds: [],
    jobName,
  }
  return changes.observed?.(observed) ?? observed
}

/** The rollouts of what was observed: the templates it leads to, and the plan for them. */
export function rolloutsOf(observed: Observed): StatusInput['rollouts'] {
  const { bot, facts } = observed.seen
  const objects = desire(bot, facts)
  const templates = templateHashes(objects)
  const plan = planRollouts(workerRollouts(observed, assess(observed), templates), hasBeenReady(observed.seen))
  return { objects, templates, plan, held: new Map() }
}

/** The status of what was observed, with nothing held or refused unless a test says otherwise. */
export function aStatus(
  observed: Observed,
  applied: Partial<StatusInput['applied']> = {},
): ReturnType<typeof statusOf> {
  const assessment = assess(observed)
  return statusOf({
    observed,
    assessment,
    gates: gatesFor(prerequisites(assessment, observed.seen, false)),
    remediation: remediate({ observed, assessment, acted: undefined, evidence: undefined }),
    applied: { failures: [], outdated: [], ...applied },
    running: {},
    rollouts: rolloutsOf(observed),
    version: '0.1.0',
    backups: {
      section: undefined,
      condition: { type: 'BackupCurrent', status: 'True', reason: 'Current', message: 'A restore was verified' },
    },
    checks: {
      outcomes: [{ name: 'audit-chain', result: 'Passed' }],
      trail: undefined,
      leftovers: [],
      request: undefined,
    },
  })
}
