import { exponential } from '../kube/backoff.ts'
import type { BackoffBounds } from '../kube/backoff.ts'

/** Remembers failures per key. */
export interface KeyBackoff {
  /** Delay before the next try in ms, growing with every call for the key. */
  next: (key: string) => number
  forget: (key: string) => void
  /** Failures in a row of a key. */
  failures: (key: string) => number
}

/**
 * Per-key exponential backoff with equal jitter: between half the bound and the bound. Unlike full jitter it keeps a lower
 * limit, so that a resource that fails for good costs a predictable few tries.
 */
export const createKeyBackoff = (bounds: BackoffBounds, random: () => number = Math.random): KeyBackoff => {
  const failed = new Map<string, number>()
  return {
    next: (key) => {
      const attempt = failed.get(key) ?? 0
      failed.set(key, attempt + 1)
      const bound = exponential(attempt, bounds)
      return Math.ceil(bound / 2 + random() * (bound / 2))
    },
    forget: (key) => {
      failed.delete(key)
    },
    failures: (key) => failed.get(key) ?? 0,
  }
}
