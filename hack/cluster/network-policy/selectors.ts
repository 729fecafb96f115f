import { selects as satisfy, type LabelSelector } from '../../../operator/src/kube/label-selector.ts'
import type { Labels, Namespace, Peer, Pod } from './resources.ts'

/** Whether labels satisfy a selector; one with an operator that is not known selects nobody rather than everybody. */
export const selects = (selector: LabelSelector, labels: Labels = {}): boolean => satisfy(selector, labels, false)

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
