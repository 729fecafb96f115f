/** Events of a TodoChatbot: few, from a closed set of reasons, and derived from the change between two statuses, so a restart repeats none. */
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { EventInput } from '../../runtime/events.ts'
import { catalogue, type Reason } from '../errors.ts'
import { remediationEvents, type RemediationReason } from './remediation/events.ts'

/** Reasons of Normal events. */
export const milestones = [
  'Installed',
  'Updated',
  'Ready',
  'Paused',
  'Resumed',
  'TopicsRemoved',
  'EvidenceCollected',
  'ReplayFinished',
  'ConfigurationChanged',
  'RolloutStarted',
  'RolloutFinished',
  'DebugStarted',
  'DebugEnded',
  'BoostStarted',
  'BoostEnded',
  'CheckPassed',
  'CleanedUp',
  'ReplicasAdopted',
  'IsolationEnded',
  'Restored',
  'BackupSucceeded',
  'BackupsRemoved',
] as const
/** Reasons of Warning events that are no condition. */
export const warnings = [
  'AutoscalerInactive',
  'BackupFailed',
  'BackupIncomplete',
  'CheckFailed',
  'EvidenceIncomplete',
  'ReplayIncomplete',
  'ReplicasCapped',
  'ReplicasReverted',
  'RestoreIncomplete',
  'TopicsLeftBehind',
] as const
/** Every reason an event of this operator can have: milestones, warnings, those of the remediation, and the catalogue of errors.ts. */
export type EventReason = (typeof milestones)[number] | (typeof warnings)[number] | RemediationReason | Reason

/** Events that tell what changed from one status to the next. */
export function eventsBetween(
  before: TodoChatbotStatus | undefined,
  after: TodoChatbotStatus,
): EventInput<EventReason>[] {
  const events: EventInput<EventReason>[] = []
  const milestone = (reason: (typeof milestones)[number], note: string): void => {
    events.push({ type: 'Normal', reason, action: 'Reconcile', note })
  }
  const was = (type: 'Ready' | 'Paused'): string | undefined => findCondition(before?.conditions, type)?.status
  const ready = findCondition(after.conditions, 'Ready')
  const paused = findCondition(after.conditions, 'Paused')

  if (after.version !== undefined && after.version !== before?.version) {
    milestone(before?.version === undefined ? 'Installed' : 'Updated', `Version ${after.version} runs on every worker`)
  } else if (ready?.status === 'True' && was('Ready') !== 'True') milestone('Ready', ready.message)
  if (paused?.status === 'True' && was('Paused') !== 'True') milestone('Paused', paused.message)
  if (paused?.status === 'False' && was('Paused') === 'True') milestone('Resumed', paused.message)

  for (const { reason, note } of serviceEvents(before?.services, after.services)) milestone(reason, note)
  for (const check of after.checks ?? []) {
    const earlier = before?.checks?.find(({ name }) => name === check.name)?.result
    const note = `${check.name}: ${check.message ?? check.figure ?? check.result}`
    if (check.result === 'Failed' && earlier !== 'Failed')
      events.push({ type: 'Warning', reason: 'CheckFailed', action: 'Check', note })
    if (check.result === 'Passed' && earlier === 'Failed')
      events.push({ type: 'Normal', reason: 'CheckPassed', action: 'Check', note })
  }
  events.push(...isolationEvents(before, after))

  for (const condition of after.conditions ?? []) {
    if (!isDomain(condition.type)) continue
    const reason = asReason(condition.reason)
    if (condition.status !== 'False' || reason === undefined || catalogue[reason].severity === 'Progress') continue
    // Told per worker, above.
    if (reason === 'Isolated') continue
    const earlier = before?.conditions?.find(({ type }) => type === condition.type)
    if (earlier?.status === 'False' && earlier.reason === condition.reason) continue
    events.push({ type: 'Warning', reason, action: 'Reconcile', note: condition.message })
  }
  return [...events, ...scalingEvents(before, after), ...remediationEvents(before, after)]
}

/** Numbers of pods that are not what was asked for, when that begins. */
function scalingEvents(before: TodoChatbotStatus | undefined, after: TodoChatbotStatus): EventInput<EventReason>[] {
  return (after.services ?? []).flatMap(({ name, scaling }): EventInput<EventReason>[] => {
    const was = before?.services?.find((entry) => entry.name === name)?.scaling
    if (scaling?.reason === undefined || was?.message === scaling.message) return []
    const note = `${name}: ${scaling.message ?? ''}`
    if (scaling.reason === 'SetByHand')
      return [{ type: 'Normal', reason: 'ReplicasAdopted', action: 'Reconcile', note }]
    if (scaling.reason === 'PartitionsBound')
      return [{ type: 'Warning', reason: 'ReplicasCapped', action: 'Reconcile', note }]
    return was?.reason === scaling.reason
      ? []
      : [{ type: 'Warning', reason: 'AutoscalerInactive', action: 'Reconcile', note }]
  })
}

/** Rollouts and temporary settings of the workers that began or ended. */
function serviceEvents(
  before: TodoChatbotStatus['services'],
  after: TodoChatbotStatus['services'],
): { readonly reason: (typeof milestones)[number]; readonly note: string }[] {
  return (after ?? []).flatMap((service) => {
    const { name, rollout, lastHealthy, temporary = [] } = service
    const was = before?.find((entry) => entry.name === name)
    const events: { readonly reason: (typeof milestones)[number]; readonly note: string }[] = []
    if (rollout !== undefined && rollout.template !== was?.rollout?.template)
      events.push({ reason: 'RolloutStarted', note: `${name}: new pods have to be healthy by ${rollout.deadline}` })
    if (
      was?.lastHealthy !== undefined &&
      lastHealthy !== undefined &&
      lastHealthy.template !== was.lastHealthy.template
    )
      events.push({ reason: 'RolloutFinished', note: `${name}: its new pods are healthy` })
    for (const { kind, until, reason } of temporary) {
      if (was?.temporary?.some((one) => one.kind === kind) === true) continue
      const what = kind === 'Debug' ? 'logs at level debug' : 'has raised resources'
      events.push({
        reason: `${kind}Started`,
        note: `${name}: ${what} until ${until}${reason === undefined ? '' : `: ${reason}`}`,
      })
    }
    for (const { kind } of was?.temporary ?? []) {
      if (temporary.some((one) => one.kind === kind)) continue
      const what = kind === 'Debug' ? 'logs at its ordinary level again' : 'gets its ordinary resources back'
      events.push({ reason: `${kind}Ended`, note: `${name}: ${what}` })
    }
    return events
  })
}

/** Conditions that summarise others would say everything twice. */
const isDomain = (type: string): boolean => !['Ready', 'Reconciling', 'Stalled', 'Degraded'].includes(type)

const asReason = (reason: string): Reason | undefined => (reason in catalogue ? (reason as Reason) : undefined)

/** An isolation is told when it is in force and when it has ended; what came of its evidence is told by its Incident. */
function isolationEvents(before: TodoChatbotStatus | undefined, after: TodoChatbotStatus): EventInput<EventReason>[] {
  return (after.services ?? []).flatMap(({ name, isolation }): EventInput<EventReason>[] => {
    const was = before?.services?.find((service) => service.name === name)?.isolation
    if (isolation === undefined || isolation.state === was?.state) return []
    const { mode, by, until, reason, message = '' } = isolation
    if (isolation.state === 'InForce') {
      const note = `${name}: ${mode} by ${by} until ${until}: ${reason}${message === '' ? '' : `. ${message}`}`
      return [{ type: 'Warning', reason: 'Isolated', action: 'Isolate', note }]
    }
    return isolation.state === 'Ended'
      ? [{ type: 'Normal', reason: 'IsolationEnded', action: 'Isolate', note: `${name}: ${mode} ${message}` }]
      : []
  })
}
