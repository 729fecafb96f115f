import { startOperator, type OperatorOptions, type RunningOperator, type TestCluster } from './harness.ts'

/** Distance between the writes that long sweeps kill the operator after: every third one, or with CRASH_POINTS=all every one. */
export const crashStride = process.env['CRASH_POINTS'] === 'all' ? 1 : 3
/** How a sweep of this stride says which points it took. */
export const pointsAt = (stride: number): string => (stride === 1 ? 'every write' : `every ${stride}rd write`)
/** The same of the long ones. */
export const crashPointsTaken = pointsAt(crashStride)

/** An operator that dies; see {@link startDoomedOperator}. */
export interface DoomedOperator extends RunningOperator {
  /** Resolves when the fatal write was carried out; never, when the operator makes fewer writes. */
  readonly crashed: Promise<true>
  /** Writes that the API server has carried out. */
  writes: () => number
}

/**
 * Runs an operator that is gone after its `n`-th write: the API server has carried it out, the answer never arrives, and nothing more is sent.
 * @param n Infinity: it lives
 */
export function startDoomedOperator(
  cluster: TestCluster,
  n: number,
  env: Readonly<Record<string, string>> = {},
  options: Pick<OperatorOptions, 'ahead'> = {},
): DoomedOperator {
  const { promise: crashed, resolve } = Promise.withResolvers<true>()
  let writes = 0
  const operator = startOperator(cluster, {
    ...options,
    env,
    beforeWrite: () => {
      if (writes >= n) throw new Error('the operator is gone')
    },
    afterWrite: () => {
      writes += 1
      if (writes < n) return
      resolve(true)
      throw new Error('the operator is gone')
    },
  })
  return { ...operator, crashed, writes: () => writes }
}

/** Runs an operator that lives, for as long as `work` takes. */
export async function withOperator(
  cluster: TestCluster,
  options: OperatorOptions,
  work: () => Promise<unknown>,
): Promise<void> {
  const operator = startOperator(cluster, options)
  await work()
  await operator.stop()
}

/** Runs an operator until `done` resolves or until its `n`-th write is fatal; answers whether it was. What `done` waits for may come later then. */
export async function crashesAfter(
  cluster: TestCluster,
  n: number,
  done: () => Promise<unknown>,
  ...settings: [env?: Readonly<Record<string, string>>, options?: Pick<OperatorOptions, 'ahead'>]
): Promise<boolean> {
  const operator = startDoomedOperator(cluster, n, ...settings)
  const finished = done().then(() => false)
  finished.catch(() => undefined)
  const crashed = await Promise.race([operator.crashed, finished])
  await operator.stop()
  return crashed
}
