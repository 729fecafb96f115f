import type { HttpClient } from './http-client.ts'

/** What tests read of an audit entry. */
export interface AuditEntry {
  readonly seq: number
  /** CloudEvents type. */
  readonly type: string
  readonly action: string
  readonly taskId: string | null
  readonly before: { readonly version?: number } | null
  readonly after: { readonly version?: number; readonly reminderId?: string } | null
}

/** The audit worker's answer to /audit/verify. */
export interface Verification {
  readonly ok: boolean
  readonly count: number
  readonly firstSeq: number
  readonly lastSeq: number
  readonly gaps: readonly unknown[]
  readonly duplicates: readonly unknown[]
  readonly hashBreaks: readonly unknown[]
  readonly headHash: string
}

/** The audit worker seen with the system's service token: every user's entries, and the right to verify. */
export interface AuditTrail {
  /** Every entry, in order. */
  entries(): Promise<readonly AuditEntry[]>
  ofTask(taskId: string): Promise<readonly AuditEntry[]>
  verify(): Promise<Verification>
}

/** The version a task change led to. An entry of a deletion has no state after it; its state before carries the version of the deletion. */
export const versionOf = ({ before, after }: AuditEntry): number | undefined => (after ?? before)?.version

/** Reads through the API alone, page by page. */
export function auditTrail(client: HttpClient, serviceToken: string): AuditTrail {
  const get = async (path: string): Promise<unknown> => {
    const answer = await client.call(path, { token: serviceToken, timeout: 60_000 })
    if (answer.status !== 200) throw new Error(`GET ${path}: HTTP ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const page = async (query: string): Promise<readonly AuditEntry[]> =>
    ((await get(`/audit/entries?${query}`)) as { entries: readonly AuditEntry[] }).entries
  return {
    async entries() {
      const all: AuditEntry[] = []
      for (;;) {
        const items = await page(`limit=100&afterSeq=${all.at(-1)?.seq ?? 0}`)
        all.push(...items)
        if (items.length < 100) return all
      }
    },
    ofTask: (taskId) => page(`taskId=${taskId}&limit=100&afterSeq=0`),
    verify: async () => (await get('/audit/verify')) as Verification,
  }
}
