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

const transient = ['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP']

/** Of one request, or of a deletion of several groups, where a member that has just left may still be counted. */
const isSettling = (error: unknown): boolean => {
  const { type = '', groups = [] } = (error ?? {}) as { type?: string; groups?: { error?: { type?: string } }[] }
  if (transient.includes(type)) return true
  return groups.length > 0 && groups.every((one) => [...transient, 'NON_EMPTY_GROUP'].includes(one.error?.type ?? ''))
}
