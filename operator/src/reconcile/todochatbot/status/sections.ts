/** `status.services` and the words about them. Pure. */
import { workerFields, type WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { IsolationStatus, ServiceStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { Temporary } from '../../../api/v1alpha1/temporary.ts'
import { workerNames } from '../../../api/v1alpha1/names.ts'
import { lineOf } from '../../errors.ts'
import type { Assessment } from '../assess.ts'
import { lastError } from '../blockers.ts'
import type { Live } from '../observe.ts'
import { settingsStatus, type HotSettings } from '../settings.ts'
import { sidecarState } from '../sidecars.ts'
import type { Consumption } from './consumption.ts'
import type { RolloutStatus } from './rollouts.ts'

/** What is rolled out of one worker. */
export interface Rollout {
  readonly version: string
  readonly image: string
}

/** What the services section is made from. */
export interface ServicesInput {
  readonly live: Live
  readonly assessment: Assessment
  readonly running: Readonly<Partial<Record<WorkerField, Rollout>>>
  readonly rollout: Pick<RolloutStatus, 'progress'>
  readonly hot: Readonly<Partial<Record<WorkerField, HotSettings>>>
  readonly temporaries: readonly Temporary[]
  readonly consumption: Readonly<Partial<Record<WorkerField, Consumption>>>
  readonly scaling: Readonly<Record<WorkerField, NonNullable<ServiceStatus['scaling']>>>
  readonly isolations: Readonly<Partial<Record<WorkerField, IsolationStatus>>>
  readonly previous: readonly ServiceStatus[]
  /** RFC 3339, seconds. */
  readonly now: string
}

/** One entry per worker. `since` moves when the number of ready or wanted pods changes. */
export function serviceStatuses(input: ServicesInput): ServiceStatus[] {
  const { live, assessment, running, rollout, consumption, scaling, isolations, previous, now } = input
  return workerFields.map((field) => {
    const state = live.workers[field]
    const name = workerNames[field]
    const before = previous.find((entry) => entry.name === name)
    const desired = state.wanted
    const ready = state.live?.ready ?? 0
    const problem = assessment.workers[field]
    const error = lastError(state.pods)
    const isolation = isolations[field]
    return {
      name,
      ...running[field],
      desired,
      ready,
      updated: state.live?.updated ?? 0,
      restarts: sum(state.pods.flatMap(({ containers }) => containers.map(({ restartCount }) => restartCount ?? 0))),
      sidecar:
        isolation?.state === 'InForce'
          ? 'Unknown'
          : sidecarState({ appId: state.name, wanted: desired, pods: state.pods }, assessment.sidecars[field]),
      since: before?.desired === desired && before.ready === ready && before.since !== undefined ? before.since : now,
      ...consumption[field],
      ...rollout.progress[field],
      ...temporaryOf(input, field),
      ...configOf(input, field),
      scaling: scaling[field],
      ...(isolation === undefined ? {} : { isolation }),
      ...(error === undefined ? {} : { lastError: error }),
      ...(problem === undefined ? {} : { message: lineOf(problem) }),
    }
  })
}

function temporaryOf({ temporaries }: ServicesInput, field: WorkerField): Pick<ServiceStatus, 'temporary'> {
  const mine = temporaries.filter(({ worker }) => worker === field)
  if (mine.length === 0) return {}
  return {
    temporary: mine.map(({ kind, until, reason }) => ({ kind, until, ...(reason === undefined ? {} : { reason }) })),
  }
}

function configOf({ hot, live }: ServicesInput, field: WorkerField): Pick<ServiceStatus, 'config'> {
  const settings = hot[field]
  return settings === undefined ? {} : { config: settingsStatus(settings, live.workers[field].pods, live.health) }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
