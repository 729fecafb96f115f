import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../../cluster/command.ts'
import type { TestCluster } from './cluster.ts'
import { containersOf } from './containers.ts'
import type { Container } from './containers.ts'

/** A worker that keeps more memory than it is allowed to, in every container it starts. */
export interface MemoryLeak {
  /** In how many containers it was. */
  readonly containers: () => number
  /** What has leaked stays so. May be called again. @throws Error when the leaking ended by itself */
  stop(): Promise<void>
}

/** Leaks so many bytes in each container of this name once it is ready. */
export function memoryLeak(
  cluster: TestCluster,
  pods: { readonly namespace: string; readonly selector: string; readonly container: string },
  bytes: number,
): MemoryLeak {
  const leaked = new Set<string>()
  let stopped = false
  const find = async (): Promise<Container | undefined> => {
    const found = await containersOf(cluster, pods.namespace, pods.selector, pods.container)
    return found.find(({ id, ready }) => ready && !leaked.has(id))
  }
  const leaking = async (): Promise<void> => {
    while (!stopped) {
      await sleep(250)
      const container = await find()
      if (container === undefined) continue
      await leak(cluster, container, bytes)
      leaked.add(container.id)
    }
  }
  const ended = leaking()
  ended.catch(() => undefined)
  return {
    containers: () => leaked.size,
    async stop() {
      stopped = true
      await ended
    },
  }
}

/** Exit code of the script when the worker's process ended before it, and all of the container with it. */
const killed = 137

/** Tells the worker's own process through its inspector: a process beside it would be killed in its place. */
async function leak(cluster: TestCluster, { namespace, pod, name }: Container, bytes: number): Promise<void> {
  const expression = `globalThis.leaked = new Uint8Array(${bytes}).fill(1), process.pid`
  const script = `
    process.kill(1, 'SIGUSR1')
    const deadline = Date.now() + 10_000
    for (;;) {
      try {
        const [target] = await (await fetch('http://127.0.0.1:9229/json/list')).json()
        const socket = new WebSocket(target.webSocketDebuggerUrl)
        await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject })
        socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: ${JSON.stringify(expression)} } }))
        await new Promise((resolve) => { socket.onmessage = socket.onclose = resolve })
        process.exit(0)
      } catch (error) {
        if (Date.now() > deadline) throw error
      }
    }`
  const node = ['node', '--input-type=module', '-e', script]
  await cluster.kubectl(['exec', pod, '-n', namespace, '-c', name, '--', ...node]).catch((error: unknown) => {
    if (!(error instanceof CommandError && error.exitCode === killed)) throw error
  })
}
