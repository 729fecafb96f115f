import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { DeadlineError } from '../../cluster/waiting.ts'

/** Sees audit entries as soon as another transaction can, which is what "committed" means. */
export interface AuditTail {
  /** When (performance.now()) the first entry of each task was seen; waits until all are. @throws DeadlineError */
  seen(taskIds: readonly string[], timeout: number): Promise<ReadonlyMap<string, number>>
  stop(): Promise<void>
}

/** ms between two looks: what is reported is late by at most this and one small query. */
const INTERVAL = 10

/** Follows the trail from its present end. */
export async function followAuditTrail(connection: ClientConfig): Promise<AuditTail> {
  const client = new Client(connection)
  await client.connect()
  const firstSeen = new Map<string, number>()
  const head = await client.query<{ seq: string }>(`SELECT coalesce(max(seq), 0) AS seq FROM audit_entries`)
  let last = head.rows[0]?.seq ?? '0'
  let stopped = false
  const look = async (): Promise<void> => {
    const { rows } = await client.query<{ seq: string; task_id: string }>(
      `SELECT seq, task_id FROM audit_entries WHERE stream = 'tasks' AND seq > $1 ORDER BY seq`,
      [last],
    )
    const now = performance.now()
    for (const row of rows) if (!firstSeen.has(row.task_id)) firstSeen.set(row.task_id, now)
    last = rows.at(-1)?.seq ?? last
  }
  const isStopped = (): boolean => stopped
  const following = (async () => {
    while (!isStopped()) {
      await look()
      await sleep(INTERVAL)
    }
  })()
  return {
    async seen(taskIds, timeout) {
      const end = performance.now() + timeout
      for (;;) {
        const missing = taskIds.filter((id) => !firstSeen.has(id))
        if (missing.length === 0) return firstSeen
        if (performance.now() > end)
          throw new DeadlineError('every change audited', timeout, `${missing.length} are not`)
        await Promise.race([sleep(50), following])
      }
    },
    async stop() {
      stopped = true
      await following
      await client.end()
    },
  }
}
