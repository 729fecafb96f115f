import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiClient } from './api-client.ts'
import { certificate, certificateAuthority, signingKey } from './certificates.ts'
import type { KeyPair } from './certificates.ts'
import { ensureDaemon, logTail } from './daemon.ts'
import type { Daemon, DaemonSpec } from './daemon.ts'
import { kubeconfig } from './kubeconfig.ts'
import { FatalError, waitFor } from './waiting.ts'

/** Where and how etcd and kube-apiserver run. */
export interface ControlPlaneSpec {
  readonly stateDir: string
  /** Folder of the Go programs. */
  readonly programs: string
  readonly lifetime: DaemonSpec['lifetime']
  /** Address kube-apiserver listens on; pods reach it there too. */
  readonly address: string
  readonly ports: { readonly api: number; readonly etcd: number; readonly etcdPeer: number }
  /** CIDR of Service addresses. */
  readonly serviceRange: string
  /** Whether pods will use it: publishes the `kubernetes` Service's endpoint. */
  readonly forPods: boolean
  /** Writes every request that changes something to `audit.log` in the state folder, at level Metadata. */
  readonly audit: boolean
  /** Further kube-apiserver flags. */
  readonly extraArgs?: readonly string[]
}

/** A control plane that answers. */
export interface RunningControlPlane {
  /** For example https://127.0.0.1:41233 */
  readonly url: string
  /** The administrator's, in group system:masters. */
  readonly kubeconfigPath: string
  readonly authority: KeyPair
  readonly etcd: Daemon
  readonly apiServer: Daemon
}

/** Signs what clients and the kubelet show. The front proxy has another one: kube-apiserver refuses to share it. */
const AUTHORITY = 'cluster-ca'
const FRONT_PROXY_AUTHORITY = 'front-proxy-ca'

/**
 * Starts etcd and kube-apiserver, or finds them running as wanted, and waits until the API server is ready.
 * @throws DeadlineError, or an Error with the end of the log of the one that died.
 */
export async function ensureControlPlane(spec: ControlPlaneSpec): Promise<RunningControlPlane> {
  const pki = join(spec.stateDir, 'pki')
  await mkdir(pki, { recursive: true, mode: 0o700 })
  const [authority, frontProxyAuthority] = await Promise.all([
    certificateAuthority(pki, AUTHORITY),
    certificateAuthority(pki, FRONT_PROXY_AUTHORITY),
  ])
  const etcd = await ensureDaemon(spec.stateDir, await etcdDaemon(spec, pki, authority))
  const apiServerSpec = await apiServerDaemon(spec, pki, authority, frontProxyAuthority)
  const url = `https://${spec.address}:${spec.ports.api}`
  const kubeconfigPath = await writeKubeconfig(spec.stateDir, 'admin', url, authority, {
    commonName: 'admin',
    organization: 'system:masters',
  })
  const apiServer = await ensureDaemon(spec.stateDir, apiServerSpec)
  await waitUntilReady(kubeconfigPath, [etcd, apiServer])
  return { url, kubeconfigPath, authority, etcd, apiServer }
}

/** Waits for /readyz; a daemon that ends meanwhile ends the wait with its log. */
export async function waitUntilReady(
  kubeconfigPath: string,
  daemons: readonly Daemon[],
  timeout = 60_000,
): Promise<void> {
  const client = await apiClient(kubeconfigPath)
  try {
    const look = async (): Promise<true | undefined> => {
      for (const daemon of daemons) {
        if (!(await daemon.running())) throw new FatalError(`${daemon.name} ended:\n${await logTail(daemon.logPath)}`)
      }
      return (await client.call('GET', '/readyz')) === 'ok' ? true : undefined
    }
    await waitFor('kube-apiserver ready', look, { timeout, interval: 100 })
  } finally {
    await client.close()
  }
}

/** Writes `<name>.kubeconfig` into the state folder for a user with a certificate of its own, and answers its path. */
export async function writeKubeconfig(
  stateDir: string,
  name: string,
  url: string,
  authority: KeyPair,
  subject: { readonly commonName: string; readonly organization?: string },
): Promise<string> {
  const path = join(stateDir, `${name}.kubeconfig`)
  const identity = await certificate(join(stateDir, 'pki'), `${name}-client`, subject, authority)
  await writeFile(`${path}.new`, await kubeconfig(url, authority, name, identity), { mode: 0o600 })
  await rename(`${path}.new`, path)
  return path
}

async function etcdDaemon(spec: ControlPlaneSpec, pki: string, authority: KeyPair): Promise<DaemonSpec> {
  const server = await certificate(pki, 'etcd', { commonName: 'etcd', names: ['IP:127.0.0.1'] }, authority)
  const clients = `https://127.0.0.1:${spec.ports.etcd}`
  const peers = `http://127.0.0.1:${spec.ports.etcdPeer}`
  const args = [
    ...['--name=dev', `--data-dir=${join(spec.stateDir, 'etcd')}`],
    ...[`--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`],
    ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=dev=${peers}`],
    ...[`--cert-file=${server.certificate}`, `--key-file=${server.key}`],
    ...['--client-cert-auth', `--trusted-ca-file=${authority.certificate}`],
    // The data is thrown away with the cluster: only a power cut, not a crash, can lose what was not synced.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
  return { name: 'etcd', program: join(spec.programs, 'etcd'), args, lifetime: spec.lifetime }
}

async function apiServerDaemon(
  spec: ControlPlaneSpec,
  pki: string,
  authority: KeyPair,
  frontProxyAuthority: KeyPair,
): Promise<DaemonSpec> {
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const serverNames = [
    ...names.map((name) => `DNS:${name}`),
    ...['DNS:localhost', 'IP:127.0.0.1', `IP:${spec.address}`, `IP:${firstAddress(spec.serviceRange)}`],
  ]
  const [server, etcdClient, kubeletClient, frontProxy, tokens] = await Promise.all([
    certificate(pki, 'kube-apiserver', { commonName: 'kube-apiserver', names: serverNames }, authority),
    certificate(pki, 'etcd-client', { commonName: 'kube-apiserver' }, authority),
    certificate(
      pki,
      'kube-apiserver-kubelet',
      { commonName: 'kube-apiserver', organization: 'system:masters' },
      authority,
    ),
    certificate(pki, 'front-proxy', { commonName: 'front-proxy' }, frontProxyAuthority),
    signingKey(pki, 'service-account'),
  ])
  const args = [
    ...[`--bind-address=${spec.address}`, `--advertise-address=${spec.address}`, `--secure-port=${spec.ports.api}`],
    ...[
      `--endpoint-reconciler-type=${spec.forPods ? 'lease' : 'none'}`,
      `--service-cluster-ip-range=${spec.serviceRange}`,
    ],
    ...[`--etcd-servers=https://127.0.0.1:${spec.ports.etcd}`, `--etcd-cafile=${authority.certificate}`],
    ...[`--etcd-certfile=${etcdClient.certificate}`, `--etcd-keyfile=${etcdClient.key}`],
    ...[`--client-ca-file=${authority.certificate}`, '--authorization-mode=Node,RBAC'],
    ...[`--tls-cert-file=${server.certificate}`, `--tls-private-key-file=${server.key}`],
    ...['--service-account-issuer=https://kubernetes.default.svc.cluster.local'],
    ...[`--service-account-signing-key-file=${tokens.key}`, `--service-account-key-file=${tokens.publicKey}`],
    ...[`--kubelet-certificate-authority=${authority.certificate}`, '--kubelet-preferred-address-types=InternalIP'],
    ...[`--kubelet-client-certificate=${kubeletClient.certificate}`, `--kubelet-client-key=${kubeletClient.key}`],
    ...[
      `--requestheader-client-ca-file=${frontProxyAuthority.certificate}`,
      '--requestheader-allowed-names=front-proxy',
    ],
    ...['--requestheader-username-headers=X-Remote-User', '--requestheader-group-headers=X-Remote-Group'],
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    ...[`--proxy-client-cert-file=${frontProxy.certificate}`, `--proxy-client-key-file=${frontProxy.key}`],
    ...['--enable-admission-plugins=NodeRestriction', '--allow-privileged=true'],
    ...(spec.audit ? await auditArgs(spec.stateDir) : []),
    ...(spec.extraArgs ?? []),
  ]
  return {
    name: 'kube-apiserver',
    program: join(spec.programs, 'kube-apiserver'),
    args,
    lifetime: spec.lifetime,
    revision: JSON.stringify(AUDIT_POLICY),
  }
}

/** Who the operator is to the API server, as its chart installs it. */
const OPERATOR = 'system:serviceaccount:todochatbot-system:todochatbot-operator'

/** The log is for counting who changes what; of reads it has the operator's alone, which is not to need any. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'Metadata', users: [OPERATOR], verbs: ['get', 'list'] },
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
  ],
}

async function auditArgs(stateDir: string): Promise<string[]> {
  const policy = join(stateDir, 'audit-policy.json')
  await writeFile(policy, JSON.stringify(AUDIT_POLICY))
  return [
    ...[`--audit-policy-file=${policy}`, `--audit-log-path=${join(stateDir, 'audit.log')}`],
    ...['--audit-log-maxsize=100', '--audit-log-maxbackup=1'],
  ]
}

/** 10.62.0.0/16 → 10.62.0.1, the address of the Service `kubernetes`. */
export function firstAddress(cidr: string): string {
  const [network = ''] = cidr.split('/')
  const octets = network.split('.').map(Number)
  const last = octets.pop() ?? 0
  return [...octets, last + 1].join('.')
}

/** Whether a control plane was ever started in this folder. */
export async function hasControlPlane(stateDir: string): Promise<boolean> {
  return stat(join(stateDir, 'admin.kubeconfig')).then(
    () => true,
    () => false,
  )
}
