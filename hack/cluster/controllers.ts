import { join } from 'node:path'
import { writeKubeconfig } from './control-plane.ts'
import type { RunningControlPlane } from './control-plane.ts'
import { ensureDaemon } from './daemon.ts'
import { settings } from './settings.ts'

/** Starts kube-controller-manager and kube-scheduler, alone and therefore without leader election. */
export async function ensureControllers(stateDir: string, programs: string, plane: RunningControlPlane): Promise<void> {
  const pki = join(stateDir, 'pki')
  const [controllerManager, scheduler] = await Promise.all([
    writeKubeconfig(stateDir, 'controller-manager', plane.url, plane.authority, {
      commonName: 'system:kube-controller-manager',
    }),
    writeKubeconfig(stateDir, 'scheduler', plane.url, plane.authority, { commonName: 'system:kube-scheduler' }),
  ])
  await ensureDaemon(stateDir, {
    name: 'kube-controller-manager',
    program: join(programs, 'kube-controller-manager'),
    lifetime: 'Detached',
    args: [
      ...[`--kubeconfig=${controllerManager}`, '--bind-address=127.0.0.1', '--leader-elect=false'],
      ...[`--secure-port=${settings.ports.controllerManager}`, `--cert-dir=${join(pki, 'controller-manager')}`],
      // Dapr's injector trusts pods created by these accounts only.
      '--use-service-account-credentials',
      ...[`--service-account-private-key-file=${join(pki, 'service-account.key')}`],
      ...[`--root-ca-file=${plane.authority.certificate}`],
      ...[
        `--cluster-signing-cert-file=${plane.authority.certificate}`,
        `--cluster-signing-key-file=${plane.authority.key}`,
      ],
      ...[`--cluster-cidr=${settings.podRange}`, '--allocate-node-cidrs=false'],
      // As often as metrics come; the default is 15 s.
      '--horizontal-pod-autoscaler-sync-period=5s',
    ],
  })
  await ensureDaemon(stateDir, {
    name: 'kube-scheduler',
    program: join(programs, 'kube-scheduler'),
    lifetime: 'Detached',
    args: [
      ...[`--kubeconfig=${scheduler}`, '--bind-address=127.0.0.1', '--leader-elect=false'],
      ...[`--secure-port=${settings.ports.scheduler}`, `--cert-dir=${join(pki, 'scheduler')}`],
    ],
  })
}
