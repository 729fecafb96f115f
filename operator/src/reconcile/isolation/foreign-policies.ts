/** NetworkPolicies add up: one of somebody else that allows traffic to an isolated pod lets it through, and ours cannot forbid it. Pure. */
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

interface PolicySpec {
  readonly podSelector?: LabelSelector
  readonly policyTypes?: readonly string[]
  readonly ingress?: readonly unknown[]
  readonly egress?: readonly unknown[]
}

/** Whether a label selector takes a pod with these labels; an empty one takes every pod. */
export const selects = (
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value)
      case 'NotIn':
        return value === undefined || !values.includes(value)
      case 'Exists':
        return value !== undefined
      case 'DoesNotExist':
        return value === undefined
      default:
        // An operator of a later Kubernetes: rather a warning too many.
        return true
    }
  })

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
      return ingress.length + egress.length > 0 && selects(podSelector, labels)
    })
    .map(({ metadata }) => metadata.name)
    .sort()
