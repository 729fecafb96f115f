/** Whether the pods of the newest template fail at what they are asked. Pure. */
import { podTemplateHash } from '../../desired/pinned-template.ts'
import { finding, type Finding } from '../errors.ts'
import type { PodReport } from '../pods/pod-watch.ts'
import type { WorkerHealth } from '../pods/worker-health.ts'

/** What is looked at of a pod. */
export interface JudgedPod {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: string
  readonly terminating: boolean
}

/**
 * The pod of the newest template with the largest share of errors, when that is more than `maxErrorPercent`. Pods of older templates are not
 * judged: their errors may be what the change is for. A pod that says a dependency is away is not judged either.
 */
export function errorFinding(
  object: string,
  pods: readonly JudgedPod[],
  health: ReadonlyMap<string, PodReport<WorkerHealth>>,
  maxErrorPercent: number,
): Finding | undefined {
  const alive = pods.filter(({ terminating }) => !terminating)
  const newest = alive.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0]?.labels[podTemplateHash]
  const shares = alive
    .filter(({ labels }) => labels[podTemplateHash] === newest)
    .map(({ name }) => ({ name, percent: percentOf(health.get(name)) }))
  const worst = shares.toSorted((a, b) => b.percent - a.percent)[0]
  if (worst === undefined || worst.percent <= maxErrorPercent) return undefined
  return finding(
    'TooManyErrors',
    object,
    `${worst.percent} % of what Pod/${worst.name} handled in the last minute failed, and spec.update.maxErrorPercent is ${maxErrorPercent}`,
  )
}

function percentOf(report: PodReport<WorkerHealth> | undefined): number {
  if (report?.state !== 'Answered' || Object.keys(report.answer.failing).length > 0) return 0
  return report.answer.errorPercent
}
