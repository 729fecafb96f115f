/** `high`: something changed. `low`: resyncs and the first list; they age, so that a stream of changes cannot starve them. */
export type Priority = 'high' | 'low'

/** Deduplicating queue of keys; no key is ever handed out twice at once. */
export interface WorkQueue {
  /** Adds a key now; a key that is waiting keeps its place or moves up, a key being processed is processed once more after. */
  add: (key: string, priority?: Priority) => void
  /** Adds a key after a delay in ms; of several delays for one key the earliest wins. */
  addAfter: (key: string, delayMs: number, priority?: Priority) => void
  /** Adds a key after its own exponential backoff, at least `minimumMs` (a server's Retry-After). */
  addRateLimited: (key: string, minimumMs?: number) => void
  /** Ends the backoff of a key after a success. */
  forget: (key: string) => void
  /** The next key; undefined when the queue is closed. The key stays locked until {@link WorkQueue.done}. */
  take: () => Promise<string | undefined>
  done: (key: string) => void
  /** Keys ready now. */
  readonly depth: number
  /** Drops what waits and wakes all takers with undefined. */
  close: () => void
}
