/** `status.operation` and `status.phase`: what is going on, since when, and what holds it. Pure. */
import type { OperationStatus, OperationVerb } from '../../../api/v1alpha1/schema/operation.ts'
import type { TodoChatbotStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { Stage } from '../../../desired/types.ts'
import { workerNames } from '../../../api/v1alpha1/names.ts'
import type { Finding } from '../../errors.ts'
import type { RolloutStatus } from './rollouts.ts'

/** An operation that takes longer (ms) is reported as stalled; it is never given up. Longer than a migration may take. */
export const operationDeadline = 20 * 60_000

/** What an operation is made from. */
export interface OperationInput {
  readonly generation: number
  readonly before: boolean
  readonly upToDate: Finding | undefined
  readonly overall: Finding | undefined
  readonly held: { readonly stage: Stage; readonly by: Finding | undefined } | undefined
  readonly rollout: Pick<RolloutStatus, 'rolling' | 'restartOnly' | 'blocked'>
  /** Name of the Restore that holds the workers away. */
  readonly restore?: string | undefined
  readonly previous: OperationStatus | undefined
  readonly verbs: readonly OperationVerb[]
  /** ms since the epoch */
  readonly now: number
}

/** The running operation; undefined when there is nothing to do. */
export function operationStatus(input: OperationInput): OperationStatus | undefined {
  const { generation, held, overall, rollout, previous, verbs, now } = input
  if (overall === undefined) return undefined
  const kind = kindOf(input)
  const id = input.restore === undefined ? `${kind}-${generation}` : `${kind}-${input.restore}`
  const startedAt = previous?.id === id && previous.startedAt !== undefined ? previous.startedAt : timestamp(now)
  const blocker = held?.by ?? overall
  return {
    id,
    kind,
    step: held?.stage ?? (rollout.rolling === undefined ? 'Rollout' : `Rollout/${workerNames[rollout.rolling.worker]}`),
    startedAt,
    deadline: rollout.rolling?.deadline ?? timestamp(Date.parse(startedAt) + operationDeadline),
    allowedVerbs: [...verbs],
    blockedBy: { rule: blocker.reason, object: blocker.object, message: blocker.detail },
  }
}

function kindOf({ before, upToDate, rollout, restore }: OperationInput): string {
  if (restore !== undefined) return 'Restore'
  if (!before) return 'Install'
  if (rollout.blocked.length > 0) return 'RollBack'
  if (upToDate === undefined) return 'Recover'
  return rollout.restartOnly ? 'Restart' : 'Update'
}

/** One word for people. */
export function phaseOf(input: {
  isolated: boolean
  restoring: boolean
  paused: boolean
  before: boolean
  overall: Finding | undefined
  operation: OperationStatus | undefined
}): NonNullable<TodoChatbotStatus['phase']> {
  const { isolated, restoring, paused, before, overall, operation } = input
  if (isolated) return 'Isolated'
  if (restoring) return 'Restoring'
  if (paused) return 'Paused'
  if (overall === undefined) return 'Ready'
  if (!before) return overall.severity === 'Terminal' ? 'Stalled' : 'Installing'
  if (overall.severity !== 'Progress') return 'Degraded'
  return operation?.kind === 'Recover' ? 'Degraded' : 'Updating'
}

/** RFC 3339 in UTC, whole seconds, as Kubernetes writes times. */
export const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
