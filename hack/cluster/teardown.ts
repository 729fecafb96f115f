/**
 * `down`: leaves nothing of the cluster behind, whatever state it is in.
 *
 * The order matters. The kubelet goes first, or it would start again what is stopped after it; then the containers,
 * their shims and containerd; then kube-apiserver and etcd, before etcd's data; then mounts, before the folders they
 * are mounted in: a removal that walks into a mount would empty what is mounted. Every part is found by looking at the
 * machine (marked processes, mount table, cgroups, rules), never from a record, so a crashed cluster and a healthy one
 * are removed the same way, and running it twice is fine.
 */
import { readdir, readFile, readlink, rm, rmdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { buildah } from '../images/builder.ts'
import { run, succeeds } from './command.ts'
import { findDaemons, stopProcess } from './daemon.ts'
import { cacheFolder } from './folders.ts'
import { removeFootprint } from './footprint.ts'
import { CHAIN_PREFIX } from './network-policy/chains.ts'
import { ENGINE } from './network-policy/index.ts'
import { CNI_NETWORK, removeNetwork } from './network.ts'
import { settings } from './settings.ts'
import type { Progress } from './progress.ts'
import type { RunningProcess } from './processes.ts'

/** Stops the full cluster of this state folder and removes everything it made outside the cache. */
export async function removeFullCluster(stateDir: string, progress: Progress): Promise<void> {
  await progress.step('stop kubelet and controllers', () =>
    stopNamed(stateDir, [
      ...['kubelet', 'kube-proxy', 'kube-scheduler', 'kube-controller-manager', 'metrics-server'],
      ...['volume-provisioner', ENGINE],
    ]),
  )
  await progress.step('stop containers', async () => {
    await killContainers()
    // The shims carry containerd's name; its socket goes last so that they can say goodbye.
    await stopNamed(stateDir, ['containerd'])
  })
  await progress.step('stop kube-apiserver and etcd', async () => {
    await stopNamed(stateDir, ['kube-apiserver'])
    await stopNamed(stateDir, ['etcd'])
    await Promise.all((await findDaemons(stateDir)).map((process) => stopProcess(process, 'SIGKILL', 10_000)))
  })
  await progress.step('remove mounts and cgroups', async () => {
    await unmountBelow(stateDir)
    await removeCgroups()
    await discardInterruptedBuilds()
  })
  await progress.step('remove network', async () => {
    await removeNetwork(stateDir)
    for (const program of ['iptables', 'ip6tables']) await removeChains(program)
    for (const range of [settings.podRange, settings.serviceRange]) {
      await succeeds('conntrack', ['--delete', '--orig-src', range])
      await succeeds('conntrack', ['--delete', '--orig-dst', range])
    }
  })
  await progress.step('remove files', () => removeFiles(stateDir))
}

async function stopNamed(stateDir: string, names: readonly string[]): Promise<void> {
  const named = (process: RunningProcess): boolean => names.includes(process.marker.split('|')[1] ?? '')
  const processes = (await findDaemons(stateDir)).filter(named)
  await Promise.all(processes.map((process) => stopProcess(process, 'SIGTERM', 10_000)))
}

/** The cgroup every pod lives under, in each hierarchy of cgroup v1 or the one of v2. */
async function podCgroups(): Promise<string[]> {
  const root = '/sys/fs/cgroup'
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name, 'kubepods'))
  const found: string[] = []
  for (const folder of [join(root, 'kubepods'), ...folders]) {
    if ((await readdir(folder).catch(() => undefined)) !== undefined) found.push(folder)
  }
  return found
}

async function killContainers(): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    let killed = 0
    for (const cgroup of await podCgroups()) {
      for (const folder of await foldersDepthFirst(cgroup)) {
        const pids = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
        for (const pid of pids.split('\n').filter(Boolean)) {
          if (await succeeds('kill', ['-KILL', pid])) killed += 1
        }
      }
    }
    if (killed === 0) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function removeCgroups(): Promise<void> {
  for (const cgroup of await podCgroups()) {
    for (const folder of await foldersDepthFirst(cgroup)) {
      // Busy for a moment after the last process of it has died.
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const removed = await rmdir(folder).then(
          () => true,
          () => false,
        )
        if (removed) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
}

async function foldersDepthFirst(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => foldersDepthFirst(join(folder, entry.name))),
  )
  return [...below.flat(), folder]
}

/** Mount points below a folder, innermost first. Paths come escaped (\040 is a space) from the kernel. */
export function mountsBelow(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse()
}

async function unmountBelow(folder: string): Promise<void> {
  // A lazy unmount always works; several rounds because one mount may hide another.
  for (let round = 0; round < 5; round += 1) {
    const mounts = mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), folder)
    if (mounts.length === 0) return
    for (const mount of mounts) await succeeds('umount', ['--lazy', mount])
  }
  const left = mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), folder)
  if (left.length > 0) throw new Error(`cannot unmount ${left.join(', ')}`)
}

/** A build that was killed leaves its working container, mounted in the cache folder. Layers stay. */
async function discardInterruptedBuilds(): Promise<void> {
  await buildah().discardContainers()
  await unmountBelow(join(cacheFolder(), 'buildah'))
}

/** How the chains of kube-proxy, the kubelet and the NetworkPolicy engine begin. */
const CHAINS = `(?:KUBE-|${CHAIN_PREFIX})`

/** Commands that remove every chain of the cluster from each table, as lines for iptables-restore. */
export function chainRemoval(saved: string): string {
  const lines: string[] = []
  for (const table of saved.split(/^(?=\*)/m)) {
    const name = /^\*(\S+)/.exec(table)?.[1]
    if (name === undefined) continue
    const chains = [...table.matchAll(new RegExp(`^:(${CHAINS}\\S*) `, 'gm'))].map((match) => match[1] ?? '')
    if (chains.length === 0) continue
    const jumps = [...table.matchAll(new RegExp(`^-A (\\S+) (.*-j ${CHAINS}.*)$`, 'gm'))].filter(
      (match) => !chains.includes(match[1] ?? ''),
    )
    lines.push(`*${name}`)
    for (const jump of jumps) lines.push(`-D ${jump[1] ?? ''} ${jump[2] ?? ''}`)
    for (const chain of chains) lines.push(`-F ${chain}`)
    for (const chain of chains) lines.push(`-X ${chain}`)
    lines.push('COMMIT')
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

async function removeChains(program: 'iptables' | 'ip6tables' | (string & {})): Promise<void> {
  const saved = await run(`${program}-save`, []).catch(() => '')
  const removal = chainRemoval(saved)
  if (removal !== '') await run(`${program}-restore`, ['--noflush', '--wait=10'], { input: removal })
}

async function removeFiles(stateDir: string): Promise<void> {
  for (const name of await readdir('/var/log/containers').catch(() => [])) {
    const link = join('/var/log/containers', name)
    const target = await readlink(link).catch(() => '')
    if (target.startsWith(`${stateDir}/`)) await rm(link, { force: true })
  }
  for (const name of await readdir('/var/lib/cni/results').catch(() => [])) {
    if (name.startsWith(`${CNI_NETWORK}-`)) await rm(join('/var/lib/cni/results', name), { force: true })
  }
  await removeDeadSockets('/run/containerd/s')
  await removeFootprint(stateDir)
  if (basename(stateDir) === '' || stateDir === '/') throw new Error(`refusing to remove ${stateDir}`)
  await rm(stateDir, { recursive: true, force: true })
}

/** Sockets of shims, named by hash: those nobody listens on are left over. */
async function removeDeadSockets(folder: string): Promise<void> {
  const listening = await readFile('/proc/net/unix', 'utf8')
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    if (!listening.includes(path)) await rm(path, { force: true })
  }
}
