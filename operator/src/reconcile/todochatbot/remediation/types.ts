/** What goes into the state machine of step.ts and what comes out of it. */
import type { IntOrPercent } from '../../../api/v1alpha1/schema/int-or-percent.ts'
import type { RemediationAction } from '../../../api/v1alpha1/schema/procedures.ts'
import type { RemediationStatus, ServiceStatus, Storm } from '../../../api/v1alpha1/schema/status.ts'
import type { Obstacle, Signal } from './signals.ts'

/** `spec.remediation`, times in ms. */
export interface Policy {
  readonly enabled: boolean
  readonly unhealthyAfter: number
  readonly healthyDelay: number
  readonly stormCooldown: number
  readonly minHealthy: IntOrPercent
  readonly ladder: readonly RemediationAction[]
  readonly actionsPerHour: number
  /** How long pods may take to become healthy after an action: `spec.update.progressDeadline`. */
  readonly recovery: number
}

/** `status.services[].unhealthy` */
export type Unhealthy = NonNullable<ServiceStatus['unhealthy']>

/** One worker as it is seen. Workers that shall not run, because they are isolated or have no replicas, are left out. */
export interface WorkerState {
  /** Kebab-case. */
  readonly name: string
  readonly signals: readonly Signal[]
  readonly obstacle?: Obstacle
  /** Every pod that is wanted is there, of the newest template, and ready. */
  readonly ready: boolean
  /** Each pod that is ready and its sidecar have answered the newest look: what is not seen is not there. */
  readonly answered: boolean
  /** Names of its pods that are ready. */
  readonly readyPods: readonly string[]
  /** Pods that neither go away nor have ended. */
  readonly podCount: number
  /** Why it is left alone at the moment, such as a rollout that is under way. */
  readonly exempt?: string
  /** `status.services[].unhealthy` of before. */
  readonly before?: Pick<Unhealthy, 'since'>
  /** When a signal may appear by time alone, in ms since the epoch. */
  readonly lookAt?: number
  readonly possible: (action: RemediationAction) => boolean
}

/** Whether the action of an entry is carried out. */
export interface Acted {
  readonly id: string
  readonly done: boolean
  /** Why not yet. */
  readonly problem?: string
}

/** Evidence of the entry that is under way; absent: none is collected here. */
export interface Evidence {
  /** Of the Incident; absent until it exists. */
  readonly incident?: string
  readonly finished: boolean
  /** Why it cannot be taken. */
  readonly problem?: string
}

/** See the header of this file. */
export interface StepInput {
  readonly policy: Policy
  readonly generation: number
  readonly workers: readonly WorkerState[]
  /** Why the trouble lies outside the workers, such as "StatefulSet/todo-postgresql: 0 of 1 pods are ready". */
  readonly outside: string | undefined
  /** What is still being asked, as after a restart of the operator: nothing begins and nothing is given up before the answer. */
  readonly asked: string | undefined
  /** When the last cause outside ended, in ms since the epoch: what failed because of it has `unhealthyAfter` from then on. */
  readonly outsideUntil: number
  /** The system is paused or its spec refused: why. */
  readonly frozen: string | undefined
  readonly ledger: readonly RemediationStatus[]
  readonly storm: Storm | undefined
  readonly acted: Acted | undefined
  readonly evidence: Evidence | undefined
  /** ms since the epoch */
  readonly now: number
}

/** What status holds next. */
export interface Step {
  readonly ledger: readonly RemediationStatus[]
  /** By name of the worker. */
  readonly unhealthy: ReadonlyMap<string, Unhealthy>
  readonly storm: Storm | undefined
  /** When something may change by time alone, in ms since the epoch. */
  readonly wakeAt: number | undefined
}
