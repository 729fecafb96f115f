import { Client } from 'pg'
import { signUp } from './account.ts'
import type { TestCluster } from './cluster.ts'
import { ownerConnection } from './database.ts'
import type { System } from './system.ts'

/** Keeps audit from taking events: holds the lock on the head of its chain, which every append needs. */
export interface HeldAudit {
  /** Lets it go on. May be called again. */
  release(): Promise<void>
}

/** Takes the lock. */
export async function holdAudit(cluster: TestCluster, { namespace, name }: System): Promise<HeldAudit> {
  const client = new Client({ ...(await ownerConnection(cluster, namespace, name)), query_timeout: 0 })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT seq FROM audit_head FOR UPDATE')
  let held = true
  return {
    async release() {
      if (!held) return
      held = false
      await client.end()
    },
  }
}

/** Makes so many events by adding tasks, as one user would. */
export async function addTasks(system: System, count: number): Promise<void> {
  const account = await signUp(await system.worker('chat-api'))
  for (let start = 0; start < count; start += 10) {
    await Promise.all(
      Array.from({ length: Math.min(10, count - start) }, (_, n) =>
        account.change('/api/v1/tasks', { method: 'POST', body: { title: `task ${start + n}` } }),
      ),
    )
  }
}
