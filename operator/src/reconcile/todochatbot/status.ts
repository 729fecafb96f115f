/** The fourth verb's result: the whole status, computed from scratch every time. Pure. */
import { mergeConditions } from '../../api/v1alpha1/conditions.ts'
import { names, workerNames, workerPorts } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { temporariesAt } from '../../api/v1alpha1/temporary.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { auditCondition, checksSection } from '../checks/publish.ts'
import type { KeptBackups } from '../backup/system.ts'
import type { CheckReport } from '../checks/check-watch.ts'
import { finding, lineOf, messageOf, worst, type Finding } from '../errors.ts'
import { standingStill } from '../isolation/isolations.ts'
import { isolatedCondition, isolationStatuses } from '../isolation/status.ts'
import { hasBeenReady, pauseDetail, type Assessment, type Observed } from './assess.ts'
import { fenceFinding } from '../restore/fence.ts'
import type { Gates } from './gates.ts'
import { isRolledOut } from './readiness.ts'
import type { Remediation } from './remediation/index.ts'
import { hotSettings } from './settings.ts'
import { componentStatuses } from './sidecars.ts'
import { consumptionOf, lagSummary } from './status/consumption.ts'
import { conditionUpdates, keptWhileAsked, overallFinding, unintendedFinding } from './status/conditions.ts'
import { operationStatus, phaseOf, timestamp } from './status/operation.ts'
import type { Rollouts } from './rollouts.ts'
import { rolloutStatus, type RolloutStatus } from './status/rollouts.ts'
import { scalingFinding, scalingOf } from './status/scaling.ts'
import { allowedVerbs } from './status/verbs.ts'
import { serviceStatuses, type Rollout } from './status/sections.ts'
import { topicStatuses } from './topics.ts'

/** What became of the desired objects. */
export interface Applied {
  /** Objects that could not be written. */
  readonly failures: readonly Finding[]
  /** Objects that differ from what is desired and are held by a closed gate, as `Kind/name`. */
  readonly outdated: readonly string[]
}

/** What a status is made from. */
export interface StatusInput {
  readonly observed: Observed
  readonly assessment: Assessment
  readonly gates: Gates
  readonly applied: Applied
  /** What is rolled out of each worker, as far as its Deployment exists. */
  readonly running: Readonly<Partial<Record<WorkerField, Rollout>>>
  readonly rollouts: Pick<Rollouts, 'plan' | 'templates' | 'held' | 'objects'>
  /** Workers whose present template is to be refused, with the reason; see status/rollouts.ts. */
  readonly refusals?: Readonly<Partial<Record<WorkerField, string>>>
  readonly remediation: Remediation
  /** Version this generation asks for. */
  readonly version: string
  /** Undefined: no round of the checks is over in this process. */
  readonly checks: CheckReport | undefined
  readonly backups: Pick<KeptBackups, 'section' | 'condition'>
}

/** Computes the status. */
export function statusOf(input: StatusInput): TodoChatbotStatus {
  const { observed, assessment, gates, version, remediation } = input
  const { exhausted } = remediation
  const { seen, live, topics, components, kafka } = observed
  const { bot, now } = seen
  const { generation } = bot.metadata
  const rollout = rolloutStatus({ ...input, refusals: remediation.refusals })
  const upToDate = upToDateFinding(input, rollout)
  const overall = overallFinding({ assessment, upToDate, exhausted })
  const unintended = unintendedFinding({ assessment, upToDate, exhausted })
  const isolations = isolationStatuses({
    bot,
    isolations: seen.isolation,
    previous: bot.status?.services ?? [],
    membersOf: (worker) => kafka?.consumers[worker]?.members.map(({ host }) => host),
    addressesOf: (worker) => live.workers[worker].pods.flatMap(({ ip }) => ip ?? []),
    now: timestamp(now),
  })
  const before = hasBeenReady(seen)
  const operation = operationStatus({
    generation,
    before,
    upToDate,
    overall: unintended,
    held: gates.held,
    rollout,
    restore: seen.fence?.restore,
    previous: bot.status?.operation,
    verbs: allowedVerbs({
      paused: seen.paused,
      isolated: seen.isolation.current.length > 0,
      migrationFailed: assessment.migration?.reason === 'MigrationFailed',
      rolling: rollout.rolling !== undefined,
      refused: rollout.blocked.length > 0,
    }),
    now,
  })
  const overdue = operation?.deadline !== undefined && now >= Date.parse(operation.deadline)
  const scaling = scalingOf(seen, live.autoscalerProblems)
  const updates = conditionUpdates({
    assessment,
    upToDate,
    heldBy: gates.held?.by,
    paused: seen.paused ? { since: pauseDetail(seen) } : undefined,
    isolated: isolatedCondition(bot, isolations),
    restoring: seen.fence === undefined ? undefined : fenceFinding(seen.fence),
    before,
    exhausted,
    remediation: remediation.underWay,
    overdue,
    scalingLimited: scalingFinding(seen, scaling),
  })
  const checks = checksSection(bot.status, input.checks, timestamp(now))
  updates.push(auditCondition(checks, bot.status, bot.metadata.name), input.backups.condition)
  const running = upToDate === undefined && overall === undefined ? version : bot.status?.version
  return {
    observedGeneration: generation,
    phase: phaseOf({
      isolated: seen.isolation.current.some(({ inForce }) => inForce),
      restoring: seen.fence !== undefined,
      paused: seen.paused,
      before,
      overall,
      operation,
    }),
    summary: overall === undefined ? `Version ${version} runs` : lineOf(overall).slice(0, 1024),
    ...(running === undefined ? {} : { version: running }),
    endpoint: endpointOf(bot),
    conditions: mergeConditions(
      bot.status?.conditions,
      keptWhileAsked(updates, bot, assessment),
      generation,
      timestamp(now),
    ),
    services: serviceStatuses({
      live,
      assessment,
      consumption: consumptionOf(bot, kafka),
      running: input.running,
      rollout,
      hot: hotSettings(input.rollouts.objects),
      temporaries: temporariesAt(bot, now),
      scaling,
      isolations,
      previous: bot.status?.services ?? [],
      now: timestamp(now),
    }).map((service) => ({ ...service, ...remediation.services.get(service.name) })),
    ...lagSummary(kafka),
    topics: topicStatuses(topics),
    components: componentStatuses(
      workerFields.map((field) => ({ appId: live.workers[field].name, ...live.workers[field] })),
      components,
      live.sidecars,
    ),
    ...(operation === undefined ? {} : { operation }),
    ...(input.backups.section === undefined ? {} : { backup: input.backups.section }),
    ...(remediation.ledger.length === 0 ? {} : { remediation: [...remediation.ledger] }),
    ...(remediation.storm === undefined ? {} : { storm: remediation.storm }),
    ...(rollout.blocked.length === 0 ? {} : { blockedRevisions: [...rollout.blocked] }),
    ...checks,
  }
}

/** Status of a resource whose stored spec does not fit the schema: nothing else can be said. */
export function invalidStatus(resource: {
  generation: number
  previous: TodoChatbotStatus | undefined
  problems: string
  now: number
  name: string
}): TodoChatbotStatus {
  const { generation, previous, problems, now, name } = resource
  const found = finding('SpecInvalid', `TodoChatbot/${name}`, problems)
  const said = { reason: found.reason, message: messageOf(found).slice(0, 4096) }
  return {
    ...previous,
    observedGeneration: generation,
    phase: 'Stalled',
    summary: lineOf(found).slice(0, 1024),
    conditions: mergeConditions(
      previous?.conditions,
      [
        { type: 'Ready', status: 'False', ...said },
        { type: 'Reconciling', status: 'False', reason: 'Done', message: 'Nothing to do' },
        { type: 'Stalled', status: 'True', ...said },
        { type: 'ConfigValid', status: 'False', ...said },
      ],
      generation,
      timestamp(now),
    ),
  }
}

/** Why the cluster does not hold what this generation asks for: refused writes, held objects, unfinished rollouts. Health is not part of it. */
function upToDateFinding(
  { observed: { live, seen }, applied, gates, rollouts }: StatusInput,
  rollout: RolloutStatus,
): Finding | undefined {
  const refused = worst(applied.failures)
  if (refused !== undefined) return refused
  if (rollout.finding !== undefined) return rollout.finding
  const [first] = applied.outdated
  if (first !== undefined) {
    const by = gates.held?.by ?? rollouts.held.get(first)
    const more = applied.outdated.length > 1 ? ` and ${applied.outdated.length - 1} more` : ''
    if (by?.reason === 'Paused' || by?.reason === 'Isolated' || by?.reason === 'Restoring') return by
    return finding(
      'Waiting',
      first,
      `${more === '' ? 'waits' : `waits, ${more.trim()}`}${by === undefined ? '' : `, for ${by.object}: ${by.detail}`}`,
    )
  }
  const standing = standingStill(seen.isolation)
  const moving = workerFields.filter((field) => !standing.has(field)).map((field) => live.workers[field])
  const rolling = [...Object.values(live.dependencies), ...moving].find((state) => !isRolledOut(state))
  return rolling === undefined
    ? undefined
    : finding(
        'RollingOut',
        `${rolling.kind}/${rolling.name}`,
        `${rolling.live?.updated ?? 0} of ${rolling.wanted} pods are of the newest version`,
      )
}

function endpointOf({ metadata: { name, namespace } }: TodoChatbot): string {
  return `http://${names.worker(name, workerNames.chatApi)}.${namespace}.svc:${workerPorts.chatApi}`
}
