/**
 * NetworkPolicy as the API's documentation words it, for one connection at a time and without a thought for rules, as
 * the measure of the chains. It shares nothing with them but the types.
 */
import type { LabelSelector } from '../../../../operator/src/kube/label-selector.ts'
import type { ClusterState, Labels, NetworkPolicy, Peer, Pod, PolicyPort } from '../resources.ts'
import { contains } from './connection.ts'
import type { Connection } from './connection.ts'

/** Whether a connection may be opened. */
export function mayConnect(state: ClusterState, connection: Connection): boolean {
  const source = podAt(state, connection.from)
  const target = podAt(state, connection.to)
  if (source && source === target) return true
  return (
    (!source || allowedBy(state, 'Egress', source, connection)) &&
    (!target || allowedBy(state, 'Ingress', target, connection))
  )
}

function podAt(state: ClusterState, address: string): Pod | undefined {
  return state.pods.find(
    (pod) =>
      pod.status?.podIP === address &&
      !pod.spec.hostNetwork &&
      pod.status.phase !== 'Succeeded' &&
      pod.status.phase !== 'Failed',
  )
}

function allowedBy(state: ClusterState, direction: 'Ingress' | 'Egress', pod: Pod, connection: Connection): boolean {
  const isolating = state.policies.filter((policy) => {
    const { policyTypes = policyTypesOf(policy), podSelector = {} } = policy.spec
    return (
      policy.metadata.namespace === pod.metadata.namespace &&
      holds(podSelector, pod.metadata.labels ?? {}) &&
      policyTypes.includes(direction)
    )
  })
  if (isolating.length === 0) return true
  const other = direction === 'Ingress' ? connection.from : connection.to
  return isolating.some((policy) =>
    (direction === 'Ingress'
      ? (policy.spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (policy.spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
    ).some(
      ({ peers = [], ports = [] }) =>
        (peers.length === 0 || peers.some((peer) => means(state, policy, peer, other))) &&
        (ports.length === 0 || ports.some((port) => isPort(state, port, connection))),
    ),
  )
}

const policyTypesOf = ({ spec }: NetworkPolicy): readonly string[] =>
  spec.egress !== undefined && spec.egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']

function means(state: ClusterState, policy: NetworkPolicy, peer: Peer, address: string): boolean {
  if (peer.ipBlock) {
    const { cidr, except = [] } = peer.ipBlock
    return contains(cidr, address) && !except.some((block) => contains(block, address))
  }
  const pod = podAt(state, address)
  if (!pod) return false
  const namespace = state.namespaces.find(({ metadata }) => metadata.name === pod.metadata.namespace)
  const there = peer.namespaceSelector
    ? holds(peer.namespaceSelector, namespace?.metadata.labels ?? {})
    : pod.metadata.namespace === policy.metadata.namespace
  return there && holds(peer.podSelector ?? {}, pod.metadata.labels ?? {})
}

function isPort(state: ClusterState, { protocol = 'TCP', port, endPort }: PolicyPort, connection: Connection): boolean {
  if (protocol !== connection.protocol) return false
  if (port === undefined) return true
  if (typeof port === 'number') return connection.port >= port && connection.port <= (endPort ?? port)
  return (podAt(state, connection.to)?.spec.containers ?? []).some(({ ports = [] }) =>
    ports.some(
      (one) => one.name === port && one.containerPort === connection.port && (one.protocol ?? 'TCP') === protocol,
    ),
  )
}

function holds({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    Object.keys(matchLabels).every((key) => labels[key] === matchLabels[key]) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      const listed = value !== undefined && values.includes(value)
      return operator === 'In' ? listed : !listed
    })
  )
}
