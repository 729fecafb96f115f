/**
 * Starts and stops the parts of a process in order.
 *
 * Groups start one after another, each when the former is ready: probes first, so that the kubelet sees a living process while
 * caches fill; informers; whatever warms up; the lease; controllers. They stop in reverse, each with a deadline: controllers
 * before the lease is given away, the lease before informers, probes last. Whatever ends a part by itself, with an error or
 * without, ends the process: half an operator is worse than a restart.
 */
import type { Logger } from 'pino'

/** A part of the process. */
export interface Runnable {
  readonly name: string
  /** Runs until the signal aborts. Ending earlier, either way, stops the whole manager. */
  run: (signal: AbortSignal) => Promise<void>
  /** Resolves when the next group may start. Absent: at once. */
  ready?: (signal: AbortSignal) => Promise<void>
}

/** Parts that start and stop together. */
export interface RunnableGroup {
  readonly name: string
  readonly runnables: readonly Runnable[]
  /** How long stopping may take, in ms; then the next group is stopped anyway. Default 5000. */
  readonly stopMs?: number
}

interface Started {
  readonly group: RunnableGroup
  readonly stop: AbortController
  readonly ended: Promise<unknown>
}

/**
 * Runs the groups until the signal aborts or a part ends.
 * @throws the error of the part that failed, or an Error naming the part that ended by itself.
 */
export const runGroups = async (
  groups: readonly RunnableGroup[],
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> => {
  const started: Started[] = []
  const failure = Promise.withResolvers<never>()
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = (): void => aborted.resolve(undefined)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })

  const start = (group: RunnableGroup): Started => {
    const stop = new AbortController()
    const guard = async (runnable: Runnable): Promise<void> => {
      try {
        await runnable.run(stop.signal)
        if (!stop.signal.aborted) failure.reject(new Error(`${runnable.name} ended by itself`))
      } catch (error) {
        if (!stop.signal.aborted) failure.reject(error)
      }
    }
    return { group, stop, ended: Promise.all(group.runnables.map(guard)) }
  }

  try {
    for (const group of groups) {
      if (signal.aborted) break
      const part = start(group)
      started.push(part)
      const ready = Promise.all(group.runnables.map(async (runnable) => runnable.ready?.(part.stop.signal)))
      ready.catch(() => undefined)
      await Promise.race([ready, failure.promise, aborted.promise])
      logger.debug({ group: group.name }, 'started')
    }
    await Promise.race([failure.promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    failure.promise.catch(() => undefined)
    for (const { group, stop, ended } of started.reverse()) {
      stop.abort(new Error('shutdown'))
      if (!(await within(group.stopMs ?? 5000, ended))) logger.warn({ group: group.name }, 'did not stop in time')
    }
  }
}

const within = async (ms: number, promise: Promise<unknown>): Promise<boolean> => {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  try {
    return await Promise.race([promise.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
