import { selectorFor } from '../api/v1alpha1/labels.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { owned, type Json } from './object.ts'
import { decideReplicas } from './replicas.ts'
import type { Desire, DesireInput } from './types.ts'

/**
 * One PodDisruptionBudget per worker that asks for one or can have more than one pod. A single pod gets none by itself: whatever it said would
 * either mean nothing or block node drains for ever.
 */
export const podDisruptionBudgets: Desire = (input) =>
  workerFields.flatMap((field) => {
    const budget = budgetOf(input, field)
    if (budget === undefined) return []
    const system = input.bot.metadata.name
    const worker = workerNames[field]
    return [
      owned(input, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        name: names.worker(system, worker),
        app: worker,
        component: 'worker',
        stage: 'Foundation',
        body: {
          spec: {
            ...budget,
            selector: { matchLabels: selectorFor(system, worker) },
            // A pod that is not ready protects nobody, and would block the drain that might heal it.
            unhealthyPodEvictionPolicy: 'AlwaysAllow',
          },
        },
      }),
    ]
  })

const budgetOf = (input: DesireInput, field: WorkerField): Json | undefined => {
  const { podDisruptionBudget, replicas } = input.bot.spec.services[field]
  if (podDisruptionBudget !== undefined) return { ...podDisruptionBudget }
  const decision = decideReplicas(input, field)
  const most = decision.autoscaler?.max ?? (decision.replicas === 'unmanaged' ? replicas : decision.replicas)
  return most > 1 ? { maxUnavailable: 1 } : undefined
}
