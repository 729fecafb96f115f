import type { Runnable } from './manager.ts'
import type { Leadership } from './leader-election.ts'

/** Leadership was lost: everything that writes must stop. Thrown by the lease's part of the manager. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError'
}

/**
 * The lease as a part of the manager: ready when the lease is held, failing when it is lost, released at the stop, which the
 * manager does after the controllers have stopped.
 */
export const leaderRunnable = (acquire: (signal: AbortSignal) => Promise<Leadership>): Runnable => {
  const held = Promise.withResolvers<undefined>()
  return {
    name: 'leader election',
    ready: async () => {
      await held.promise
    },
    run: async (signal) => {
      const leadership = await acquire(signal)
      held.resolve(undefined)
      const stopped = Promise.withResolvers<'stopped'>()
      const onAbort = (): void => stopped.resolve('stopped')
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      const end = await Promise.race([leadership.lost.then(() => 'lost' as const), stopped.promise])
      signal.removeEventListener('abort', onAbort)
      await leadership.release()
      if (end === 'lost') throw new LeadershipLostError('the leader lease was lost')
    },
  }
}
