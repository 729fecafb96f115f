/**
 * NetworkPolicies (networking.k8s.io/v1) as chains of packet filter rules.
 *
 * **Every packet is judged, by its connection.** Rules that accept whatever is established, as most engines have them,
 * let go on what was open when a policy came. Here nothing is accepted for its state. Connection tracking remembers for
 * each packet who opened its connection and whom it reached after the translation of Service addresses, so a reply is
 * judged by the same rule as the request it answers: replies of allowed connections pass, and a connection that no policy
 * allows any more is cut in both directions with its next packet, without an entry to be deleted anywhere.
 *
 * **A packet's way.** The dispatch chain sends it to a chain for the egress of the pod that opened the connection, if
 * policies isolate that, then to one for the ingress of the pod that accepts it. Such a chain asks every rule of every
 * policy that selects the pod (policies only ever add); a rule that allows the packet marks it; a packet without a mark
 * at the end is dropped. Pods that the same policies select share one chain.
 *
 * **The node.** What processes of the node open towards pods (the kubelet's probes, the API server's calls of webhooks)
 * is never judged: those packets pass OUTPUT in the connection's direction and INPUT as replies, see ENTRY_OUT, ENTRY_IN.
 * What pods open towards the node is judged as egress.
 *
 * What cannot be attributed is dropped where a pod is isolated: packets without a connection, and what is sent to all
 * ports of the bridge at once.
 *
 * Proved by: the property in policy-plan.test.ts (these chains decide as a plain reading of the API's documentation),
 * and network-policy.integration.test.ts (real connections).
 */
import { ENTRY, ENTRY_IN, ENTRY_OUT, chainSet } from './chains.ts'
import type { ChainSet, Chains, Match, Rule } from './chains.ts'
import type { ClusterState, NetworkPolicy, Peer, Pod, PolicyPort } from './resources.ts'
import { isPeer, policyAddress, selects } from './selectors.ts'

type Direction = 'Ingress' | 'Egress'

interface PolicyRule {
  readonly peers: readonly Peer[]
  readonly ports: readonly PolicyPort[]
}

/** A pod with the address that policies concern. */
interface Endpoint {
  readonly pod: Pod
  readonly address: string
}

interface Context {
  readonly endpoints: readonly Endpoint[]
  readonly namespaces: ReadonlyMap<string, ClusterState['namespaces'][number]>
  readonly set: ChainSet
}

/** All chains for a state of the cluster; the three entries are always there, empty where no pod is isolated. */
export function planChains(state: ClusterState): Chains {
  const set = chainSet()
  const endpoints = state.pods.flatMap((pod) => {
    const address = policyAddress(pod)
    return address === undefined ? [] : [{ pod, address }]
  })
  endpoints.sort((a, b) => a.address.localeCompare(b.address))
  const namespaces = new Map(state.namespaces.map((namespace) => [namespace.metadata.name, namespace]))
  const context: Context = { endpoints, namespaces, set }
  const policies = state.policies.toSorted((a, b) => idOf(a).localeCompare(idOf(b)))
  const isolate = (direction: Direction): Isolation[] => isolations(context, policies, direction)
  set.chains.set(ENTRY, entry(set, isolate('Egress'), isolate('Ingress')))
  set.chains.set(ENTRY_IN, [
    { match: { reply: true }, action: 'Return' },
    { match: {}, action: { jump: ENTRY } },
  ])
  set.chains.set(ENTRY_OUT, [{ match: { reply: true }, action: { jump: ENTRY } }])
  return set.chains
}

const idOf = ({ metadata }: NetworkPolicy): string => `${metadata.namespace}/${metadata.name}`

/** A pod that only what its chain allows may reach, or may be reached by. */
interface Isolation extends Endpoint {
  readonly chain: string
}

function entry(set: ChainSet, egress: readonly Isolation[], ingress: readonly Isolation[]): Rule[] {
  const isolated = [...egress, ...ingress]
  if (isolated.length === 0) return []
  const addresses = [...new Set(isolated.map(({ address }) => address))]
  const untracked = set.add('U', [
    ...egress.map(({ address }): Rule => ({ match: { source: address }, action: 'Drop' })),
    ...ingress.map(({ address }): Rule => ({ match: { destination: address }, action: 'Drop' })),
  ])
  const dispatch = set.add('D', [
    // No policy keeps a pod from itself, by way of a Service for instance.
    ...addresses.map((address): Rule => ({ match: { from: address, to: address }, action: 'Return' })),
    ...egress.map((one) => jump({ from: one.address }, one.chain, `egress of ${nameOf(one)}`)),
    ...ingress.map((one) => jump({ to: one.address }, one.chain, `ingress of ${nameOf(one)}`)),
  ])
  return [
    { match: { sentTo: 'broadcast' }, action: 'Drop' },
    { match: { sentTo: 'multicast' }, action: 'Drop' },
    jump({ untracked: true }, untracked),
    jump({}, dispatch),
  ]
}

const nameOf = ({ pod }: Endpoint): string => `${pod.metadata.namespace}/${pod.metadata.name}`

const jump = (match: Match, chain: string, comment?: string): Rule => ({
  match,
  action: { jump: chain },
  ...(comment === undefined ? {} : { comment }),
})

function isolations(context: Context, policies: readonly NetworkPolicy[], direction: Direction): Isolation[] {
  const applying = policies.filter((policy) => appliesTo(policy, direction))
  // One after another: the targets of a policy are needed for its named ports.
  const chains = new Map(applying.map((policy) => [policy, policyChains(context, policy, direction)]))
  return context.endpoints.flatMap((endpoint) => {
    const selecting = applying.filter((policy) => selectsPod(policy, endpoint.pod))
    if (selecting.length === 0) return []
    const rules = selecting.flatMap((policy) => chains.get(policy) ?? [])
    if (rules.includes('Everything')) return []
    return [{ ...endpoint, chain: verdict(context.set, rules) }]
  })
}

/** Whether a policy isolates the pods it selects in a direction. */
export function appliesTo({ spec }: NetworkPolicy, direction: Direction): boolean {
  if (spec.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes.includes(direction)
  return direction === 'Ingress' || (spec.egress ?? []).length > 0
}

/** Whether a policy is about a pod at all. */
export function selectsPod({ metadata, spec }: NetworkPolicy, pod: Pod): boolean {
  return pod.metadata.namespace === metadata.namespace && selects(spec.podSelector ?? {}, pod.metadata.labels)
}

/** Rules of a policy in one shape for both directions. */
export function rulesOf({ spec }: NetworkPolicy, direction: Direction): PolicyRule[] {
  return direction === 'Ingress'
    ? (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from ?? [], ports: ports ?? [] }))
    : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to ?? [], ports: ports ?? [] }))
}

/** The chain that lets pass what one of the rules allows. */
function verdict(set: ChainSet, chains: readonly string[]): string {
  const allowing = [...new Set(chains)]
  if (allowing.length === 0) return set.add('V', [{ match: {}, action: 'Drop' }])
  return set.add('V', [
    { match: {}, action: 'Forget' },
    ...allowing.map((chain) => jump({}, chain)),
    { match: { allowed: false }, action: 'Drop' },
    { match: {}, action: 'Forget' },
  ])
}

/** A chain for each rule of a policy, or `Everything` for one without any condition. */
function policyChains(context: Context, policy: NetworkPolicy, direction: Direction): string[] {
  const targets = context.endpoints.filter(({ pod }) => selectsPod(policy, pod))
  return rulesOf(policy, direction).flatMap((rule) => {
    if (rule.peers.length === 0 && rule.ports.length === 0) return ['Everything']
    const peers = context.endpoints.filter((endpoint) => isSelectedPeer(context, policy, rule, endpoint))
    // Any pod may be in a block of addresses; whether it is, is matched before its ports are.
    const reached = rule.peers.some(({ ipBlock }) => ipBlock !== undefined) ? context.endpoints : peers
    const ports = portRules(rule.ports, direction === 'Ingress' ? targets : reached)
    if (ports.length === 0) return []
    if (rule.peers.length === 0) return [context.set.add('R', ports)]
    const side = direction === 'Ingress' ? 'from' : 'to'
    const allow = context.set.add('P', ports)
    const blocks = rule.peers.flatMap(({ ipBlock }) => (ipBlock ? blockRules(context.set, ipBlock, side, allow) : []))
    return [context.set.add('R', [...peers.map(({ address }) => jump({ [side]: address }, allow)), ...blocks])]
  })
}

function isSelectedPeer(context: Context, policy: NetworkPolicy, rule: PolicyRule, { pod }: Endpoint): boolean {
  if (rule.peers.length === 0) return true
  return rule.peers.some(
    (peer) => peer.ipBlock === undefined && isPeer(peer, policy.metadata.namespace, pod, context.namespaces),
  )
}

/** Nothing for IPv6: there is none on the pods' network. */
function blockRules(
  set: ChainSet,
  { cidr, except = [] }: NonNullable<Peer['ipBlock']>,
  side: 'from' | 'to',
  allow: string,
): Rule[] {
  if (cidr.includes(':')) return []
  if (except.length === 0) return [jump({ [side]: cidr }, allow)]
  const block = set.add('B', [
    ...except.map((excepted): Rule => ({ match: { [side]: excepted }, action: 'Return' })),
    jump({}, allow),
  ])
  return [jump({ [side]: cidr }, block)]
}

/** @param accepting pods among which the names of ports are looked up: those that accept the connection. */
function portRules(ports: readonly PolicyPort[], accepting: readonly Endpoint[]): Rule[] {
  if (ports.length === 0) return [{ match: {}, action: 'Allow' }]
  return ports.flatMap(({ protocol = 'TCP', port, endPort }): Rule[] => {
    if (port === undefined) return [{ match: { protocol }, action: 'Allow' }]
    if (typeof port === 'number') {
      const range = endPort === undefined ? `${port}` : `${port}:${endPort}`
      return [{ match: { protocol, port: range }, action: 'Allow' }]
    }
    return accepting.flatMap(({ pod, address }) =>
      namedPorts(pod, port, protocol).map((number): Rule => ({
        match: { to: address, protocol, port: `${number}` },
        action: 'Allow',
      })),
    )
  })
}

/** The numbers a pod gives to the name of a port: one, as a rule. */
export function namedPorts({ spec }: Pod, name: string, protocol: string): number[] {
  return [...spec.containers, ...(spec.initContainers ?? [])]
    .flatMap(({ ports = [] }) => ports)
    .filter((port) => port.name === name && (port.protocol ?? 'TCP') === protocol)
    .map(({ containerPort }) => containerPort)
}
