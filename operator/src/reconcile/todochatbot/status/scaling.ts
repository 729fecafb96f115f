/** `services[].scaling` and the condition ScalingLimited: who decides the number of pods, and why it is not what was asked for. Pure. */
import { workerFields, type WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { ServiceStatus } from '../../../api/v1alpha1/schema/status.ts'
import { decideReplicas } from '../../../desired/replicas.ts'
import { finding, type Finding } from '../../errors.ts'
import type { Seen } from '../observe.ts'

type Scaling = NonNullable<ServiceStatus['scaling']>

/** By worker. An autoscaler that cannot act says so in its own words. */
export function scalingOf(
  { bot, resolved, facts }: Pick<Seen, 'bot' | 'resolved' | 'facts'>,
  autoscalerProblems: Readonly<Partial<Record<WorkerField, string>>>,
): Readonly<Record<WorkerField, Scaling>> {
  const entries = workerFields.map((field): [WorkerField, Scaling] => {
    const { by, reason, message } = decideReplicas({ bot: resolved, facts }, field)
    const problem = by === 'Autoscaler' ? autoscalerProblems[field] : undefined
    if (problem !== undefined) return [field, { by, reason: 'AutoscalerInactive', message: problem.slice(0, 1024) }]
    return [
      field,
      {
        by: by === 'Spec' && bot.spec.services[field].replicas === undefined ? 'Profile' : by,
        ...(reason === undefined ? {} : { reason }),
        ...(message === undefined ? {} : { message }),
      },
    ]
  })
  return Object.fromEntries(entries) as Record<WorkerField, Scaling>
}

/** The first worker whose partitions keep it from the number of pods asked for. */
export function scalingFinding(
  { bot }: Pick<Seen, 'bot'>,
  scaling: Readonly<Record<WorkerField, Scaling>>,
): Finding | undefined {
  const bound = workerFields.map((field) => scaling[field]).find(({ reason }) => reason === 'PartitionsBound')
  return bound === undefined
    ? undefined
    : finding('PartitionsBound', `TodoChatbot/${bot.metadata.name}`, bound.message ?? 'no reason given')
}
