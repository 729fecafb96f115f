import { setTimeout as sleep } from 'node:timers/promises'
import { processCpu } from '../process-cpu.ts'
import { processMemory } from '../process-memory.ts'

/** What a process used in a time: CPU in thousandths of a core, resident memory in bytes. */
export interface Usage {
  readonly millicores: number
  /** CPU time, ms. */
  readonly cpu: number
  /** At the end. */
  readonly resident: number
  /** The most that was seen, looking every half a second. */
  readonly peak: number
}

/** Watches a process for so many ms, or until `work` is done if that is given. */
export async function usageOf(pid: number, ms: number, work?: Promise<unknown>): Promise<Usage> {
  const started = performance.now()
  const before = await processCpu(pid)
  let peak = 0
  let working = work !== undefined
  const done = work?.finally(() => {
    working = false
  })
  while (working || performance.now() - started < ms) {
    await sleep(Math.min(500, Math.max(1, started + ms - performance.now())))
    peak = Math.max(peak, (await processMemory(pid)).resident)
  }
  await done
  const cpu = (await processCpu(pid)) - before
  const { resident } = await processMemory(pid)
  return { cpu, millicores: (cpu / (performance.now() - started)) * 1000, resident, peak: Math.max(peak, resident) }
}
