import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureControlPlane } from './control-plane.ts'
import type { ControlPlaneSpec, RunningControlPlane } from './control-plane.ts'
import { freePorts } from './free-ports.ts'
import { goPrograms } from './go-programs.ts'

/** What a test may choose. */
export interface IsolatedOptions {
  /** Default: a new folder below the temporary folder, removed by `stop`. A given folder is kept. */
  readonly stateDir?: string
  /** Writes `audit.log` into the state folder; see ControlPlaneSpec. Default false. */
  readonly audit?: boolean
  /** Further kube-apiserver flags. */
  readonly extraArgs?: readonly string[]
}

/** An API server of one's own. */
export interface IsolatedControlPlane {
  readonly kubeconfigPath: string
  readonly url: string
  readonly stateDir: string
  /** Path of the audit log, whether or not it was asked for. */
  readonly auditLogPath: string
  /** Ends kube-apiserver as a crash does (SIGKILL) without starting it again. */
  killApiServer(): Promise<void>
  /** Starts kube-apiserver again on the same port and data, ending it first if it still runs. Returns when it is ready. */
  restartApiServer(): Promise<void>
  /** Ends both processes and removes the folder. May be called again. */
  stop(): Promise<void>
}

/**
 * etcd and kube-apiserver on free ports of the loopback address, ready in some five seconds, beside any number of
 * others. Both die with the calling process, however that ends. Needs no root.
 */
export async function startControlPlane(options: IsolatedOptions = {}): Promise<IsolatedControlPlane> {
  const { folder: programs } = await goPrograms()
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'todochatbot-control-plane-')))
  let running: { spec: ControlPlaneSpec; plane: RunningControlPlane }
  try {
    running = await startOnFreePorts(stateDir, programs, options)
  } catch (error) {
    if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true })
    throw error
  }
  return {
    kubeconfigPath: running.plane.kubeconfigPath,
    url: running.plane.url,
    stateDir,
    auditLogPath: join(stateDir, 'audit.log'),
    killApiServer: () => running.plane.apiServer.kill(),
    async restartApiServer() {
      await running.plane.apiServer.stop()
      running = { spec: running.spec, plane: await ensureControlPlane(running.spec) }
    },
    async stop() {
      await running.plane.apiServer.kill()
      await running.plane.etcd.kill()
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true })
    },
  }
}

/** Another process may take a port between its choice and its use: the start is then tried again on others. */
async function startOnFreePorts(
  stateDir: string,
  programs: string,
  options: IsolatedOptions,
): Promise<{ spec: ControlPlaneSpec; plane: RunningControlPlane }> {
  for (let attempt = 1; ; attempt += 1) {
    const [api = 0, etcd = 0, etcdPeer = 0] = await freePorts(3)
    const spec: ControlPlaneSpec = {
      stateDir,
      programs,
      lifetime: 'Caller',
      address: '127.0.0.1',
      ports: { api, etcd, etcdPeer },
      serviceRange: '10.255.0.0/16',
      forPods: false,
      audit: options.audit ?? false,
      ...(options.extraArgs === undefined ? {} : { extraArgs: options.extraArgs }),
    }
    try {
      return { spec, plane: await ensureControlPlane(spec) }
    } catch (error) {
      if (attempt === 3 || !String(error).includes('address already in use')) throw error
    }
  }
}
