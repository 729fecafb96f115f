import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from '../fleet/fleet.ts'
import type { Relay } from '../fleet/relay.ts'
import type { Fault } from './causes.ts'

/** What was done to the API server and its connections. */
export interface Disturbances {
  readonly faults: readonly Fault[]
  readonly restarts: number
  /** Connections cut. */
  readonly cuts: number
}

/** A client is taken for a watch when it has sent nothing for this long, ms. */
const QUIET = 1_000
/** Answers may be lost for this long after the API server is back, ms: its watch cache and the client's backoff. */
const AFTERMATH = 10_000

/** Restarts the API server, every second time by SIGKILL, and cuts watches, until `duration` ms have passed. Times in ms. */
export async function disturb(
  { environment: { plane } }: Fleet,
  relay: Relay | undefined,
  times: { readonly duration: number; readonly restartEvery: number; readonly cutEvery: number },
): Promise<Disturbances> {
  const end = performance.now() + times.duration
  const faults: Fault[] = []
  let restarts = 0
  let cuts = 0
  const every = async (period: number, work: () => Promise<void>): Promise<void> => {
    while (performance.now() + period < end) {
      await sleep(period)
      await work()
    }
  }
  const restart = async (): Promise<void> => {
    const from = Date.now()
    if (restarts % 2 === 1) await plane.killApiServer()
    await plane.restartApiServer()
    restarts += 1
    faults.push({ from, to: Date.now() + AFTERMATH })
    console.error(`restart ${restarts} of the API server took ${Date.now() - from} ms`)
  }
  await Promise.all([
    every(times.restartEvery, restart),
    every(times.cutEvery, () => {
      cuts += relay?.cut(QUIET) ?? 0
      return Promise.resolve()
    }),
  ])
  return { faults, restarts, cuts }
}
