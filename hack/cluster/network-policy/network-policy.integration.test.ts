/** Real connections between network namespaces that are wired as pods are, through the real iptables of a node. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../command.ts'
import { ensurePackages } from '../debian-packages.ts'
import { isInForce, putInForce } from './filter-table.ts'
import { planChains } from './policy-plan.ts'
import type { ClusterState, NetworkPolicy, Pod } from './resources.ts'
import { testNetwork } from './test/network.ts'
import type { Endpoint, TestNetwork } from './test/network.ts'

/** Nothing that is dropped arrives later; ms. */
const SOON = 700

const HTTP = 8080
const ADMIN = 9090
/** Address and port of a Service in front of `web`, as kube-proxy translates them. */
const service = { address: '10.62.0.80', port: 80 }

const root = process.getuid?.() === 0

describe.skipIf(!root)('NetworkPolicies in iptables', () => {
  let network: TestNetwork
  let web: Endpoint
  let client: Endpoint
  let other: Endpoint
  let machine: Endpoint
  beforeAll(async () => {
    await ensurePackages(['iproute2', 'iptables'])
    network = await testNetwork()
    web = await network.pod('10.61.1.1', [HTTP, ADMIN])
    client = await network.pod('10.61.1.2', [HTTP])
    other = await network.pod('10.61.1.3', [HTTP])
    machine = await network.outside('192.0.2.7', [HTTP])
    await inNode('iptables', '-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT')
    const translate = ['-d', service.address, '-p', 'tcp', '--dport', `${service.port}`]
    const toWeb = ['-j', 'DNAT', '--to-destination', `${web.address}:${HTTP}`]
    for (const chain of ['PREROUTING', 'OUTPUT'])
      await inNode('iptables', '-t', 'nat', '-A', chain, ...translate, ...toWeb)
  })
  afterEach(() => enforce())
  afterAll(() => network.remove())

  const inNode = (...command: string[]): Promise<string> => {
    const [program = '', ...args] = [...network.insideNode, ...command]
    return run(program, args)
  }
  const pod = (name: string, { address }: Endpoint): Pod => ({
    metadata: { name, namespace: 'shop', uid: name, labels: { app: name } },
    spec: { containers: [{ ports: [{ name: 'http', containerPort: HTTP }] }] },
    status: { phase: 'Running', podIP: address },
  })
  const state = (specs: readonly NetworkPolicy['spec'][]): ClusterState => ({
    policies: specs.map((spec, index) => ({ metadata: { name: `p${index}`, namespace: 'shop' }, spec })),
    pods: [pod('web', web), pod('client', client), pod('other', other)],
    namespaces: [{ metadata: { name: 'shop' } }],
  })
  const enforce = async (...specs: NetworkPolicy['spec'][]): Promise<boolean> =>
    putInForce(planChains(state(specs)), network.bridge, network.insideNode)
  const isolateWeb = { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress', 'Egress'] } as const
  const toWeb = (ingress: NetworkPolicy['spec']['ingress']): NetworkPolicy['spec'] => ({
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ...(ingress === undefined ? {} : { ingress }),
  })

  it('lets everybody reach everybody without policies', async () => {
    expect(await client.opens(web.address, HTTP)).toBe(true)
    expect(await client.opens(service.address, service.port)).toBe(true)
    expect(await client.exchangesDatagram(web.address, HTTP)).toBe(true)
    expect(await client.exchangesDatagram('10.61.255.255', ADMIN)).toBe(true)
    expect(await machine.opens(web.address, HTTP)).toBe(true)
    expect(await web.opens(machine.address, HTTP)).toBe(true)
    expect(await web.opens(network.node.address, 6443)).toBe(true)
  })

  describe('around an isolated pod', () => {
    it('lets nobody but the node reach it', async () => {
      await enforce(isolateWeb)
      expect(await client.opens(web.address, HTTP, SOON)).toBe(false)
      expect(await client.opens(service.address, service.port, SOON)).toBe(false)
      expect(await client.exchangesDatagram(web.address, HTTP, SOON)).toBe(false)
      expect(await client.exchangesDatagram('10.61.255.255', ADMIN, SOON)).toBe(false)
      expect(await machine.opens(web.address, HTTP, SOON)).toBe(false)
      expect(await network.node.opens(web.address, HTTP)).toBe(true)
      expect(await network.node.opens(service.address, service.port)).toBe(true)
      expect(await network.node.exchangesDatagram(web.address, HTTP)).toBe(true)
    })

    it('lets it reach nobody, not even the node', async () => {
      await enforce(isolateWeb)
      expect(await web.opens(client.address, HTTP, SOON)).toBe(false)
      expect(await web.exchangesDatagram(client.address, HTTP, SOON)).toBe(false)
      expect(await web.opens(machine.address, HTTP, SOON)).toBe(false)
      expect(await web.opens(network.node.address, 6443, SOON)).toBe(false)
    })

    it('leaves its neighbours alone', async () => {
      const before = await client.connection(other.address, HTTP)
      await enforce(isolateWeb)
      expect(await before.answers()).toBe(true)
      expect(await client.opens(other.address, HTTP)).toBe(true)
      expect(await other.opens(machine.address, HTTP)).toBe(true)
      expect(await machine.opens(client.address, HTTP)).toBe(true)
    })

    it('cuts what was open, whoever opened it, and only that', async () => {
      const cut = [
        await client.connection(web.address, HTTP),
        await client.connection(service.address, service.port),
        await machine.connection(web.address, HTTP),
        await web.connection(client.address, HTTP),
        await web.connection(machine.address, HTTP),
        await web.connection(network.node.address, 6443),
      ]
      const kept = await network.node.connection(web.address, HTTP)
      for (const connection of [...cut, kept]) expect(await connection.answers()).toBe(true)
      await enforce(isolateWeb)
      const answers = await Promise.all(cut.map((connection) => connection.answers(SOON)))
      expect(answers).toEqual(cut.map(() => false))
      expect(await kept.answers()).toBe(true)
    })

    it('gives it everything back when the policy goes, open connections included', async () => {
      const open = await client.connection(web.address, HTTP)
      await enforce(isolateWeb)
      expect(await open.answers(SOON)).toBe(false)
      await enforce()
      expect(await open.answers(15_000)).toBe(true)
      expect(await client.opens(web.address, HTTP)).toBe(true)
      expect(await web.opens(client.address, HTTP)).toBe(true)
    })
  })

  describe('a rule', () => {
    it('by pod label lets in those pods only, by Service as well, with the replies', async () => {
      await enforce(toWeb([{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }]))
      expect(await (await client.connection(web.address, HTTP)).answers()).toBe(true)
      expect(await (await client.connection(service.address, service.port)).answers()).toBe(true)
      expect(await client.exchangesDatagram(web.address, HTTP)).toBe(true)
      expect(await other.opens(web.address, HTTP, SOON)).toBe(false)
      expect(await other.opens(service.address, service.port, SOON)).toBe(false)
      expect(await web.opens(other.address, HTTP)).toBe(true)
    })

    it('by address block with an exception', async () => {
      await enforce(toWeb([{ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.61.1.3/32'] } }] }]))
      expect(await machine.opens(web.address, HTTP)).toBe(true)
      expect(await client.opens(web.address, HTTP)).toBe(true)
      expect(await other.opens(web.address, HTTP, SOON)).toBe(false)
    })

    it.each([
      ['number', [{ port: HTTP }]],
      ['name', [{ port: 'http' }]],
      ['range', [{ port: 8000, endPort: 8999 }]],
    ])("by the %s of a port, which for a Service is the pod's", async (_, ports) => {
      await enforce(toWeb([{ ports }]))
      expect(await client.opens(web.address, HTTP)).toBe(true)
      expect(await client.opens(service.address, service.port)).toBe(true)
      expect(await client.opens(web.address, ADMIN, SOON)).toBe(false)
      expect(await client.exchangesDatagram(web.address, HTTP, SOON)).toBe(false)
    })

    it('for egress lets out to those only', async () => {
      const to = [{ podSelector: { matchLabels: { app: 'other' } } }, { ipBlock: { cidr: '192.0.2.0/24' } }]
      await enforce({ podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'], egress: [{ to }] })
      expect(await client.opens(other.address, HTTP)).toBe(true)
      expect(await client.opens(machine.address, HTTP)).toBe(true)
      expect(await client.opens(web.address, HTTP, SOON)).toBe(false)
      expect(await client.opens(service.address, service.port, SOON)).toBe(false)
      expect(await other.opens(client.address, HTTP)).toBe(true)
    })
  })

  describe('the table', () => {
    it('is written only when it differs', async () => {
      expect(await enforce(isolateWeb)).toBe(true)
      expect(await enforce(isolateWeb)).toBe(false)
    })

    it.each([
      ['another program has put a rule first', ['-I', 'FORWARD', '1', '-j', 'ACCEPT']],
      ['the jumps are gone', ['-F', 'FORWARD']],
      ['a chain was emptied', ['-F', 'DEVPOL']],
    ])('is repaired when %s', async (_, damage) => {
      await enforce(isolateWeb)
      await inNode('iptables', ...damage)
      expect(await enforce(isolateWeb)).toBe(true)
      expect(await client.opens(web.address, HTTP, SOON)).toBe(false)
      expect(await enforce(isolateWeb)).toBe(false)
    })

    it('keeps nothing of policies that are gone', async () => {
      await enforce(isolateWeb, toWeb([{ ports: [{ port: 'http' }] }]))
      await enforce()
      const saved = await inNode('iptables-save', '-t', 'filter')
      expect(isInForce(planChains(state([])), network.bridge, saved)).toBe(true)
      expect(saved.match(/^:DEVPOL\S*/gm)).toEqual([':DEVPOL', ':DEVPOL-IN', ':DEVPOL-OUT'])
    })
  })
})
