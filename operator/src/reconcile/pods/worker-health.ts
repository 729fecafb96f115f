/**
 * What a worker says about itself (GET /health, workers/lib/probes.ts): which of its dependencies it cannot use, and whether callers wait for
 * a connection of its pool. So a cause outside is told from a worker that is broken, also where the dependency is not ours to watch.
 */
import { z } from 'zod'
import { getFromPod } from './http-get.ts'
import type { AskPod } from './pod-watch.ts'

const healthSchema = z.object({
  phase: z.string().default(''),
  checks: z.record(z.string(), z.string()).default({}),
  /** Absent in older workers. */
  config: z.object({ revision: z.string().optional(), problem: z.string().optional() }).default({}),
  /** Absent in older workers. */
  pool: z.object({ waiting: z.int() }).optional(),
  /** Absent in older workers. */
  outcomes: z.object({ handled: z.int().min(0), failed: z.int().min(0) }).optional(),
})

/** Fewer requests and events in a minute than this tell nothing of a share. */
const fewest = 20
/** The share is told in steps of this many percent, so that an answer changes only when something happened. */
const percentStep = 5

/** A worker's own view. Holds no figure that changes from look to look, so that an answer differs only when something happened. */
export interface WorkerHealth {
  /** starting, ready, draining, … */
  readonly phase: string
  /** Failing checks by name, such as `database`, with what they said. */
  readonly failing: Readonly<Record<string, string>>
  /** Callers waited for a connection of the database pool at the time of the look. */
  readonly poolExhausted: boolean
  /** Percent of the requests and events of the last minute that failed for a reason of the worker, in steps of 5, rounded down. */
  readonly errorPercent: number
  /** Which hot-reloadable settings are in force, and why newer ones are not (workers/lib/live-config.ts). */
  readonly config: { readonly revision?: string; readonly problem?: string }
}

/** Asks a worker for its health; 503 is an answer, too. @param deadline ms */
export function askWorkerHealth(deadline: number): AskPod<WorkerHealth> {
  return async (target, signal) => {
    const { status, body } = await getFromPod(target, '/health', deadline, signal)
    if (status !== 200 && status !== 503) throw new Error(`/health answered ${status}`)
    const { phase, checks, pool, config, outcomes } = healthSchema.parse(JSON.parse(body))
    return {
      phase,
      failing: Object.fromEntries(Object.entries(checks).filter(([, result]) => result !== 'ok')),
      poolExhausted: (pool?.waiting ?? 0) > 0,
      errorPercent: percentOf(outcomes),
      config: {
        ...(config.revision === undefined ? {} : { revision: config.revision }),
        ...(config.problem === undefined ? {} : { problem: config.problem }),
      },
    }
  }
}

function percentOf({ handled, failed }: { handled: number; failed: number } = { handled: 0, failed: 0 }): number {
  return handled < fewest ? 0 : Math.floor((failed * 100) / handled / percentStep) * percentStep
}
