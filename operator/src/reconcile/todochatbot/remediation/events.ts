/** Events of the remediation, from the change between two statuses. Pure. */
import type { RemediationStatus, TodoChatbotStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { EventInput } from '../../../runtime/events.ts'
import { isUnderWay } from './episode.ts'

/** Reasons of these events. */
export const remediationReasons = [
  'RemediationStarted',
  'RemediationSucceeded',
  'RemediationFailed',
  'RemediationCancelled',
  'RemediationDisabled',
  'RemediationExhausted',
  'RemediationStorm',
  'RemediationStormOver',
] as const
/** One of {@link remediationReasons}. */
export type RemediationReason = (typeof remediationReasons)[number]

/** What a change of an entry means. */
export type Milestone = 'Started' | 'Succeeded' | 'Failed' | 'Cancelled'

/** An entry that began or ended. */
export interface Turn {
  readonly entry: RemediationStatus
  readonly milestone: Milestone
}

/** Entries that began or ended from one status to the next, oldest first. */
export function milestonesBetween(before: TodoChatbotStatus | undefined, after: TodoChatbotStatus): Turn[] {
  const earlier = new Map(before?.remediation?.map((entry) => [entry.id, entry]))
  return (after.remediation ?? []).toReversed().flatMap((entry): Turn[] => {
    const was = earlier.get(entry.id)
    if (was === undefined && isUnderWay(entry)) return [{ entry, milestone: 'Started' }]
    const { state } = entry
    return was?.state === state || state === 'Evidence' || state === 'Acting' || state === 'Observing'
      ? []
      : [{ entry, milestone: state }]
  })
}

/** Events that tell what changed. */
export function remediationEvents(
  before: TodoChatbotStatus | undefined,
  after: TodoChatbotStatus,
): EventInput<RemediationReason>[] {
  const events: EventInput<RemediationReason>[] = []
  const tell = (type: 'Normal' | 'Warning', reason: RemediationReason, note: string): void => {
    events.push({ type, reason, action: 'Remediate', note: note.slice(0, 1024) })
  }
  for (const { entry, milestone } of milestonesBetween(before, after)) {
    const { action, worker, signal, message = '' } = entry
    const what = `${action} of ${worker} because of ${signal}: ${message}`
    tell(milestone === 'Failed' ? 'Warning' : 'Normal', `Remediation${milestone}`, what)
  }
  for (const { name, unhealthy } of after.services ?? []) {
    const earlier = before?.services?.find((service) => service.name === name)?.unhealthy
    if (unhealthy === undefined || unhealthy.remediation === earlier?.remediation) continue
    const { signal, object, message, because = '' } = unhealthy
    const seen = `${name}: ${signal}: ${object} ${message}`
    if (unhealthy.remediation === 'Disabled') tell('Warning', 'RemediationDisabled', `${seen}; ${because}`)
    if (unhealthy.remediation === 'Exhausted')
      tell('Warning', 'RemediationExhausted', `${seen}; every step of spec.remediation.ladder that can help was tried`)
  }
  const { storm } = after
  if (storm !== undefined && before?.storm === undefined)
    tell('Warning', 'RemediationStorm', 'More workers failed than spec.remediation.minHealthy allows; nothing is done')
  if (storm === undefined && before?.storm !== undefined)
    tell('Normal', 'RemediationStormOver', 'Failed workers are healed again')
  return events
}
