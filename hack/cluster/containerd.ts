import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import { ensureDaemon } from './daemon.ts'
import type { Daemon } from './daemon.ts'
import { CNI_PLUGINS, cniConfigurationFolder } from './network.ts'
import { waitFor } from './waiting.ts'

/** The socket kubelet and ctr talk to. */
export const containerdSocket = (stateDir: string): string => join(stateDir, 'containerd/containerd.sock')

/** Starts containerd with all its data below the state folder. @param pauseImage full reference, imported before the first pod. */
export async function ensureContainerd(stateDir: string, pauseImage: string): Promise<Daemon> {
  const folder = join(stateDir, 'containerd')
  await mkdir(folder, { recursive: true })
  const text = containerdConfiguration({ stateDir, pauseImage, mayLowerOomScore: await hasSysResource() })
  const path = join(folder, 'config.toml')
  await writeFile(path, text)
  const daemon = await ensureDaemon(stateDir, {
    name: 'containerd',
    program: '/usr/bin/containerd',
    args: ['--config', path],
    lifetime: 'Detached',
    revision: text,
  })
  const version = async (): Promise<true> => {
    await run('ctr', ['--address', containerdSocket(stateDir), 'version'], { timeout: 5_000 })
    return true
  }
  await waitFor('containerd answers', version, { timeout: 30_000 })
  return daemon
}

/** What the configuration depends on. */
export interface ContainerdInput {
  readonly stateDir: string
  readonly pauseImage: string
  /** CAP_SYS_RESOURCE: without it runc cannot give a container a lower OOM score than its own. */
  readonly mayLowerOomScore: boolean
}

/** containerd's configuration file (version 2, containerd 1.6). */
export function containerdConfiguration(input: ContainerdInput): string {
  return `version = 2
root = "${input.stateDir}/containerd/root"
state = "${input.stateDir}/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "${containerdSocket(input.stateDir)}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${input.pauseImage}"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = ${!input.mayLowerOomScore}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${cniConfigurationFolder(input.stateDir)}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`
}

/** Imports an image archive unless the image is there. Archives are named by content, so presence is enough. */
export async function importImage(stateDir: string, reference: string, archive: string): Promise<void> {
  const ctr = ['--address', containerdSocket(stateDir), '--namespace', 'k8s.io', 'images']
  const present = await run('ctr', [...ctr, 'list', '--quiet', `name==${reference}`])
  if (present.trim() !== '') return
  await run('ctr', [...ctr, 'import', archive], { timeout: 300_000 })
}

async function hasSysResource(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8')
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return ((effective >> 24n) & 1n) === 1n
}
