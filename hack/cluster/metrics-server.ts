import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificate } from './certificates.ts'
import { writeKubeconfig } from './control-plane.ts'
import type { RunningControlPlane } from './control-plane.ts'
import { ensureDaemon, logTail } from './daemon.ts'
import type { Kubectl } from './kubectl.ts'
import { portIsFree } from './free-ports.ts'
import { settings } from './settings.ts'
import { FatalError, waitFor } from './waiting.ts'

/**
 * Starts metrics-server on the node and registers it with the API server: `kubectl top` and autoscaling on CPU and
 * memory. Returns when the API server reaches it; figures come a moment later, with its second look at the kubelet.
 */
export async function ensureMetricsServer(
  stateDir: string,
  programs: string,
  plane: RunningControlPlane,
  cluster: Kubectl,
): Promise<void> {
  const [serving, kubeconfig, manifest] = await Promise.all([
    certificate(
      join(stateDir, 'pki'),
      'metrics-server',
      { commonName: 'metrics-server', names: ['DNS:metrics-server.kube-system.svc', `IP:${settings.address}`] },
      plane.authority,
    ),
    writeKubeconfig(stateDir, 'metrics-server', plane.url, plane.authority, { commonName: 'system:metrics-server' }),
    readFile(join(import.meta.dirname, 'manifests/metrics-server.yaml'), 'utf8'),
  ])
  // What it may read must be granted before it starts: it gives up without.
  await cluster.apply(
    manifest.replaceAll('${ADDRESS}', settings.address).replaceAll('${PORT}', String(settings.ports.metricsServer)),
  )
  const daemon = await ensureDaemon(stateDir, {
    name: 'metrics-server',
    program: join(programs, 'metrics-server'),
    args: [
      ...[`--kubeconfig=${kubeconfig}`, `--authentication-kubeconfig=${kubeconfig}`],
      ...[`--authorization-kubeconfig=${kubeconfig}`],
      ...[`--bind-address=${settings.address}`, `--secure-port=${settings.ports.metricsServer}`],
      ...[`--tls-cert-file=${serving.certificate}`, `--tls-private-key-file=${serving.key}`],
      ...[`--kubelet-certificate-authority=${plane.authority.certificate}`],
      ...['--kubelet-preferred-address-types=InternalIP', '--kubelet-use-node-status-port'],
      // As short as it accepts; a request must end well before the next.
      ...['--metric-resolution=10s', '--kubelet-request-timeout=5s'],
    ],
    lifetime: 'Detached',
  })
  const running = async (): Promise<void> => {
    if (!(await daemon.running())) throw new FatalError(`metrics-server ended:\n${await logTail(daemon.logPath)}`)
  }
  const listens = async (): Promise<true | undefined> => {
    await running()
    return (await portIsFree(settings.ports.metricsServer, settings.address)) ? undefined : true
  }
  await waitFor('metrics-server listens', listens, { timeout: 30_000 })
  // Registered after it listens: the API server looks again only after a while when it finds nobody.
  await cluster.apply(JSON.stringify(apiService(await readFile(plane.authority.certificate))))
  const available = async (): Promise<true | undefined> => {
    await running()
    const { status } = JSON.parse(await cluster.kubectl(['get', 'apiservice', API_SERVICE, '-o', 'json'])) as ApiService
    const condition = status?.conditions?.find(({ type }) => type === 'Available')
    if (condition?.status === 'True') return true
    throw new Error(condition?.message ?? 'its APIService has no condition Available')
  }
  await waitFor('metrics-server behind the API server', available, { timeout: 60_000 })
}

const API_SERVICE = 'v1beta1.metrics.k8s.io'

/** @param authority certificate, PEM, by which the API server knows metrics-server */
const apiService = (authority: Buffer): Record<string, unknown> => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: API_SERVICE },
  spec: {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
    service: { name: 'metrics-server', namespace: 'kube-system', port: 443 },
    caBundle: authority.toString('base64'),
  },
})

interface ApiService {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}
