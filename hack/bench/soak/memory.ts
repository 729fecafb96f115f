import { setTimeout as sleep } from 'node:timers/promises'
import { processCpu } from '../process-cpu.ts'
import { processMemory } from '../process-memory.ts'

/** What a process was at one moment. */
export interface Sample {
  /** ms since sampling began. */
  readonly at: number
  /** Bytes. */
  readonly resident: number
  /** CPU time since the process started, ms. */
  readonly cpu: number
}

/** Samples a process every `period` ms until stopped. */
export function sampleMemory(pid: number, period: number): { stop(): Promise<readonly Sample[]> } {
  const ending = new AbortController()
  const started = performance.now()
  const samples: Sample[] = []
  const sample = async (): Promise<void> => {
    const { resident } = await processMemory(pid)
    samples.push({ at: performance.now() - started, resident, cpu: await processCpu(pid) })
  }
  const sampling = (async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await sample()
      // The abort ends the wait, and is no failure.
      await sleep(period, undefined, { signal: ending.signal }).catch(() => undefined)
    }
    await sample()
  })()
  // Who stops it learns of a failure; until then it must not end the process.
  sampling.catch(() => undefined)
  return {
    stop: async () => {
      ending.abort()
      await sampling
      return samples
    },
  }
}
