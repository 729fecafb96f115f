/**
 * Who decides how many pods a worker has. One function, so that isolation, autoscalers and people do not fight over `spec.replicas`.
 *
 * Precedence: isolation (ScaleDown: none; Network: as it is) > the fence of a restore (none) > autoscaler > a number set by hand that is to be kept > the spec (or its profile).
 *
 * Where nobody but us decides, the number is applied. Where somebody else does, the field is left out of the server-side apply. Leaving it out
 * is safe only when another field manager owns it: a field whose last owner gives it up is removed, and the API server's default of 1 takes its
 * place. So the annotation {@link annotation.replicas} on the Deployment says what our last apply asked for. When the decision turns to an
 * autoscaler and the annotation still holds a number, `handOver` names the number to be owned by a second field manager first
 * (reconcile/todochatbot/replicas.ts). Everything follows from spec and live objects, so an operator restart changes nothing.
 * Proof: replicas.test.ts, operator/test/scaling.integration.test.ts (a real API server, both directions).
 */
import { names, workerNames } from '../api/v1alpha1/names.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import { topicAliases } from '../api/v1alpha1/schema/kafka.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import type { DesireInput, LiveScale } from './types.ts'

/** Value of the annotation while an autoscaler owns the field. */
export const leftToAutoscaler = 'autoscaler'

/** Why the number is not simply what was asked for. */
export type ReplicasReason = 'PartitionsBound' | 'SetByHand'

/** How many pods one worker gets, and who says so. */
export interface ReplicasDecision {
  /** Applied; `unmanaged`: left to whoever is named by `by`. */
  readonly replicas: number | 'unmanaged'
  readonly by: 'Spec' | 'Autoscaler' | 'Hand' | 'Isolation' | 'Restore' | 'Remediation'
  /** Value of the annotation that goes with it. */
  readonly asked: string
  /** To be owned by the second field manager before the field is left out. */
  readonly handOver?: number
  /** Bounds of the autoscaler, where one is in force; capped by the partitions. */
  readonly autoscaler?: { readonly min: number; readonly max: number }
  /** Present when there is something to explain. */
  readonly reason?: ReplicasReason
  readonly message?: string
}

/** The most pods of a consumer that get partitions: those of its largest topic. Undefined for a worker that consumes nothing. */
export const usefulReplicas = ({ bot, facts }: DesireInput, field: WorkerField): number | undefined => {
  const counts = topicAliases
    .filter((alias) => subscriptionsOf[field].includes(alias))
    .map((alias) => facts.scale.partitions[alias] ?? bot.spec.kafka.topics[alias].partitions)
  return counts.length === 0 ? undefined : Math.max(...counts)
}

/** Decides for one worker; see the header of this file. */
export const decideReplicas = (input: DesireInput, field: WorkerField): ReplicasDecision => {
  const service = input.bot.spec.services[field]
  const live = input.facts.scale.live[field]
  const isolated = input.facts.active.isolated?.[field]
  if (isolated?.mode === 'ScaleDown') return { replicas: 0, by: 'Isolation', asked: '0' }
  // A worker that is cut off stands still, and so does its number; no autoscaler is left.
  if (isolated !== undefined) return { replicas: 'unmanaged', by: 'Isolation', asked: live?.asked ?? '0' }
  if (input.facts.fence !== undefined) return { replicas: 0, by: 'Restore', asked: '0' }
  const useful = usefulReplicas(input, field)
  const { autoscaling } = service
  if (autoscaling !== undefined) {
    const max = Math.min(autoscaling.max, useful ?? autoscaling.max)
    const bounds = { min: Math.min(autoscaling.min, max), max }
    const bound = explainBound(field, { asked: autoscaling.max, useful, path: 'autoscaling.max' })
    return { ...autoscaled(bounds, live, service.manualScaling === 'Adopt'), ...bound, autoscaler: bounds }
  }
  const replicas = Math.min(service.replicas, useful ?? service.replicas)
  const asked = String(replicas)
  if (service.manualScaling === 'Adopt' && live?.asked === asked && live.replicas !== replicas) {
    const message = `${live.replicas} was set on Deployment/${deploymentName(input, field)} by hand; it stays until spec.services.${field}.replicas is edited`
    return { replicas: 'unmanaged', by: 'Hand', asked, reason: 'SetByHand', message }
  }
  return { replicas, by: 'Spec', asked, ...explainBound(field, { asked: service.replicas, useful, path: 'replicas' }) }
}

/** Somebody changed the number that we keep, and the next apply puts it back. Returns the number found. */
export const revertedNumber = (
  { replicas, asked, handOver }: ReplicasDecision,
  live: LiveScale | undefined,
): number | undefined => {
  if (live?.asked !== asked) return undefined
  const kept = handOver ?? replicas
  return kept !== 'unmanaged' && live.replicas !== kept ? live.replicas : undefined
}

/** How many pods are to be waited for. @param live replicas of the Deployment as it is now */
export const wantedReplicas = ({ replicas }: ReplicasDecision, live: number | undefined): number =>
  replicas === 'unmanaged' ? (live ?? 1) : replicas

/** The autoscaler takes over from the number that is there; it never starts from 0, because none of them acts on a worker without pods. */
const autoscaled = (
  { min, max }: { readonly min: number; readonly max: number },
  live: LiveScale | undefined,
  adopt: boolean,
): Pick<ReplicasDecision, 'replicas' | 'by' | 'asked' | 'handOver' | 'reason' | 'message'> => {
  if (live === undefined) return { replicas: min, by: 'Autoscaler', asked: String(min) }
  const left = { replicas: 'unmanaged', asked: leftToAutoscaler } as const
  if (live.asked !== leftToAutoscaler)
    return { ...left, by: 'Autoscaler', handOver: Math.min(max, Math.max(min, live.replicas)) }
  if (live.replicas > 0) return { ...left, by: 'Autoscaler' }
  if (!adopt) return { ...left, by: 'Autoscaler', handOver: min }
  const message = 'was scaled to 0 by hand, and the autoscaler rests; scale it to 1 or more to let it go on'
  return { ...left, by: 'Hand', reason: 'SetByHand', message }
}

const explainBound = (
  field: WorkerField,
  { asked, useful, path }: { readonly asked: number; readonly useful: number | undefined; readonly path: string },
): Pick<ReplicasDecision, 'reason' | 'message'> =>
  useful === undefined || asked <= useful
    ? {}
    : {
        reason: 'PartitionsBound',
        message: `spec.services.${field}.${path} is ${asked}, and ${useful} is useful: its largest topic has ${useful} partition${useful === 1 ? '' : 's'}. Raise partitions under spec.kafka.topics first`,
      }

const deploymentName = ({ bot }: DesireInput, field: WorkerField): string =>
  names.worker(bot.metadata.name, workerNames[field])
