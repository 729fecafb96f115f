import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { succeeds } from './command.ts'

/**
 * Folders outside the state folder that kubelet, containerd and CNI insist on. Which of them were missing before the
 * first start is written down: those, and only those, `down` removes.
 */
const CANDIDATES = [
  '/etc/cni',
  '/etc/kubernetes',
  '/run/containerd',
  '/run/kubernetes',
  '/run/netns',
  '/run/runc',
  '/usr/libexec/kubernetes',
  '/var/lib/cni',
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/log/containers',
  '/var/log/pods',
]

const file = (stateDir: string): string => join(stateDir, 'footprint.json')

/** Writes down, once per cluster, which folders are not there yet. */
export async function recordFootprint(stateDir: string): Promise<void> {
  if (await exists(file(stateDir))) return
  const missing: string[] = []
  for (const path of CANDIDATES) {
    if (!(await exists(path))) missing.push(path)
  }
  await writeFile(file(stateDir), JSON.stringify(missing))
}

/** Removes the folders that were not there before. */
export async function removeFootprint(stateDir: string): Promise<void> {
  const missing = JSON.parse(await readFile(file(stateDir), 'utf8').catch(() => '[]')) as string[]
  for (const path of missing) {
    if (!CANDIDATES.includes(path)) continue
    // `ip netns add`, which tests of the policy engine use, mounts the folder on itself; a folder that is mounted cannot be removed.
    if (path === '/run/netns') await succeeds('umount', [path])
    await rm(path, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
