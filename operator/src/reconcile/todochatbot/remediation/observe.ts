/** What the state machine of step.ts is told: the workers with their signals, and what lies outside them. Pure. */
import { isolationAt } from '../../../api/v1alpha1/isolation.ts'
import { findCondition, type ConditionType } from '../../../api/v1alpha1/conditions.ts'
import { parseDuration } from '../../../api/v1alpha1/durations.ts'
import { workerNames } from '../../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../../api/v1alpha1/todochatbot.ts'
import { lineOf, worst } from '../../errors.ts'
import { fenceFinding } from '../../restore/fence.ts'
import { pauseDetail, type Assessment, type Observed } from '../assess.ts'
import { isRolledOut, type WorkloadState } from '../readiness.ts'
import type { HealthReport } from '../worker-health.ts'
import { consumptionSeen } from './consumption.ts'
import { nextLimit, type MemoryBounds } from './raised-memory.ts'
import { signalsOf } from './signals.ts'
import type { Acted, Evidence, Policy, StepInput, WorkerState } from './types.ts'

/** What is seen, judged, and done so far. */
export interface RemediationInput {
  readonly observed: Observed
  readonly assessment: Assessment
  readonly acted: Acted | undefined
  readonly evidence: Evidence | undefined
}

/** Everything {@link step} looks at. */
export function stepInput({ observed, assessment, acted, evidence }: RemediationInput): StepInput {
  const { seen, live } = observed
  const { bot, now } = seen
  return {
    policy: policyOf(bot),
    generation: bot.metadata.generation,
    workers: workerFields.flatMap((field) => workerState(field, observed) ?? []),
    outside: outsideOf(assessment, seen.secretFindings) ?? brokenControlPlane(bot) ?? unusableDatabase(live.health),
    asked: askedOf(assessment),
    outsideUntil: lastEndOf(bot, now, ['DatabaseReady', 'StateStoreReady', 'KafkaReady', 'TopicsReady', 'ConfigValid']),
    frozen: frozenBy(observed, assessment),
    ledger: bot.status?.remediation ?? [],
    storm: bot.status?.storm,
    acted,
    evidence,
    now,
  }
}

/** What makes the whole system stand still. */
const frozenBy = ({ seen }: Pick<Observed, 'seen'>, { config }: Assessment): string | undefined => {
  if (seen.fence !== undefined) return lineOf(fenceFinding(seen.fence))
  if (seen.paused) return `the system ${pauseDetail(seen)}`
  return config === undefined ? undefined : lineOf(config)
}

/** `spec.remediation` with times in ms. */
export function policyOf({ spec: { remediation, update } }: Pick<TodoChatbot, 'spec'>): Policy {
  return {
    enabled: remediation.enabled,
    unhealthyAfter: parseDuration(remediation.unhealthyAfter),
    healthyDelay: parseDuration(remediation.healthyDelay),
    stormCooldown: parseDuration(remediation.stormCooldown),
    minHealthy: remediation.minHealthy,
    ladder: remediation.ladder,
    actionsPerHour: remediation.actionsPerHour,
    recovery: parseDuration(update.progressDeadline),
  }
}

/** Memory of a worker, as RaiseMemory sees it. */
export function memoryBounds({ seen: { resolved, bot } }: Pick<Observed, 'seen'>, field: WorkerField): MemoryBounds {
  return {
    ordinary: resolved.spec.services[field].resources.limits?.memory,
    raised: bot.status?.services?.find(({ name }) => name === workerNames[field])?.raisedMemory,
    max: bot.spec.remediation.maxMemory,
  }
}

function workerState(field: WorkerField, observed: Observed): WorkerState | undefined {
  const { seen, live, components } = observed
  const { bot, now } = seen
  const state = live.workers[field]
  if (state.wanted === 0 || isolationAt(bot, field, now) !== undefined) return undefined
  const name = workerNames[field]
  const pods = state.pods.filter(
    ({ terminating, phase }) => !terminating && phase !== 'Succeeded' && phase !== 'Failed',
  )
  const consumer = consumptionSeen(bot, observed.kafka, field, now)
  const { signals, obstacle } = signalsOf({
    state,
    container: name,
    components: components.filter(({ scopes }) => scopes.includes(state.name)).map((component) => component.name),
    loaded: new Map(
      [...live.sidecars].flatMap(([pod, report]) =>
        report.state === 'Answered'
          ? [[pod, report.answer.components.map((component) => component.name)] as const]
          : [],
      ),
    ),
    health: live.health,
    consumer,
    healthyDelay: parseDuration(bot.spec.remediation.healthyDelay),
    now,
  })
  const readyPods = pods.filter(({ ready }) => ready).map((pod) => pod.name)
  const before = bot.status?.services?.find((service) => service.name === name)?.unhealthy
  const exempt = isRolling(state) && !isOurs(bot, name) ? `Deployment/${state.name} is being rolled out` : undefined
  return {
    name,
    signals,
    ...(obstacle === undefined ? {} : { obstacle }),
    ready: isRolledOut(state) && (state.live?.ready ?? 0) >= state.wanted,
    answered: readyPods.every((pod) => [live.sidecars, live.health].every((of) => of.get(pod)?.state === 'Answered')),
    readyPods,
    podCount: pods.length,
    ...(exempt === undefined ? {} : { exempt }),
    ...(before === undefined ? {} : { before }),
    ...(consumer.lookAt === undefined ? {} : { lookAt: consumer.lookAt }),
    possible: (action) => {
      if (action === 'RaiseMemory') return nextLimit(memoryBounds(observed, field)) !== undefined
      if (action === 'RollBack') return canRollBack(bot, name, state)
      return true
    },
  }
}

/** There is a template that was healthy and is not the one that fails now, and going back is left to the operator. */
function canRollBack({ spec, status }: TodoChatbot, worker: string, { live }: WorkloadState): boolean {
  const service = status?.services?.find(({ name }) => name === worker)
  const now = live?.template?.hash
  return (
    now !== undefined &&
    spec.update.rollback === 'Automatic' &&
    [service?.lastHealthy, service?.healthyBefore].some((past) => past !== undefined && past.template !== now)
  )
}

/** A rollout that goes on: not done, and not given up by the Deployment controller. */
function isRolling(state: WorkloadState): boolean {
  const progress = state.live?.conditions.find(({ type }) => type === 'Progressing')
  return !isRolledOut(state) && progress?.status !== 'False' && progress?.reason !== 'NewReplicaSetAvailable'
}

/** The newest change of the pods came from the remediation itself. */
function isOurs({ status, metadata }: TodoChatbot, worker: string): boolean {
  const last = status?.remediation?.find((entry) => entry.worker === worker)
  return last?.generation === metadata.generation
}

function outsideOf(
  { database, migration, stateStore, kafka, usableTopics, daprInstalled }: Assessment,
  secrets: Observed['seen']['secretFindings'],
): string | undefined {
  const brokers = kafka?.reason === 'Checking' ? [] : [kafka, usableTopics]
  const found = worst([...Object.values(secrets), database, migration, stateStore, ...brokers, daprInstalled])
  return found === undefined ? undefined : lineOf(found)
}

/** Brokers that have not answered yet are neither well nor a cause. */
const askedOf = ({ kafka }: Assessment): string | undefined =>
  kafka?.reason === 'Checking' ? lineOf(kafka) : undefined

/** Fresh pods would get no sidecar, or one that does not start. As old as the routine check. */
function brokenControlPlane({ status }: TodoChatbot): string | undefined {
  const check = status?.checks?.find(({ name }) => name === 'dapr-control-plane')
  return check?.result === 'Failed' ? `the control plane of Dapr: ${check.message ?? check.figure ?? ''}` : undefined
}

/** No worker that answers can use the database: so it is the database, also where it is not ours to look at. */
function unusableDatabase(reports: ReadonlyMap<string, HealthReport>): string | undefined {
  const answers = [...reports.values()].flatMap((report) => (report.state === 'Answered' ? [report.answer] : []))
  const failing = answers.filter(({ failing: checks, poolExhausted }) => 'database' in checks && !poolExhausted)
  const [first] = failing
  return first === undefined || failing.length < answers.length
    ? undefined
    : `no worker can use the database: ${first.failing['database'] ?? ''}`
}

/** When the last of some conditions began to hold, in ms since the epoch; now, while status does not say yet that it does. */
function lastEndOf({ status }: TodoChatbot, now: number, types: readonly ConditionType[]): number {
  const ends = types.flatMap((type) => findCondition(status?.conditions, type) ?? [])
  return Math.max(
    0,
    ...ends.map((found) => (found.status === 'True' ? Date.parse(found.lastTransitionTime) || 0 : now)),
  )
}
