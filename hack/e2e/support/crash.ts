import { containersOf, killContainer } from './containers.ts'
import type { Container } from './containers.ts'
import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'

/** A container to be killed, by where it runs. */
export interface CrashTarget {
  readonly namespace: string
  /** Label selector of its pods; the first pod is hit. */
  readonly selector: string
  readonly container: string
}

/** What a crash did. */
export interface Crash {
  readonly target: CrashTarget
  readonly processes: number
  /** ms from the kill until the container was ready again. */
  readonly recovered: number
}

/** Kills a container with SIGKILL and waits until Kubernetes has it ready again. */
export async function crash(cluster: TestCluster, target: CrashTarget, deadline = 180_000): Promise<Crash> {
  const find = async (): Promise<readonly Container[]> =>
    containersOf(cluster, target.namespace, target.selector, target.container)
  const [victim] = await find()
  if (victim === undefined) throw new Error(`no container ${target.container} in pods ${target.selector}`)
  const started = performance.now()
  const processes = await killContainer(victim)
  await eventually(
    `${victim.pod}/${victim.name} running again`,
    async () => (await find()).some(({ pod, id, ready }) => pod === victim.pod && id !== victim.id && ready),
    deadline,
  )
  return { target, processes, recovered: Math.round(performance.now() - started) }
}
