import { expect } from 'vitest'
import { signUp } from './account.ts'
import type { TaskBody } from './account.ts'
import { auditTrail } from './audit-trail.ts'
import type { TestCluster } from './cluster.ts'
import { databaseOf, secretValue } from './database.ts'
import { eventually } from './eventually.ts'
import type { System } from './system.ts'

/** What users do to a system while it fails, and whether all of it had its effect. */
export interface Workload {
  /** So many tasks of every user with a reminder each, and one that recurs and is completed. Resolves when chat-api has answered everything. */
  work(count: number): Promise<void>
  /** Expects, within `deadline` ms, one audit entry, reminder and successor of everything that {@link work} did, and an audit chain that verifies. */
  isDoneOnce(deadline: number): Promise<void>
}

const USERS = 4

/** Signs up users of their own in a system that nobody else uses. */
export async function workloadOf(cluster: TestCluster, system: System): Promise<Workload> {
  const { namespace, name } = system
  const chatApi = await system.worker('chat-api')
  const users = await Promise.all(Array.from({ length: USERS }, () => signUp(chatApi)))
  const made = { tasks: 0, reminders: 0 }
  return {
    async work(count) {
      const at = new Date(Date.now() + 86_400_000).toISOString()
      await Promise.all(
        users.map(async (user) => {
          const create = async (body: object): Promise<TaskBody> =>
            (await user.change('/api/v1/tasks', { method: 'POST', body: { title: 'work', ...body } })).body as TaskBody
          for (let index = 0; index < count; index += 1) await create({ reminders: [{ type: 'absolute', at }] })
          const { id } = await create({ dueAt: at, recurrence: { rrule: 'FREQ=DAILY' } })
          await user.change(`/api/v1/tasks/${id}/complete`, { method: 'POST' })
          made.reminders += count
          // The completed one has a successor.
          made.tasks += count + 2
        }),
      )
    },
    async isDoneOnce(deadline) {
      const token = await secretValue(cluster, namespace, `${name}-auth`, 'serviceToken')
      const trail = auditTrail(await system.worker('audit'), token)
      const database = await databaseOf(cluster, namespace, name)
      await eventually(
        'every task is audited and has its reminder or its successor',
        async () => {
          const audited = (await trail.entries()).filter(({ action }) => action === 'CREATED').length
          const [stored] = await database.query(
            'SELECT (SELECT count(*)::int FROM tasks) AS tasks, (SELECT count(*)::int FROM reminders) AS reminders',
          )
          expect({ audited, ...stored }).toEqual({ audited: made.tasks, ...made })
          return true
        },
        deadline,
      )
      expect(await trail.verify()).toMatchObject({ ok: true, gaps: [], duplicates: [], hashBreaks: [] })
    },
  }
}
