/** NetworkPolicies add up: one of somebody else that allows traffic to an isolated pod lets it through, and ours cannot forbid it. Pure. */
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { selects, type LabelSelector } from '../../kube/label-selector.ts'

interface PolicySpec {
  readonly podSelector?: LabelSelector
  readonly policyTypes?: readonly string[]
  readonly ingress?: readonly unknown[]
  readonly egress?: readonly unknown[]
}

/** Names of the policies that select a pod with these labels and allow anything. @param owner uid of the system, whose own are left out */
export const policiesThatAllow = (
  policies: readonly KubeObject[],
  labels: Readonly<Record<string, string>>,
  owner: string,
): readonly string[] =>
  policies
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner) !== true)
    .filter((policy) => {
      const { podSelector = {}, ingress = [], egress = [] } = (policy['spec'] ?? {}) as PolicySpec
      // An operator that is not known selects the pod: rather a warning too many.
      return ingress.length + egress.length > 0 && selects(podSelector, labels, true)
    })
    .map(({ metadata }) => metadata.name)
    .sort()
