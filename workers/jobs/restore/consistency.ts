/**
 * What must agree across the services, asked of the database and of what still waits in the log. A task's last change that has no audit entry
 * must still be on its way: in the outbox, or in the part of the log that audit has not consumed. While workers run the answers settle within
 * seconds, so the caller asks again before it believes a violation. Statements read one snapshot.
 */
import type { Database } from '../../lib/postgres.ts'

/** Task versions whose events have not reached audit yet: `<task id> <version>`. */
export type OnTheWay = ReadonlySet<string>

/** Most findings of one kind that are named. */
const most = 4

const unaudited = `
  SELECT t.id::text AS id, t.version FROM tasks t
  WHERE NOT EXISTS (
      SELECT FROM audit_entries e WHERE e.task_id = t.id::text AND e.stream = 'tasks'
        AND ((e.after ->> 'version')::int = t.version OR (e.action = 'DELETED' AND t.deleted_at IS NOT NULL)))
    AND NOT EXISTS (
      SELECT FROM outbox o WHERE o.topic = 'taskEvents' AND o.payload -> 'data' ->> 'taskId' = t.id::text
        AND (o.payload -> 'data' ->> 'taskVersion')::int = t.version)
  ORDER BY t.id LIMIT 1000`

/** An open series has one open instance, unless the event that makes the next one is on its way. */
const openInstances = `
  SELECT series_id::text AS id, count(*)::int AS count FROM tasks
  WHERE series_id IS NOT NULL AND status = 'open' AND deleted_at IS NULL
  GROUP BY series_id HAVING count(*) > 1 ORDER BY 1 LIMIT ${most}`

const slotsWithoutTask = `
  SELECT i.series_id::text AS id, i.position::int AS position FROM series_instances i
  WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.id = i.task_id) ORDER BY 1, 2 LIMIT ${most}`

const orphanedReminders = `
  SELECT r.id::text AS id FROM reminders r
  WHERE r.state = 'pending' AND NOT EXISTS (SELECT FROM tasks t WHERE t.id = r.task_id)
  ORDER BY 1 LIMIT ${most}`

const remindersOfThePast = `
  SELECT r.id::text AS id FROM reminders r JOIN reminder_tasks k USING (task_id)
  WHERE r.state = 'pending' AND NOT EXISTS (SELECT FROM tasks t WHERE t.id = r.task_id AND t.version >= k.version)
  ORDER BY 1 LIMIT ${most}`

/** Sentences for what does not agree; none: consistent. */
export const violationsOf = (database: Database, onTheWay: OnTheWay): Promise<readonly string[]> =>
  database.transaction(
    async (tx) => {
      const named = async (sql: string, sentence: (id: string) => string): Promise<string[]> =>
        (await tx.query<{ id: string }>(sql)).rows.map(({ id }) => sentence(id))
      const { rows } = await tx.query<{ id: string; version: number }>(unaudited)
      const silent = rows.filter(({ id, version }) => !onTheWay.has(`${id} ${version}`))
      return [
        ...silent
          .slice(0, most)
          .map(({ id, version }) => `version ${version} of task ${id} has no audit entry, and its event waits nowhere`),
        ...(silent.length > most
          ? [`${silent.length - most} more tasks have no audit entry of their last change`]
          : []),
        ...(await named(openInstances, (id) => `series ${id} has more than one open instance`)),
        ...(await named(slotsWithoutTask, (id) => `an instance of series ${id} has no task`)),
        ...(await named(orphanedReminders, (id) => `reminder ${id} waits for a task that does not exist`)),
        ...(await named(remindersOfThePast, (id) => `reminder ${id} knows a later version of its task than there is`)),
      ]
    },
    { isolation: 'repeatable read' },
  )
