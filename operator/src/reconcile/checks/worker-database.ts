/** database-pools and the share of slow statements, as the workers count them. */
import { count, some } from './figures.ts'
import { found, passed, type CheckFamily, type Outcome } from './check.ts'
import { watchedWorkers } from './watched-workers.ts'
import type { AskVitals, Vitals } from './worker-vitals.ts'

/** Judges the pools of all pods that answered. */
export function judgePools(vitals: readonly Vitals[]): Outcome {
  const name = 'database-pools'
  const pools = vitals.flatMap(({ pod, answer }) =>
    'problem' in answer || answer.pool === undefined ? [] : [{ pod: pod.name, ...answer.pool }],
  )
  if (pools.length === 0) return found(name, 'Unknown', 'no worker told of its pool')
  const waiting = pools.filter((pool) => pool.waiting > 0)
  // How many of the open connections are busy in this moment is noise: a pool opens them one by one as they are needed.
  if (waiting.length === 0) return passed(name, `${count(pools.length, 'pool')}, nobody waits`)
  const said = waiting.map(
    ({ pod, total, idle, waiting: callers }) =>
      `Pod/${pod}: ${count(callers, 'caller')} wait, ${total - idle} of ${count(total, 'connection')} in use`,
  )
  const result = waiting.some((pool) => pool.waiting > pool.total) ? 'Failed' : 'Warning'
  return found(name, result, some(said), `${count(waiting.length, 'pool')} exhausted`)
}

/** Statements counted by one process. */
export interface StatementCount {
  readonly total: number
  readonly slow: number
}

/** Fewer statements than this since the last look say nothing about a share. */
const enough = 50

/** The share of slow statements since the counts before, over all pods; undefined when there were too few. */
export function slowShare(
  before: ReadonlyMap<string, StatementCount>,
  now: ReadonlyMap<string, StatementCount>,
): number | undefined {
  let total = 0
  let slow = 0
  for (const [pod, counted] of now) {
    const earlier = before.get(pod)
    // A process that started anew counts from zero.
    const since = earlier === undefined || earlier.total > counted.total ? { total: 0, slow: 0 } : earlier
    total += counted.total - since.total
    slow += counted.slow - since.slow
  }
  return total < enough ? undefined : slow / total
}

/** Counts by pod. */
export const statementCounts = (vitals: readonly Vitals[]): ReadonlyMap<string, StatementCount> =>
  new Map(
    vitals.flatMap(({ pod, answer }) =>
      'problem' in answer || answer.queries === undefined ? [] : [[pod.name, answer.queries] as const],
    ),
  )

/** The family of the pools. */
export const databasePools = (ask: AskVitals): CheckFamily => ({
  names: ['database-pools'],
  check: async ({ observed }, signal) => ({ outcomes: [judgePools(await ask(watchedWorkers(observed), signal))] }),
})
