import { setTimeout as sleep } from 'node:timers/promises'

/** How often and for how long a broker that has just started is asked again, ms. */
const settling = { every: 500, tries: 60 }

/** A new or restarted broker first loads who coordinates a group; kafkajs gives some of its requests no second try then. */
export const whenSettled = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (let left = settling.tries; ; left -= 1) {
    try {
      return await ask()
    } catch (error) {
      if (left === 0 || !isSettling(error)) throw error
    }
    await sleep(settling.every)
  }
}

const isSettling = (error: unknown): boolean =>
  ['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP'].includes(
    (error as { type?: string } | undefined)?.type ?? '',
  )
