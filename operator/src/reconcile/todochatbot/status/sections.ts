/** `status.services` and the words about them. Pure. */
import { workerFields, type WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { ServiceStatus } from '../../../api/v1alpha1/schema/status.ts'
import { workerNames } from '../../../api/v1alpha1/names.ts'
import { lineOf } from '../../errors.ts'
import type { Assessment } from '../assess.ts'
import { lastError } from '../blockers.ts'
import type { Live } from '../observe.ts'
import { sidecarState } from '../sidecars.ts'
import type { Consumption } from './consumption.ts'

/** What is rolled out of one worker. */
export interface Rollout {
  readonly version: string
  readonly image: string
}

/** What the services section is made from. */
export interface ServicesInput {
  readonly live: Live
  readonly assessment: Assessment
  readonly rollouts: Readonly<Partial<Record<WorkerField, Rollout>>>
  readonly consumption: Readonly<Partial<Record<WorkerField, Consumption>>>
  readonly previous: readonly ServiceStatus[]
  /** RFC 3339, seconds. */
  readonly now: string
}

/** One entry per worker. `since` moves when the number of ready or wanted pods changes. */
export function serviceStatuses({
  live,
  assessment,
  rollouts,
  consumption,
  previous,
  now,
}: ServicesInput): ServiceStatus[] {
  return workerFields.map((field) => {
    const state = live.workers[field]
    const name = workerNames[field]
    const before = previous.find((entry) => entry.name === name)
    const desired = state.wanted
    const ready = state.live?.ready ?? 0
    const problem = assessment.workers[field]
    const error = lastError(state.pods)
    return {
      name,
      ...rollouts[field],
      desired,
      ready,
      updated: state.live?.updated ?? 0,
      restarts: sum(state.pods.flatMap(({ containers }) => containers.map(({ restartCount }) => restartCount ?? 0))),
      sidecar: sidecarState({ appId: state.name, wanted: desired, pods: state.pods }, assessment.sidecars[field]),
      since: before?.desired === desired && before.ready === ready && before.since !== undefined ? before.since : now,
      ...consumption[field],
      ...(error === undefined ? {} : { lastError: error }),
      ...(problem === undefined ? {} : { message: lineOf(problem) }),
    }
  })
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
