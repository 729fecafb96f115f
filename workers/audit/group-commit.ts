import type { Processed } from '../lib/inbox.ts'
import { isTransient } from '../lib/postgres-errors.ts'
import type { AuditRecord } from '../lib/audit-trail/entry.ts'

/** Stores records in one transaction, outcomes in their order. */
export type Append = (records: readonly AuditRecord[]) => Promise<readonly Processed[]>

interface Waiting {
  readonly records: readonly AuditRecord[]
  readonly resolve: (outcomes: readonly Processed[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Puts what arrives while a transaction is under way into the next one. The stream's head row serialises appenders anyway;
 * this way they share a commit instead of queueing for it. A batch that fails for a reason of its own content is tried
 * again caller by caller, so that each gets its own outcome; nobody's records are acknowledged before they are committed.
 */
export const groupCommit = (append: Append, limit = 500): Append => {
  let waiting: Waiting[] = []
  let running = false

  const settle = async (callers: readonly Waiting[]): Promise<void> => {
    try {
      const outcomes = await append(callers.flatMap(({ records }) => records))
      let at = 0
      for (const { records, resolve } of callers) {
        resolve(outcomes.slice(at, at + records.length))
        at += records.length
      }
    } catch (error) {
      if (callers.length === 1 || isTransient(error)) for (const { reject } of callers) reject(error)
      else for (const caller of callers) await settle([caller])
    }
  }

  const run = async (): Promise<void> => {
    running = true
    while (waiting.length > 0) {
      let size = 0
      const cut = waiting.findIndex(({ records }, index) => (size += records.length) > limit && index > 0)
      const batch = cut < 0 ? waiting : waiting.slice(0, cut)
      waiting = cut < 0 ? [] : waiting.slice(cut)
      await settle(batch)
    }
    running = false
  }

  return (records) =>
    new Promise((resolve, reject) => {
      waiting.push({ records, resolve, reject })
      if (!running) void run()
    })
}
