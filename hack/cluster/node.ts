import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiClient } from './api-client.ts'
import { certificate } from './certificates.ts'
import { containerdSocket } from './containerd.ts'
import { writeKubeconfig } from './control-plane.ts'
import type { RunningControlPlane } from './control-plane.ts'
import { ensureDaemon } from './daemon.ts'
import type { Daemon } from './daemon.ts'
import { settings } from './settings.ts'
import { waitFor } from './waiting.ts'

/** Starts the kubelet and kube-proxy on this machine and waits until the node is Ready. */
export async function ensureNode(stateDir: string, programs: string, plane: RunningControlPlane): Promise<void> {
  const before = Date.now()
  const [kubelet] = await Promise.all([
    ensureKubelet(stateDir, programs, plane),
    ensureKubeProxy(stateDir, programs, plane),
  ])
  // After a crash the API server still shows what the kubelet that died said: only a new heartbeat counts.
  const since = kubelet.started ? before - 1_000 : 0
  const client = await apiClient(plane.kubeconfigPath)
  try {
    const look = async (): Promise<true | undefined> => {
      const node = (await client.call('GET', `/api/v1/nodes/${settings.node}`)) as NodeObject
      const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
      if (ready && Date.parse(ready.lastHeartbeatTime) < since) throw new Error('no heartbeat yet')
      if (ready?.status !== 'True') throw new Error(ready?.message ?? 'the node has no condition Ready')
      return true
    }
    await waitFor(`node ${settings.node} Ready`, look, { timeout: 90_000 })
  } finally {
    await client.close()
  }
}

interface NodeObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly message?: string
      readonly lastHeartbeatTime: string
    }[]
  }
}

async function ensureKubelet(stateDir: string, programs: string, plane: RunningControlPlane): Promise<Daemon> {
  const root = join(stateDir, 'kubelet')
  await mkdir(root, { recursive: true })
  const pki = join(stateDir, 'pki')
  const names = [`IP:${settings.address}`, `DNS:${settings.node}`]
  const server = await certificate(pki, 'kubelet', { commonName: settings.node, names }, plane.authority)
  const kubeconfig = await writeKubeconfig(stateDir, 'kubelet', plane.url, plane.authority, {
    commonName: `system:node:${settings.node}`,
    organization: 'system:nodes',
  })
  const configuration = JSON.stringify(
    kubeletConfiguration({
      stateDir,
      serverCertificate: server.certificate,
      serverKey: server.key,
      clientAuthority: plane.authority.certificate,
      resolvConf: await resolvConf(),
    }),
    null,
    2,
  )
  const path = join(root, 'config.json')
  await writeFile(path, configuration)
  return ensureDaemon(stateDir, {
    name: 'kubelet',
    program: join(programs, 'kubelet'),
    args: [
      ...[`--config=${path}`, `--kubeconfig=${kubeconfig}`, `--root-dir=${root}`, `--cert-dir=${join(root, 'pki')}`],
      ...[`--hostname-override=${settings.node}`, `--node-ip=${settings.address}`],
    ],
    lifetime: 'Detached',
    revision: configuration,
  })
}

/** What the kubelet's configuration depends on. */
export interface KubeletInput {
  readonly stateDir: string
  readonly serverCertificate: string
  readonly serverKey: string
  readonly clientAuthority: string
  /** File with the machine's name servers; not one that points to a stub on loopback, which pods cannot reach. */
  readonly resolvConf: string
}

/** A KubeletConfiguration (kubelet.config.k8s.io/v1beta1). */
export function kubeletConfiguration(input: KubeletInput): Record<string, unknown> {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    address: settings.address,
    port: settings.ports.kubelet,
    healthzBindAddress: '127.0.0.1',
    healthzPort: settings.ports.kubeletHealth,
    tlsCertFile: input.serverCertificate,
    tlsPrivateKeyFile: input.serverKey,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: input.clientAuthority },
    },
    authorization: { mode: 'Webhook' },
    clusterDomain: settings.clusterDomain,
    clusterDNS: [settings.dnsAddress],
    resolvConf: input.resolvConf,
    containerRuntimeEndpoint: `unix://${containerdSocket(input.stateDir)}`,
    podLogsDir: join(input.stateDir, 'pod-logs'),
    volumePluginDir: join(input.stateDir, 'kubelet/volume-plugins'),
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    // An edited ConfigMap or Secret reaches its pods in seconds instead of a minute or two.
    syncFrequency: '10s',
    configMapAndSecretChangeDetectionStrategy: 'Watch',
    // There is no registry to pull from again: images are never collected, and a nearly full disk evicts nobody.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    maxPods: 250,
    registryPullQPS: 0,
    shutdownGracePeriod: '0s',
  }
}

async function ensureKubeProxy(stateDir: string, programs: string, plane: RunningControlPlane): Promise<void> {
  const kubeconfig = await writeKubeconfig(stateDir, 'kube-proxy', plane.url, plane.authority, {
    commonName: 'system:kube-proxy',
  })
  const configuration = JSON.stringify({
    kind: 'KubeProxyConfiguration',
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    clientConnection: { kubeconfig },
    // nftables mode needs a newer nft than Debian 12 has.
    mode: 'iptables',
    clusterCIDR: settings.podRange,
    hostnameOverride: settings.node,
    // Node ports answer on this machine only.
    nodePortAddresses: ['127.0.0.0/8'],
    healthzBindAddress: `127.0.0.1:${settings.ports.kubeProxyHealth}`,
    metricsBindAddress: `127.0.0.1:${settings.ports.kubeProxyMetrics}`,
    conntrack: { maxPerCore: 0, min: 0 },
    iptables: { minSyncPeriod: '100ms', syncPeriod: '30s' },
  })
  const path = join(stateDir, 'kube-proxy.json')
  await writeFile(path, configuration)
  await ensureDaemon(stateDir, {
    name: 'kube-proxy',
    program: join(programs, 'kube-proxy'),
    args: [`--config=${path}`],
    lifetime: 'Detached',
    revision: configuration,
  })
}

/** systemd-resolved writes a stub address into /etc/resolv.conf and the real servers elsewhere. */
export async function resolvConf(): Promise<string> {
  const real = '/run/systemd/resolve/resolv.conf'
  return (await stat(real).catch(() => undefined)) ? real : '/etc/resolv.conf'
}

/** Whether the machine knows a name server pods could ask. */
export async function hasNameServer(): Promise<boolean> {
  const text = await readFile(await resolvConf(), 'utf8').catch(() => '')
  return /^nameserver\s+(?!127\.|::1)\S+/m.test(text)
}
