import { setTimeout as sleep } from 'node:timers/promises'
import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { Name, TestCluster } from './cluster.ts'
import { containersOfPod, killIfRunning } from './containers.ts'

/** A container that is killed with SIGKILL whenever it runs. */
export interface CrashLoop {
  /** How often it was killed. */
  kills(): number
  /** Lets it run. May be called again. @throws Error when the killing ended by itself */
  stop(): Promise<void>
}

/** Begins; a pod of another name, which replaces this one, is left alone. */
export function crashLoop(cluster: TestCluster, pod: Name, container: string): CrashLoop {
  let stopped = false
  let kills = 0
  const killing = async (): Promise<void> => {
    let killed = ''
    while (!stopped) {
      await sleep(200)
      const found = await cluster.get(kinds.Pod, pod)
      const victim = found && containersOfPod(found).find(({ name }) => name === container)
      if (victim === undefined || victim.id === killed || (await killIfRunning(victim)) === 0) continue
      killed = victim.id
      kills += 1
    }
  }
  const ended = killing()
  ended.catch(() => undefined)
  return {
    kills: () => kills,
    async stop() {
      stopped = true
      await ended
    },
  }
}
