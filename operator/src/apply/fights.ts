/**
 * Notices that somebody keeps undoing what we apply. Correcting drift is right; correcting it every second for ever is a fight
 * that neither side wins and the API server pays for. Counted are writes of the same desired state (same hash) to the same object
 * within a window: the first is the change itself, the others are corrections. Over the limit, writing pauses; after each pause
 * one probe is written, and when that is undone, too, the next pause is twice as long.
 */

/** Bounds, times in ms. */
export interface FightOptions {
  /** Corrections allowed within the window. Default 10. */
  readonly limit?: number
  /** Default 600 000. */
  readonly windowMs?: number
  /** First and longest pause. Default 30 000 and 900 000. */
  readonly pauseMs?: { readonly min: number; readonly max: number }
  readonly now: () => number
}

/** Whether to write: yes, or not for `pausedMs`. `begins` is true once per pause. */
export type Permit =
  | { readonly write: true }
  | { readonly write: false; readonly pausedMs: number; readonly begins: boolean; readonly corrections: number }

/** Per-object memory of writes; lost on restart, which costs a few corrections more. */
export interface Fights {
  /** Asked before writing the desired state with this hash. */
  permit: (key: string, hash: string) => Permit
  /** Counts a write. */
  wrote: (key: string, hash: string) => void
  /** Forgets an object that is no longer desired. */
  forget: (key: string) => void
}

interface Memory {
  readonly hash: string
  writes: readonly number[]
  corrections: number
  pauses: number
  pausedUntil: number
  /** The one write after a pause has been permitted. */
  probed: boolean
}

/** Makes an empty memory. */
export const createFights = (options: FightOptions): Fights => {
  const { limit = 10, windowMs = 600_000, pauseMs = { min: 30_000, max: 900_000 }, now } = options
  const memories = new Map<string, Memory>()

  const pause = (memory: Memory): Permit => {
    const pausedMs = Math.min(pauseMs.max, pauseMs.min * 2 ** memory.pauses)
    memory.pausedUntil = now() + pausedMs
    memory.pauses += 1
    memory.probed = false
    return { write: false, pausedMs, begins: true, corrections: memory.corrections }
  }

  return {
    permit: (key, hash) => {
      const memory = memories.get(key)
      if (memory?.hash !== hash) return { write: true }
      const present = now()
      if (memory.pausedUntil > present) {
        const pausedMs = memory.pausedUntil - present
        return { write: false, pausedMs, begins: false, corrections: memory.corrections }
      }
      memory.writes = memory.writes.filter((at) => present - at < windowMs)
      if (memory.pauses > 0 && !memory.probed) {
        memory.probed = true
        return { write: true }
      }
      if (memory.writes.length === 0) {
        memories.delete(key)
        return { write: true }
      }
      return memory.pauses > 0 || memory.writes.length > limit ? pause(memory) : { write: true }
    },
    wrote: (key, hash) => {
      const known = memories.get(key)
      const memory =
        known?.hash === hash ? known : { hash, writes: [], corrections: -1, pauses: 0, pausedUntil: 0, probed: false }
      memory.writes = [...memory.writes, now()]
      memory.corrections += 1
      memories.set(key, memory)
    },
    forget: (key) => {
      memories.delete(key)
    },
  }
}
