import type { LabelSelector, Labels, Namespace, Peer, Pod } from './resources.ts'

/** Whether labels satisfy a selector. NotIn and DoesNotExist hold where the label is absent, as in Kubernetes. */
export function selects(selector: LabelSelector, labels: Labels = {}): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return equal && (selector.matchExpressions ?? []).every((expression) => satisfies(expression, labels))
}

function satisfies(
  { key, operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Labels,
): boolean {
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
      // The API server refuses others; an operator of the future selects nobody rather than everybody.
      return false
  }
}

/** Whether a peer given by selectors means this pod. Without namespaceSelector it is one of the policy's namespace. */
export function isPeer(
  { podSelector = {}, namespaceSelector }: Omit<Peer, 'ipBlock'>,
  policyNamespace: string,
  pod: Pod,
  namespaces: ReadonlyMap<string, Namespace>,
): boolean {
  const { namespace, labels } = pod.metadata
  const inNamespace =
    namespaceSelector === undefined
      ? namespace === policyNamespace
      : selects(namespaceSelector, namespaces.get(namespace)?.metadata.labels)
  return inNamespace && selects(podSelector, labels)
}

/** The address under which policies concern a pod: none on the host's network, before it has one, after it has ended. */
export function policyAddress(pod: Pod): string | undefined {
  if (pod.spec.hostNetwork === true) return undefined
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined
  return pod.status?.podIP
}
