/**
 * NetworkPolicies. Those that apply to a pod add up in Kubernetes: one that allows something cannot be taken back by another. So every policy
 * of ours that allows anything must leave out isolated workers; the one here allows nothing.
 */
import { selectorFor } from '../api/v1alpha1/labels.ts'
import type { OwnerReference } from '../api/v1alpha1/kubernetes.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { owned } from './object.ts'
import type { Desire, DesiredObject, DesireInput, IsolatedWorker } from './types.ts'

/** A pod holds its policy: when the system is deleted, the garbage collector keeps the policy until the last isolated pod is gone. */
const heldBy = ({ name, uid }: IsolatedWorker['cutOff'][number]): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'Pod',
  name,
  uid,
})

const isolation = (input: DesireInput, field: WorkerField, { cutOff }: IsolatedWorker): DesiredObject => {
  const system = input.bot.metadata.name
  const worker = workerNames[field]
  const made = owned(input, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    name: names.isolation(system, worker),
    app: worker,
    component: 'worker',
    stage: 'Foundation',
    body: {
      spec: {
        podSelector: { matchLabels: selectorFor(system, worker) },
        policyTypes: ['Egress', 'Ingress'],
      },
    },
  })
  const { metadata } = made.object
  const ownerReferences = [...(metadata.ownerReferences ?? []), ...cutOff.map(heldBy)]
  return { ...made, object: { ...made.object, metadata: { ...metadata, ownerReferences } } }
}

/** Cuts isolated workers off: whatever is not allowed is refused, and nothing is. The kubelet reaches the pods of its node all the same. */
export const networkPolicies: Desire = (input) =>
  workerFields.flatMap((field) => {
    const isolated = input.facts.active.isolated?.[field]
    return isolated === undefined || (isolated.mode === 'ScaleDown' && isolated.cutOff.length === 0)
      ? []
      : [isolation(input, field, isolated)]
  })
