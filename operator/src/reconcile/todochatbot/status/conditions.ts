/** The conditions of a TodoChatbot, from findings. Pure. */
import { findCondition, type ConditionType, type ConditionUpdate } from '../../../api/v1alpha1/conditions.ts'
import { workerFields } from '../../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../../api/v1alpha1/todochatbot.ts'
import { finding, lineOf, messageOf, worst, type Finding } from '../../errors.ts'
import type { Assessment } from '../assess.ts'

/** What the conditions are made from. */
export interface ConditionsInput {
  readonly assessment: Assessment
  /** Why the cluster does not hold all that is desired of this generation. */
  readonly upToDate: Finding | undefined
  /** What holds the first stage that is held. */
  readonly heldBy: Finding | undefined
  readonly paused: { readonly since: string } | undefined
  /** Which workers are isolated, made by isolation/status.ts. */
  readonly isolated: ConditionUpdate
  /** The Restore that holds the workers away. */
  readonly restoring: Finding | undefined
  /** Every worker was ready once: a failure is then a degradation. */
  readonly before: boolean
  /** The remediation has nothing left to try. */
  readonly exhausted: Finding | undefined
  /** What the remediation is doing. */
  readonly remediation: string | undefined
  /** The running operation is past its deadline. */
  readonly overdue: boolean
  /** The first worker that gets fewer pods than were asked for. */
  readonly scalingLimited: Finding | undefined
}

/** The one finding that says why a system is not ready; undefined when it is. An isolation is on purpose, so it comes after equally bad ones. */
export function overallFinding(
  input: Pick<ConditionsInput, 'assessment' | 'upToDate' | 'exhausted'>,
): Finding | undefined {
  return worst([unintendedFinding(input), isolatedFinding(input.assessment), input.upToDate])
}

/** The same without isolations: what there is to do, and what may be stuck. */
export function unintendedFinding({
  assessment,
  upToDate,
  exhausted,
}: Pick<ConditionsInput, 'assessment' | 'upToDate' | 'exhausted'>): Finding | undefined {
  const found = [...Object.values(domainFindings(assessment, undefined, 'Unintended')), upToDate, exhausted]
  return worst(found.filter((one) => one?.reason !== 'Isolated'))
}

const isolatedFinding = ({ workers }: Assessment): Finding | undefined =>
  worst(workerFields.map((field) => workers[field]).filter((one) => one?.reason === 'Isolated'))

/** All conditions, in any order. */
export function conditionUpdates(input: ConditionsInput): ConditionUpdate[] {
  const { assessment, upToDate, heldBy, before, overdue, paused } = input
  const overall = overallFinding(input)
  const unintended = unintendedFinding(input)
  const domains = domainFindings(assessment, heldBy)
  const stalled = unintended !== undefined && (unintended.severity === 'Terminal' || overdue)
  const degraded = before && overall !== undefined && overall.severity !== 'Progress'
  return [
    {
      type: 'Ready',
      ...(overall === undefined
        ? { status: 'True', reason: 'Ready', message: 'Everything runs as specified' }
        : { ...said(overall), status: overall.severity === 'Progress' ? 'Unknown' : 'False' }),
    },
    flag('Reconciling', unintended !== undefined && !stalled ? unintended : undefined, 'Done', 'Nothing to do'),
    flag(
      'Stalled',
      stalled ? (unintended.severity === 'Terminal' ? unintended : overdueFinding(unintended)) : undefined,
      'AsExpected',
      'Nothing is stuck',
    ),
    ...Object.entries(domains).map(([type, found]) => holds(type as keyof typeof domains, found)),
    upToDate === undefined
      ? {
          type: 'UpToDate',
          status: 'True',
          reason: 'Applied',
          message: 'Everything of this generation is applied and rolled out',
        }
      : { type: 'UpToDate', status: 'False', ...said(upToDate) },
    degradedUpdate(degraded ? overall : undefined, input.remediation),
    flag('ScalingLimited', input.scalingLimited, 'AsExpected', 'No worker is kept from the number of pods asked for'),
    paused === undefined
      ? { type: 'Paused', status: 'False', reason: 'NotPaused', message: 'Changes are carried out' }
      : { type: 'Paused', status: 'True', reason: 'Paused', message: paused.since },
    input.isolated,
    flag('Restoring', input.restoring, 'NotRestoring', 'No Restore holds the workers away'),
  ]
}

/**
 * Without those about brokers that have not answered yet, where the last word on the same spec was good: a restart of the operator is no news
 * of Kafka, and a condition that turns tells when a cause outside ended.
 */
export function keptWhileAsked(
  updates: readonly ConditionUpdate[],
  { status, metadata }: Pick<TodoChatbot, 'status' | 'metadata'>,
  { kafka }: Pick<Assessment, 'kafka'>,
): readonly ConditionUpdate[] {
  if (kafka?.reason !== 'Checking') return updates
  return updates.filter(({ type }) => {
    const before = findCondition(status?.conditions, type)
    const held = before?.status === 'True' && before.observedGeneration === metadata.generation
    return !(held && (type === 'KafkaReady' || type === 'TopicsReady'))
  })
}

const good = {
  ConfigValid: ['Valid', 'The settings of every worker are valid'],
  DatabaseReady: ['Ready', 'PostgreSQL holds the schema of this version'],
  StateStoreReady: ['Ready', 'The state store is ready'],
  KafkaReady: ['Ready', 'The brokers answer'],
  TopicsReady: ['Ready', 'Every topic is as specified'],
  DaprReady: ['Loaded', 'Every sidecar is injected and has loaded its components'],
  WorkersReady: ['Ready', 'Every pod of every worker is ready'],
} as const satisfies Partial<Record<ConditionType, readonly [reason: string, message: string]>>

/** A worker that is merely waiting for its stage says what the stage waits for. */
function domainFindings(
  assessment: Assessment,
  heldBy: Finding | undefined,
  which: 'All' | 'Unintended' = 'All',
): Record<keyof typeof good, Finding | undefined> {
  const unintended = worst(
    workerFields.map((field) => assessment.workers[field]).filter((one) => one?.reason !== 'Isolated'),
  )
  const workers = which === 'All' ? worst([unintended, isolatedFinding(assessment)]) : unintended
  const sidecars = assessment.daprInstalled ?? worst(workerFields.map((field) => assessment.sidecars[field]))
  const waiting = (found: Finding | undefined): Finding | undefined =>
    found?.reason === 'Waiting' && heldBy !== undefined ? finding('Waiting', heldBy.object, heldBy.detail) : found
  return {
    ConfigValid: assessment.config,
    DatabaseReady: assessment.database ?? assessment.migration,
    StateStoreReady: assessment.stateStore,
    KafkaReady: assessment.kafka,
    // What is known of the topics is old while the brokers are away.
    TopicsReady:
      assessment.kafka === undefined || assessment.topics?.severity === 'Terminal'
        ? assessment.topics
        : finding('Waiting', assessment.kafka.object, assessment.kafka.detail),
    DaprReady: waiting(sidecars),
    WorkersReady: waiting(workers),
  }
}

const said = (found: Finding): { reason: string; message: string } => ({
  reason: found.reason,
  message: messageOf(found).slice(0, 4096),
})

function holds(type: keyof typeof good, found: Finding | undefined): ConditionUpdate {
  const [reason, message] = good[type]
  if (found === undefined) return { type, status: 'True', reason, message }
  return { type, status: found.reason === 'Checking' ? 'Unknown' : 'False', ...said(found) }
}

/** An abnormal-true condition: True names what is wrong. */
function flag(type: ConditionType, found: Finding | undefined, reason: string, message: string): ConditionUpdate {
  return found === undefined ? { type, status: 'False', reason, message } : { type, status: 'True', ...said(found) }
}

/** Degraded names what the remediation does about it. */
function degradedUpdate(found: Finding | undefined, remediation: string | undefined): ConditionUpdate {
  const update = flag('Degraded', found, 'AsExpected', 'Nothing that worked is broken')
  if (found === undefined || remediation === undefined) return update
  return { ...update, message: `${lineOf(found)}. Remediation: ${remediation}`.slice(0, 4096) }
}

const overdueFinding = ({ object, detail }: Finding): Finding => finding('DeadlineExceeded', object, detail)
