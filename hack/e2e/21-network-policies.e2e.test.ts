import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findDaemon, stopProcess } from '../cluster/daemon.ts'
import { stateFolder } from '../cluster/folders.ts'
import { ENGINE, ensureNetworkPolicies } from '../cluster/network-policy/index.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually, staysSo } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { startPeer } from './support/peer.ts'
import type { KeptConnection, Peer } from './support/peer.ts'
import { serviceAddress } from './support/service-address.ts'

const API_SERVER = ['kubernetes.default.svc', 443] as const

/** One story in order: the tests build on one another. */
describe('NetworkPolicies on the dev cluster', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let suspect: Peer
  let client: Peer
  let bystander: Peer
  let clientsConnection: KeptConnection
  let suspectsConnection: KeptConnection
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'policies')
    ;[suspect, client, bystander] = await Promise.all([
      startPeer(cluster, namespace.name, 'suspect'),
      startPeer(cluster, namespace.name, 'client'),
      startPeer(cluster, namespace.name, 'bystander'),
    ])
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const policy = async (name: string, spec: Readonly<Record<string, unknown>>): Promise<void> => {
    const object = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec }
    await cluster.kubectl(['apply', '-n', namespace.name, '-f', '-'], { input: JSON.stringify(object) })
  }
  const removePolicies = (): Promise<string> =>
    cluster.kubectl(['delete', 'networkpolicy', '--all', '-n', namespace.name])
  const isolation = { podSelector: { matchLabels: { app: 'suspect' } }, policyTypes: ['Ingress', 'Egress'] }

  it('everybody reaches everybody without one', async () => {
    // A new Service takes kube-proxy and the name server a moment, and longer on a busy machine.
    await eventually('the pod', () => client.reaches(suspect.address), 30_000)
    await eventually('the Service of the suspect', () => client.reaches('suspect'), 30_000)
    await eventually('the Service of the client', () => suspect.reaches('client'), 30_000)
    await eventually('the API server', () => suspect.reaches(...API_SERVER), 30_000)
    await eventually('the Service of the bystander', () => suspect.reaches('bystander'), 30_000)
    clientsConnection = await client.keeps('suspect')
    suspectsConnection = await suspect.keeps('bystander')
    expect(await clientsConnection.answers()).toBe(true)
    expect(await suspectsConnection.answers()).toBe(true)
  })

  it('an isolated pod reaches nothing, is reached by nothing, and loses the connections it has', async () => {
    await policy('isolation', isolation)
    await eventually('isolation', () => client.isCutOff(suspect.address), 15_000)
    expect(await client.isCutOff((await serviceAddress(cluster, namespace.name, 'suspect')).host)).toBe(true)
    expect(await suspect.isCutOff(bystander.address)).toBe(true)
    expect(await suspect.isCutOff('10.62.0.1', 443)).toBe(true)
    expect(await suspect.isCutOff('10.61.0.1', 6443)).toBe(true)
    expect(await suspect.isCutOff('10.62.0.10', 53)).toBe(true)
    expect(await clientsConnection.isCut()).toBe(true)
    expect(await suspectsConnection.isCut()).toBe(true)
  })

  it('its neighbours go on, and it stays within reach of the kubelet: probes, logs, exec', async () => {
    expect(await client.reaches('bystander')).toBe(true)
    expect(await bystander.reaches('client')).toBe(true)
    const inside = await cluster.kubectl(['exec', '-n', namespace.name, 'suspect', '--', 'node', '-p', '6 * 7'])
    expect(inside.trim()).toBe('42')
    await cluster.kubectl(['logs', '-n', namespace.name, 'suspect'])
    // Three failed probes, one a second, would end its readiness.
    await staysSo(async () => expect(await isReady('suspect')).toBe(true), 5_000)
  })

  it('a pod that is born isolated reaches nothing in its first moments either', async () => {
    await policy('newborns', { podSelector: { matchLabels: { app: 'newborn' } }, policyTypes: ['Egress'] })
    const newborn = await startPeer(cluster, namespace.name, 'newborn', bystander.address)
    expect(await newborn.reachedEarly()).toBe(false)
  })

  it('a second policy opens one way in, by Service and by the name of a port', async () => {
    const from = [{ podSelector: { matchLabels: { app: 'client' } } }]
    await policy('way-in', { ...isolation, policyTypes: ['Ingress'], ingress: [{ from, ports: [{ port: 'echo' }] }] })
    await eventually('a way in', () => client.reaches('suspect'), 15_000)
    expect(await client.isCutOff(suspect.address, 8080)).toBe(true)
    expect(await bystander.isCutOff(suspect.address)).toBe(true)
    expect(await suspect.isCutOff(client.address)).toBe(true)
  })

  it('what is in force stays when the engine is killed, and starting the cluster again repairs it', async () => {
    const stateDir = stateFolder()
    for (const engine of await findDaemon(stateDir, ENGINE)) await stopProcess(engine, 'SIGKILL', 10_000)
    await policy('bystander', { podSelector: { matchLabels: { app: 'bystander' } }, policyTypes: ['Ingress'] })
    expect(await bystander.isCutOff(suspect.address)).toBe(true)
    expect(await client.reaches('suspect')).toBe(true)
    await ensureNetworkPolicies(stateDir, cluster.kubeconfigPath)
    await eventually('the new policy in force', () => client.isCutOff(bystander.address), 15_000)
    expect(await client.reaches('suspect')).toBe(true)
  })

  it('everything is as before when the policies are gone', async () => {
    await removePolicies()
    await eventually('reach', () => bystander.reaches('suspect'), 15_000)
    await eventually('the bystander', () => suspect.reaches('bystander'), 15_000)
    await eventually('the API server', () => suspect.reaches(...API_SERVER), 15_000)
    await eventually('the connection that was cut goes on', () => clientsConnection.answers(), 60_000)
  })

  const isReady = async (name: string): Promise<boolean> => {
    const pod = await cluster.get(kinds.Pod, { namespace: namespace.name, name })
    const status = pod?.['status'] as
      { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } | undefined
    return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
  }
})
