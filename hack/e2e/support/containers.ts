import { readdir, readFile } from 'node:fs/promises'
import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { TestCluster } from './cluster.ts'

/**
 * Ends containers as a crash does: SIGKILL to their processes from the host, past Kubernetes and past any handler. The
 * processes are found by the container's id in /proc/<pid>/cgroup, so no container runtime is asked.
 */

/** One container of one pod. */
export interface Container {
  readonly namespace: string
  readonly pod: string
  readonly name: string
  /** Without the runtime's prefix. */
  readonly id: string
  readonly restarts: number
  readonly ready: boolean
}

interface PodStatus {
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

interface ContainerStatus {
  readonly name: string
  readonly containerID?: string
  readonly restartCount: number
  readonly ready: boolean
}

/** The containers of a name in the pods of a selector that are not being deleted. */
export async function containersOf(
  cluster: TestCluster,
  namespace: string,
  selector: string,
  name?: string,
): Promise<readonly Container[]> {
  const pods = await cluster.list(kinds.Pod, namespace, selector)
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(containersOfPod)
    .filter((container) => name === undefined || container.name === name)
}

/** The containers of one pod, init containers last. */
export function containersOfPod(pod: KubeObject): readonly Container[] {
  const { name, namespace = '' } = pod.metadata
  const status = pod['status'] as PodStatus | undefined
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  return statuses.map((container) => ({
    namespace,
    pod: name,
    name: container.name,
    id: (container.containerID ?? '').replace(/^[a-z]+:\/\//, ''),
    restarts: container.restartCount,
    ready: container.ready,
  }))
}

/** Kills every process of a container. @returns how many. @throws Error when none was there to kill: nothing would be proved. */
export async function killContainer(container: Container): Promise<number> {
  const count = await killIfRunning(container)
  if (count === 0) throw new Error(`${container.pod}/${container.name}: container ${container.id} has no process`)
  return count
}

/** As {@link killContainer}, of a container that may have ended already. @returns how many processes */
export async function killIfRunning(container: Container): Promise<number> {
  return (await processesOf(container.id)).filter(killed).length
}

/** A process may end between the look and the kill: the others go with their parent, and that is no failure. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

async function processesOf(containerId: string): Promise<readonly number[]> {
  if (containerId === '') return []
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)
  const inside = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(containerId)),
  )
  return pids.filter((_, index) => inside[index])
}
