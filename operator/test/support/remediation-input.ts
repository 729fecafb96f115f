/** What the state machine of the remediation is told, for tests: audit is ill unless a test says otherwise, the others are well. */
import { remediationActions } from '../../src/api/v1alpha1/schema/procedures.ts'
import type { RemediationStatus } from '../../src/api/v1alpha1/schema/status.ts'
import type { Signal, SignalKind } from '../../src/reconcile/todochatbot/remediation/signals.ts'
import type {
  Policy,
  Step,
  StepInput,
  Unhealthy,
  WorkerState,
} from '../../src/reconcile/todochatbot/remediation/types.ts'

/** The time of a step unless a test says otherwise, in ms since the epoch. */
export const start = Date.parse('2026-01-01T12:00:00Z')
/** ms */
export const second = 1_000
/** ms */
export const minute = 60 * second
/** RFC 3339 in whole seconds, as statuses hold it. */
export const at = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export const policy: Policy = {
  enabled: true,
  unhealthyAfter: 2 * minute,
  healthyDelay: minute,
  stormCooldown: 10 * minute,
  minHealthy: '50%',
  ladder: remediationActions,
  actionsPerHour: 6,
  recovery: 5 * minute,
}
/** A worker with one pod that is ready. */
export const well = (name: string): WorkerState => ({
  name,
  signals: [],
  ready: true,
  answered: true,
  readyPods: [`${name}-a`],
  podCount: 1,
  possible: (action) => action !== 'RollBack',
})
/** Seen for five minutes on the worker's one pod. */
export const signal = (kind: SignalKind, worker: string, over: Partial<Signal> = {}): Signal => ({
  kind,
  since: start - 5 * minute,
  object: `Pod/${worker}-a`,
  detail: 'is not ready',
  pods: [`${worker}-a`],
  acute: true,
  ...over,
})
/** A worker with this one signal, and no pod that is ready. */
export const ill = (name: string, kind: SignalKind = 'NotReady', over: Partial<WorkerState> = {}): WorkerState => ({
  ...well(name),
  ready: false,
  readyPods: [],
  signals: [signal(kind, name)],
  ...over,
})
/** Audit is ill, nothing was done so far. */
export const input = (over: Partial<StepInput> = {}): StepInput => ({
  policy,
  generation: 1,
  workers: [ill('audit'), well('recurring-task'), well('notification'), well('chat-api')],
  outside: undefined,
  asked: undefined,
  outsideUntil: 0,
  frozen: undefined,
  ledger: [],
  storm: undefined,
  acted: undefined,
  evidence: undefined,
  now: start,
  ...over,
})
/** The workers beside audit, all well. */
export const others = [well('recurring-task'), well('notification'), well('chat-api')]
/** What a step says of a worker. */
export const of = (worker: string, { unhealthy }: Step): Unhealthy | undefined => unhealthy.get(worker)
/** An action on audit that failed five minutes ago. */
export const entry = (over: Partial<RemediationStatus> = {}): RemediationStatus => ({
  id: 'audit-x',
  worker: 'audit',
  signal: 'NotReady',
  action: 'Recreate',
  step: 1,
  generation: 1,
  state: 'Failed',
  startedAt: at(start - 10 * minute),
  finishedAt: at(start - 5 * minute),
  ...over,
})
