import type { Logger } from './logger.ts'

/** Where the process is in its life: probes answer from it. */
export type Phase = 'starting' | 'ready' | 'draining' | 'stopped'

/** Owns start and stop of everything a process holds. */
export interface Lifecycle {
  readonly phase: () => Phase
  /** Aborted once no more requests come in: background work finishes what it has and ends. */
  readonly signal: AbortSignal
  /** Declares the process ready for traffic; ignored once draining has begun. */
  ready(): void
  /** Registers what takes work in (a server): closed first, while everything it needs still runs. */
  onDrain(name: string, close: () => Promise<void>): void
  /** Registers what must be closed at the end; closed one by one in reverse order of registration. */
  onClose(name: string, close: () => Promise<void>): void
  /**
   * Runs a background loop until {@link Lifecycle.signal} is aborted. A loop that rejects or returns earlier stops the
   * process with exit code 1: a worker without its relay must not look alive.
   */
  background(name: string, loop: (signal: AbortSignal) => Promise<void>): void
  /** Drains and closes; safe to call more than once. Resolves when everything is closed or its deadline has passed. */
  stop(reason: string): Promise<void>
  /** 1 when something failed on the way, to be used as the exit code. */
  exitCode(): 0 | 1
}

/** Durations in milliseconds. */
export interface LifecycleOptions {
  readonly logger: Logger
  /** Everything from SIGTERM to exit; keep it below terminationGracePeriodSeconds. */
  readonly gracePeriod: number
  /** How long readiness is off before the listener closes, so that endpoints are updated first; default 2000. */
  readonly drainDelay?: number
  /** Called once everything is closed; ends the process in production. */
  readonly exit: (code: 0 | 1) => void
}

/** Resolves to false when `promise` is not settled after `ms`; never leaves a timer behind. */
const within = async (ms: number, promise: Promise<unknown>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), false)
  })
  try {
    return await Promise.race([promise.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Readiness off → endpoints follow → intake closes → loops end → the rest closes in reverse order; one deadline for all. */
export const createLifecycle = (options: LifecycleOptions): Lifecycle => {
  const { logger } = options
  const abort = new AbortController()
  const drains: { name: string; close: () => Promise<void> }[] = []
  const closers: { name: string; close: () => Promise<void> }[] = []
  const loops = new Map<string, Promise<void>>()
  let phase: Phase = 'starting'
  let failed = false
  let stopping: Promise<void> | undefined

  const finish = async (name: string, deadline: number, work: () => Promise<unknown>): Promise<void> => {
    try {
      if (await within(deadline - Date.now(), work())) return
      failed = true
      logger.error({ part: name }, 'did not stop within the grace period and is abandoned')
    } catch (error) {
      failed = true
      logger.error({ part: name, err: error }, 'failed to stop')
    }
  }

  const shutDown = async (reason: string): Promise<void> => {
    const deadline = Date.now() + options.gracePeriod
    const wasReady = phase === 'ready'
    phase = 'draining'
    logger.info({ reason }, 'stopping')
    if (wasReady) await new Promise((resolve) => setTimeout(resolve, options.drainDelay ?? 2_000))
    for (const { name, close } of drains.reverse()) await finish(name, deadline, close)
    abort.abort(new Error(`stopping: ${reason}`))
    for (const [name, loop] of loops) await finish(name, deadline, () => loop)
    for (const { name, close } of closers.reverse()) await finish(name, deadline, close)
    phase = 'stopped'
    logger.info('stopped')
    options.exit(failed ? 1 : 0)
  }

  const stop = (reason: string): Promise<void> => (stopping ??= shutDown(reason))

  return {
    phase: () => phase,
    signal: abort.signal,
    ready: () => {
      if (phase === 'starting') phase = 'ready'
    },
    onDrain: (name, close) => void drains.push({ name, close }),
    onClose: (name, close) => void closers.push({ name, close }),
    background: (name, loop) => {
      const run = async (): Promise<void> => {
        try {
          await loop(abort.signal)
          if (abort.signal.aborted) return
          failed = true
          logger.fatal({ part: name }, 'a background loop ended by itself')
        } catch (error) {
          if (abort.signal.aborted) return
          failed = true
          logger.fatal({ part: name, err: error }, 'a background loop failed')
        }
        void stop(`${name} ended`)
      }
      loops.set(name, run())
    },
    stop,
    exitCode: () => (failed ? 1 : 0),
  }
}

/** Stops on SIGTERM (Kubernetes) and SIGINT (a terminal); returns a function that lets go of the signals. */
export const stopOnSignals = (lifecycle: Lifecycle): (() => void) => {
  const handler = (signal: NodeJS.Signals): void => void lifecycle.stop(signal)
  process.on('SIGTERM', handler)
  process.on('SIGINT', handler)
  return () => {
    process.off('SIGTERM', handler)
    process.off('SIGINT', handler)
  }
}
