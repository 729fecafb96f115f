/**
 * The order in which pod templates change in a system that has been ready: worker by worker, consumers before chat-api. Pure.
 *
 * Invariants
 * - Of several workers whose template has to change, one changes; another is touched only when that one is rolled out and healthy, so two
 *   never roll at once.
 * - A worker is held while one before it is not healthy or has a refused change: the procedure stops there and the rest is untouched. A worker
 *   that is itself not healthy may always be changed when nobody else is rolling: that is how it gets repaired.
 * - A refused template (status.blockedRevisions) is never chosen; the newest healthy one that is not refused takes its place.
 * - Everything follows from the cluster and the stored status; nothing is remembered, so it goes on after a restart of the operator.
 * Proof: plan.test.ts, operator/test/rollout.integration.test.ts.
 */
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { finding, type Finding } from '../errors.ts'

/** One worker as its rollout is judged. Templates are named by their hash. */
export interface WorkerRollout {
  /** `Deployment/<name>` */
  readonly object: string
  /** What the spec leads to. */
  readonly desired: string
  readonly exists: boolean
  /** What the Deployment holds; undefined when that is not known. */
  readonly live: string | undefined
  /** Pods of an older template are left. */
  readonly mixed: boolean
  /** Why it is not really healthy: pods, sidecars, lag. */
  readonly unhealthy: Finding | undefined
  /** Templates that were healthy, newest first. */
  readonly healthy: readonly string[]
  /** Templates that were refused, with the reason. */
  readonly refused: readonly { readonly template: string; readonly reason: string }[]
}

/** What a worker's Deployment is to hold. */
export type Choice =
  | { readonly kind: 'Desired' }
  /** A template of the past, because the desired one was refused. */
  | { readonly kind: 'Earlier'; readonly template: string; readonly because: Finding }
  /** What it holds now, until its turn comes. */
  | { readonly kind: 'Held'; readonly by: Finding }

/** One choice per worker. */
export type RolloutPlan = Readonly<Record<WorkerField, Choice>>

/** Plans. @param ordered false before the system has been ready for the first time: then everything starts as it can */
export function planRollouts(workers: Readonly<Record<WorkerField, WorkerRollout>>, ordered: boolean): RolloutPlan {
  const choices: Partial<Record<WorkerField, Choice>> = {}
  let changing = ordered ? workerFields.find((field) => isRolling(workers[field])) : undefined
  for (const field of workerFields) {
    const worker = workers[field]
    const target = targetOf(worker)
    const changes = worker.exists && worker.live !== hashOf(worker, target)
    if (!ordered || !changes || target.kind === 'Earlier') {
      choices[field] = target
      continue
    }
    const by = holder(workers, field, changing)
    if (by === undefined) changing = field
    choices[field] = by === undefined ? target : { kind: 'Held', by }
  }
  return choices as RolloutPlan
}

/** Pods of a template that is not known to be healthy are coming up. */
export function isRolling({ exists, live, healthy, mixed, unhealthy }: WorkerRollout): boolean {
  return exists && unhealthy !== undefined && (mixed || live !== healthy[0])
}

/** The refusal of what the spec leads to, if there is one. */
export function refusalOf({ desired, refused }: WorkerRollout): string | undefined {
  return refused.find(({ template }) => template === desired)?.reason
}

type Target = Extract<Choice, { readonly kind: 'Desired' | 'Earlier' }>

function targetOf(worker: WorkerRollout): Target {
  const reason = refusalOf(worker)
  const template = worker.healthy.find((one) => !worker.refused.some((refusal) => refusal.template === one))
  return reason === undefined || template === undefined
    ? { kind: 'Desired' }
    : { kind: 'Earlier', template, because: rolledBack(worker, reason) }
}

const hashOf = (worker: WorkerRollout, target: Target): string =>
  target.kind === 'Earlier' ? target.template : worker.desired

/** What keeps a worker from being changed now. */
function holder(
  workers: Readonly<Record<WorkerField, WorkerRollout>>,
  field: WorkerField,
  changing: WorkerField | undefined,
): Finding | undefined {
  if (changing !== undefined && changing !== field) {
    const { object, unhealthy } = workers[changing]
    return finding('RollingOut', object, unhealthy === undefined ? 'is rolled out first' : unhealthy.detail)
  }
  const before = workerFields.slice(0, workerFields.indexOf(field)).map((earlier) => workers[earlier])
  for (const worker of before) {
    const reason = refusalOf(worker)
    if (reason !== undefined) return rolledBack(worker, reason)
  }
  if (workers[field].unhealthy !== undefined) return undefined
  return before.find(({ unhealthy }) => unhealthy !== undefined)?.unhealthy
}

const rolledBack = ({ object }: WorkerRollout, reason: string): Finding =>
  finding('RolledBack', object, `${reason}; it runs its last healthy template`)
