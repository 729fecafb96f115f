import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ENTRY, ENTRY_IN, ENTRY_OUT } from './chains.ts'
import { planChains } from './policy-plan.ts'
import type { LabelSelector } from '../../../operator/src/kube/label-selector.ts'
import type { ClusterState, NetworkPolicy, Peer, Pod, PolicyPort } from './resources.ts'
import type { Connection } from './test/connection.ts'
import { passes } from './test/packet-filter.ts'
import { mayConnect } from './test/reference.ts'

const pod = (name: string, podIP: string, more: Partial<Pod['spec']> = {}, phase = 'Running'): Pod => ({
  metadata: { name, namespace: 'shop', uid: name, labels: { app: name } },
  spec: { containers: [{ ports: [{ name: 'http', containerPort: 8080 }] }], ...more },
  status: { phase, podIP },
})
const web = pod('web', '10.61.1.1')
const db = pod('db', '10.61.1.2')
const probe: Pod = {
  ...pod('probe', '10.61.1.3'),
  metadata: { name: 'probe', namespace: 'ops', uid: 'probe', labels: { app: 'probe' } },
}
const outside = '192.0.2.7'

const state = (spec: NetworkPolicy['spec'], pods: readonly Pod[] = [web, db, probe]): ClusterState => ({
  policies: [{ metadata: { name: 'policy', namespace: 'shop' }, spec }],
  pods,
  namespaces: [
    { metadata: { name: 'shop', labels: { team: 'a' } } },
    { metadata: { name: 'ops', labels: { team: 'b' } } },
  ],
})

const app = (name: string): LabelSelector => ({ matchLabels: { app: name } })
const open = (
  from: Pod | string,
  to: Pod | string,
  port = 80,
  protocol: Connection['protocol'] = 'TCP',
): Connection => {
  const address = (end: Pod | string): string => (typeof end === 'string' ? end : (end.status?.podIP ?? ''))
  return { from: address(from), to: address(to), port, protocol }
}
const allowed = (spec: NetworkPolicy['spec'], connection: Connection, pods?: readonly Pod[]): boolean =>
  passes(planChains(state(spec, pods)), connection)

describe('a pod that a policy isolates', () => {
  const isolated = { podSelector: app('web'), policyTypes: ['Ingress', 'Egress'] } as const
  test.each([
    ['is reached by nobody in its namespace', open(db, web), false],
    ['is reached by nobody in another', open(probe, web), false],
    ['is reached by nobody outside', open(outside, web), false],
    ['reaches nobody in its namespace', open(web, db), false],
    ['reaches nobody outside', open(web, outside), false],
    ['does not reach the node', open(web, '10.61.0.1', 6443), false],
    ['does not reach DNS', open(web, probe, 53, 'UDP'), false],
    ['reaches itself', open(web, web), true],
  ])('%s', (_, connection, expected) => {
    expect(allowed(isolated, connection)).toBe(expected)
  })

  test.each([
    ['in its namespace', open(db, probe)],
    ['from outside', open(outside, db)],
    ['to the outside', open(probe, outside)],
  ])('leaves connections of its neighbours alone: %s', (_, connection) => {
    expect(allowed(isolated, connection)).toBe(true)
  })

  test('keeps its isolation while its node opens connections to it: what the node opens is not judged', () => {
    const chains = planChains(state(isolated))
    expect(chains.get(ENTRY_OUT)).toEqual([{ match: { reply: true }, action: { jump: ENTRY } }])
    expect(chains.get(ENTRY_IN)?.[0]).toEqual({ match: { reply: true }, action: 'Return' })
  })
})

describe('a rule', () => {
  const from = (peer: Peer, ports?: readonly PolicyPort[]): NetworkPolicy['spec'] => ({
    podSelector: app('web'),
    policyTypes: ['Ingress'],
    ingress: [{ from: [peer], ...(ports === undefined ? {} : { ports }) }],
  })
  const otherTeam = { namespaceSelector: { matchLabels: { team: 'b' } } }
  test.each([
    ['by pod label', from({ podSelector: app('db') }), open(db, web), true],
    [
      'by pod label means the namespace of the policy only',
      from({ podSelector: app('probe') }),
      open(probe, web),
      false,
    ],
    ['by namespace label', from(otherTeam), open(probe, web), true],
    ['by namespace label, from another namespace', from(otherTeam), open(db, web), false],
    ['by both', from({ ...otherTeam, podSelector: app('probe') }), open(probe, web), true],
    ['by both, of which one does not hold', from({ ...otherTeam, podSelector: app('db') }), open(probe, web), false],
    ['by address block', from({ ipBlock: { cidr: '192.0.2.0/24' } }), open(outside, web), true],
    [
      'by address block with an exception',
      from({ ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.7/32'] } }),
      open(outside, web),
      false,
    ],
    [
      'by address block with an exception for others',
      from({ ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.8/32'] } }),
      open(outside, web),
      true,
    ],
    ['by port', from({ podSelector: {} }, [{ port: 80 }]), open(db, web, 80), true],
    ['by another port', from({ podSelector: {} }, [{ port: 80 }]), open(db, web, 81), false],
    [
      'by a port of another protocol',
      from({ podSelector: {} }, [{ port: 80, protocol: 'UDP' }]),
      open(db, web, 80),
      false,
    ],
    [
      'by a range of ports, its last one',
      from({ podSelector: {} }, [{ port: 80, endPort: 90 }]),
      open(db, web, 90),
      true,
    ],
    [
      'by a range of ports, the one behind it',
      from({ podSelector: {} }, [{ port: 80, endPort: 90 }]),
      open(db, web, 91),
      false,
    ],
    ['by a protocol without port', from({ podSelector: {} }, [{ protocol: 'UDP' }]), open(db, web, 7, 'UDP'), true],
    ['by the name of a port', from({ podSelector: {} }, [{ port: 'http' }]), open(db, web, 8080), true],
    ['by a name the pod does not have', from({ podSelector: {} }, [{ port: 'grpc' }]), open(db, web, 8080), false],
  ])('allows or not: %s', (_, spec, connection, expected) => {
    expect(allowed(spec, connection)).toBe(expected)
  })

  test('by the name of a port, for egress, means the number it has on the pod that is reached', () => {
    const other = pod('db', '10.61.1.2', { containers: [{ ports: [{ name: 'http', containerPort: 9090 }] }] })
    const spec: NetworkPolicy['spec'] = { podSelector: app('web'), egress: [{ ports: [{ port: 'http' }] }] }
    expect(allowed(spec, open(web, other, 9090), [web, other])).toBe(true)
    expect(allowed(spec, open(web, other, 8080), [web, other])).toBe(false)
  })

  test('by the name of a port, for egress to a block of addresses, means the pods in it', () => {
    const to = (cidr: string): NetworkPolicy['spec'] => ({
      podSelector: app('db'),
      egress: [{ to: [{ ipBlock: { cidr } }], ports: [{ port: 'http' }] }],
    })
    expect(allowed(to('10.61.1.0/24'), open(db, web, 8080))).toBe(true)
    expect(allowed(to('192.0.2.0/24'), open(db, web, 8080))).toBe(false)
  })
})

describe('policy types that are not given', () => {
  test.each([
    ['are Ingress', { podSelector: app('web') }, open(db, web), false],
    ['leave egress free', { podSelector: app('web') }, open(web, db), true],
    [
      'are Egress too where it has rules',
      { podSelector: app('web'), egress: [{ ports: [{ port: 1 }] }] },
      open(web, db),
      false,
    ],
  ])('%s', (_, spec, connection, expected) => {
    expect(allowed(spec, connection)).toBe(expected)
  })
})

test('policies add up: what one of them allows is allowed', () => {
  const chains = planChains({
    ...state({ podSelector: {}, policyTypes: ['Ingress'] }),
    policies: [
      { metadata: { name: 'nobody', namespace: 'shop' }, spec: { podSelector: {} } },
      {
        metadata: { name: 'db', namespace: 'shop' },
        spec: { podSelector: app('web'), ingress: [{ from: [{ podSelector: app('db') }] }] },
      },
    ],
  })
  expect(passes(chains, open(db, web))).toBe(true)
  expect(passes(chains, open(probe, web))).toBe(false)
})

test.each([
  ['on the network of the host', pod('web', '10.61.0.1', { hostNetwork: true })],
  ['that has ended, whose address may be another one by now', pod('web', '10.61.1.1', {}, 'Succeeded')],
  ['that has no address yet', { ...web, status: { phase: 'Pending' } }],
])('a pod %s is not isolated', (_, target) => {
  expect(planChains(state({ podSelector: {} }, [target])).get(ENTRY)).toEqual([])
})

test('what belongs to no connection, or goes to everybody, is dropped as soon as a pod is isolated', () => {
  const chains = planChains(state({ podSelector: app('web'), policyTypes: ['Ingress', 'Egress'] }))
  const [broadcast, multicast, untracked] = chains.get(ENTRY) ?? []
  expect(broadcast).toEqual({ match: { sentTo: 'broadcast' }, action: 'Drop' })
  expect(multicast).toEqual({ match: { sentTo: 'multicast' }, action: 'Drop' })
  const chain = typeof untracked?.action === 'object' ? untracked.action.jump : ''
  expect(chains.get(chain)?.map(({ match }) => match)).toEqual([{ source: '10.61.1.1' }, { destination: '10.61.1.1' }])
})

// --- property: the chains decide as the documentation reads ---

const labels = fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('a', 'b'), { maxKeys: 2 })
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: labels,
    matchExpressions: fc.array(
      fc.record({
        key: fc.constantFrom('app', 'tier'),
        operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
        values: fc.subarray(['a', 'b'], { minLength: 1 }),
      }),
      { maxLength: 1 },
    ),
  },
  { requiredKeys: [] },
)
const protocol = fc.constantFrom('TCP' as const, 'UDP' as const)
const port = fc.constantFrom(1, 2, 3, 4)
const addresses = ['10.61.1.1', '10.61.1.2', '10.61.1.3', '10.61.2.1']
const block = fc.constantFrom('10.61.1.0/24', '10.61.1.2/32', '10.61.0.0/16', '0.0.0.0/0', '192.0.2.0/24')
const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  fc.record({ ipBlock: fc.record({ cidr: block, except: fc.array(block, { maxLength: 2 }) }) }),
)
const policyPort: fc.Arbitrary<PolicyPort> = fc.oneof(
  fc.record({ protocol, port: fc.oneof(port, fc.constantFrom('x', 'y')) }, { requiredKeys: [] }),
  fc.record({ protocol, port: fc.constantFrom(1, 2), endPort: fc.constantFrom(3, 4) }),
)
const peers = fc.array(peer, { maxLength: 2 })
const ports = fc.array(policyPort, { maxLength: 2 })
const policies: fc.Arbitrary<NetworkPolicy[]> = fc.array(
  fc.record({
    metadata: fc.record({ name: fc.constantFrom('p', 'q', 'r'), namespace: fc.constantFrom('n', 'm') }),
    spec: fc.record(
      {
        podSelector: selector,
        policyTypes: fc.subarray(['Ingress' as const, 'Egress' as const], { minLength: 1 }),
        ingress: fc.array(fc.record({ from: peers, ports }, { requiredKeys: [] }), { maxLength: 2 }),
        egress: fc.array(fc.record({ to: peers, ports }, { requiredKeys: [] }), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  }),
  { maxLength: 4 },
)
const podAt = (podIP: string): fc.Arbitrary<Pod> =>
  fc.record({
    metadata: fc.record({
      name: fc.constant(`pod-${podIP}`),
      namespace: fc.constantFrom('n', 'm'),
      uid: fc.constant(podIP),
      labels,
    }),
    spec: fc.record({
      hostNetwork: fc.boolean().map((value) => value && podIP === '10.61.2.1'),
      containers: fc.array(
        fc.record({
          ports: fc.array(fc.record({ name: fc.constantFrom('x', 'y'), containerPort: port, protocol }), {
            maxLength: 2,
          }),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    }),
    status: fc.record({ phase: fc.constantFrom('Running', 'Pending', 'Succeeded'), podIP: fc.constant(podIP) }),
  })
const clusters: fc.Arbitrary<ClusterState> = fc.record({
  policies,
  pods: fc.tuple(...addresses.map(podAt)),
  namespaces: fc.tuple(
    fc.record({ metadata: fc.record({ name: fc.constant('n'), labels }) }),
    fc.record({ metadata: fc.record({ name: fc.constant('m'), labels }) }),
  ),
})
const address = fc.constantFrom(...addresses, '192.0.2.7', '10.61.0.1')

test('for any policies, a connection passes the chains exactly when the documentation allows it', () => {
  const connections = fc.array(fc.record({ from: address, to: address, protocol, port }), {
    minLength: 20,
    maxLength: 20,
  })
  fc.assert(
    fc.property(clusters, connections, (cluster, tried) => {
      const chains = planChains(cluster)
      const decided = tried.map((connection) => ({ ...connection, allowed: passes(chains, connection) }))
      expect(decided).toEqual(tried.map((connection) => ({ ...connection, allowed: mayConnect(cluster, connection) })))
    }),
    { numRuns: 300 },
  )
})

test('for any policies, the order of the objects makes no difference to the chains', () => {
  fc.assert(
    fc.property(clusters, (cluster) => {
      const unique = [...new Map(cluster.policies.map((policy) => [JSON.stringify(policy.metadata), policy])).values()]
      const turned = { ...cluster, policies: unique.toReversed(), pods: cluster.pods.toReversed() }
      expect(planChains(turned)).toEqual(planChains({ ...cluster, policies: unique }))
    }),
  )
})
