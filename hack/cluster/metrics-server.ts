import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureAggregatedApi } from './aggregated-api.ts'
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
  const api = {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    service: { name: 'metrics-server', namespace: 'kube-system' },
    authority: plane.authority,
  }
  await ensureAggregatedApi(cluster, api, running)
}
