/**
 * What the chat remembers between two messages of one session: the last list, the task last spoken of, and an open question.
 * It lives in the Dapr state store and nowhere else, so that any replica can answer the next message and a restart forgets
 * nothing. It expires by itself, and it is never needed for the truth: without it the chat still adds, lists and finds by title.
 *
 * A question is answered at most once: taking it writes the memory without it at the version that was read, so of two "yes" at
 * the same time one finds the version gone. Proof: workers/test/chat-api-chat.integration.test.ts.
 */
import { z } from 'zod'
import type { Logger } from '../../lib/logger.ts'
import type { StateStore } from '../../lib/state-store.ts'

const verbField = z.enum(['complete', 'reopen', 'delete'])
const idsField = z.array(z.uuid()).max(200)

const memorySchema = z.strictObject({
  /** Ids of the last list, in the order shown. */
  lastIds: idsField,
  /** The task the last answer was about, for "it". */
  recentId: z.uuid().nullable(),
  /** `choose`: which of these; `confirm`: really all of these. */
  pending: z.strictObject({ kind: z.enum(['choose', 'confirm']), verb: verbField, ids: idsField }).nullable(),
})

/** See this file's head. */
export type Memory = z.infer<typeof memorySchema>

/** The memory as it was read; undefined when the state store did not answer. */
export interface Recalled {
  readonly memory: Memory
  readonly etag: string | undefined
}

/** Memory of one session of one user. */
export interface ChatMemory {
  /** Reads it; an unknown or expired session has an empty one. Undefined: the state store is not available. */
  recall(): Promise<Recalled | undefined>
  /** Replaces it only at the version that was read: false when somebody else was first or the store is not available. */
  exchange(recalled: Recalled, memory: Memory): Promise<boolean>
  /** Reads, changes and replaces it, again when somebody else was first; false when the state store is not available. */
  update(change: (before: Memory) => Memory): Promise<boolean>
}

/** Nothing listed, nothing asked. */
export const emptyMemory: Memory = { lastIds: [], recentId: null, pending: null }

/** Binds the memory of a session; `ttl` in milliseconds. Without a state store it never answers. */
export function openMemory(
  store: StateStore | undefined,
  session: { readonly userId: string; readonly sessionId: string },
  { ttl, logger }: { readonly ttl: number; readonly logger: Logger },
): ChatMemory {
  const key = `chat:${session.userId}:${session.sessionId}`
  const seconds = Math.ceil(ttl / 1000)
  const attempt = async <T>(work: (store: StateStore) => Promise<T>): Promise<T | undefined> => {
    if (!store) return undefined
    try {
      return await work(store)
    } catch (error) {
      logger.warn({ err: error }, 'the state store did not answer; the chat goes on without its memory')
      return undefined
    }
  }
  const recall = (): Promise<Recalled | undefined> =>
    attempt(async (open) => {
      const stored = await open.get(key)
      const parsed = memorySchema.safeParse(stored?.value)
      // A memory of another version of this program is no longer understood: forgotten, not fatal.
      return { memory: parsed.success ? parsed.data : emptyMemory, etag: stored?.etag }
    })
  const exchange = async ({ etag }: Recalled, memory: Memory): Promise<boolean> => {
    const options = etag === undefined ? { ttl: seconds } : { ttl: seconds, etag }
    return (await attempt((open) => open.save(key, memory, options))) ?? false
  }
  return {
    recall,
    exchange,
    update: async (change) => {
      for (let round = 0; round < 3; round += 1) {
        const recalled = await recall()
        if (!recalled) return false
        if (await exchange(recalled, change(recalled.memory))) return true
      }
      return false
    },
  }
}
