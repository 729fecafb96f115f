/** Healing of failed workers, as the rest of the reconcile sees it. Pure. */
import { workerNames } from '../../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { RemediationStatus, ServiceStatus, Storm } from '../../../api/v1alpha1/schema/status.ts'
import { finding, worst, type Finding } from '../../errors.ts'
import { isUnderWay } from './episode.ts'
import { memoryBounds, stepInput, type RemediationInput } from './observe.ts'
import { raiseAfter } from './raised-memory.ts'
import { step } from './step.ts'

export { actOn, type ActTools } from './act.ts'
export { takeEvidence } from './evidence.ts'
export type { RemediationInput } from './observe.ts'

/** What the remediation adds to a status. */
export interface Remediation {
  readonly ledger: readonly RemediationStatus[]
  readonly storm: Storm | undefined
  /** By kebab-case name of the worker. */
  readonly services: ReadonlyMap<string, Pick<ServiceStatus, 'unhealthy' | 'raisedMemory'>>
  /** Workers whose present template is to be refused, with the reason: rollouts then return to the last healthy one. */
  readonly refusals: Readonly<Partial<Record<WorkerField, string>>>
  /** The ladder of a worker is used up. */
  readonly exhausted: Finding | undefined
  /** For a condition: what is being done. */
  readonly underWay: string | undefined
  /** When to look again although nothing changes, in ms since the epoch. */
  readonly wakeAt: number | undefined
}

/** Looks at the workers and takes the next step. */
export function remediate(input: RemediationInput): Remediation {
  const next = step(stepInput(input))
  const running = next.ledger.find(isUnderWay)
  const services = workerFields.map((field) => {
    const name = workerNames[field]
    const unhealthy = next.unhealthy.get(name)
    const raisedMemory = raiseAfter(memoryBounds(input.observed, field), running?.worker === name ? running : undefined)
    return [
      name,
      { ...(unhealthy === undefined ? {} : { unhealthy }), ...(raisedMemory === undefined ? {} : { raisedMemory }) },
    ] as const
  })
  const exhausted = [...next.unhealthy].map(([worker, { remediation, object, signal, message }]) =>
    remediation === 'Exhausted'
      ? finding('RemediationExhausted', object, `${message}; every action against ${signal} of ${worker} was tried`)
      : undefined,
  )
  return {
    ledger: next.ledger,
    storm: next.storm,
    services: new Map(services),
    refusals: refusalsOf(running),
    exhausted: worst(exhausted),
    underWay: running === undefined ? undefined : `${running.action} of ${running.worker} is under way`,
    wakeAt: next.wakeAt,
  }
}

function refusalsOf(running: RemediationStatus | undefined): Remediation['refusals'] {
  const field = workerFields.find((one) => workerNames[one] === running?.worker)
  return field === undefined || running?.action !== 'RollBack' || running.state !== 'Acting'
    ? {}
    : { [field]: `remediation because of ${running.signal}: ${running.message ?? ''}`.slice(0, 1024) }
}
