import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signUp } from './support/account.ts'
import type { Account } from './support/account.ts'
import { auditTrail, versionOf } from './support/audit-trail.ts'
import type { AuditEntry, AuditTrail } from './support/audit-trail.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { crash } from './support/crash.ts'
import type { CrashTarget } from './support/crash.ts'
import { databaseOf, secretValue } from './support/database.ts'
import type { TestDatabase } from './support/database.ts'
import { eventually, staysSo } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { podSelector } from './support/rollout.ts'
import { startStream } from './support/stream.ts'
import type { Stream } from './support/stream.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/**
 * Everything the system consists of is killed once, with SIGKILL and one after the other, in the middle of a stream of
 * task changes. Afterwards the database is the truth (a task of version n was changed n times) and the audit trail, read
 * through its API, must tell the same story without a gap or a repetition.
 */
const CHANGES = 2_000
const USERS = 4

interface TaskRow {
  readonly id: string
  readonly version: number
  readonly series_id: string | null
  readonly position: number | null
}

describe('a stream of 2,000 task changes in which everything is killed once', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  let database: TestDatabase
  let trail: AuditTrail
  let stream: Stream
  let users: readonly Account[]
  let tasks: readonly TaskRow[]
  let entries: readonly AuditEntry[]

  const targets = (): readonly CrashTarget[] => {
    const part = (name: string, container: string): CrashTarget => ({
      namespace: namespace.name,
      selector: podSelector('todo', name),
      container,
    })
    return [
      {
        namespace: 'todochatbot-system',
        selector: 'app.kubernetes.io/name=todochatbot-operator',
        container: 'operator',
      },
      ...['chat-api', 'recurring-task', 'notification', 'audit'].flatMap((worker) => [
        part(worker, worker),
        part(worker, 'daprd'),
      ]),
      ...['kafka', 'postgresql', 'redis'].map((name) => part(name, name)),
    ]
  }

  /** Each kill has its place in the stream; the changes after it wait until it has happened, not until it is over. */
  const runInterrupted = async (): Promise<void> => {
    const kills = targets()
    const due = (index: number): number => Math.floor((CHANGES * (index + 1)) / (kills.length + 1))
    const waiting = kills.map(() => Promise.withResolvers<undefined>())
    let reached = 0
    stream = startStream({
      users,
      changes: CHANGES,
      async before(change) {
        reached = Math.max(reached, change)
        await Promise.all(waiting.filter((_, index) => due(index) < change).map(({ promise }) => promise))
      },
    })
    const killing = async (): Promise<void> => {
      for (const [index, target] of kills.entries()) {
        await eventually(`change ${due(index)}`, () => reached >= due(index), 300_000, 20)
        const done = crash(cluster, target)
        waiting[index]?.resolve(undefined)
        const { processes, recovered } = await done
        console.log(
          `change ${reached}: killed ${target.container} of ${target.selector} (${processes} processes), back after ${recovered} ms`,
        )
      }
    }
    await Promise.all([stream.done, killing()])
  }

  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'crash')
    todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
    database = await databaseOf(cluster, namespace.name, 'todo')
    const token = await secretValue(cluster, namespace.name, 'todo-auth', 'serviceToken')
    trail = auditTrail(await todo.worker('audit'), token)
    const chatApi = await todo.worker('chat-api')
    users = await Promise.all(Array.from({ length: USERS }, () => signUp(chatApi)))
    await runInterrupted()
    await settle()
  }, 1_500_000)
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  /** What is still under way: events to publish, changes to audit, reminders to fire, successors to make. */
  const underWay = async (): Promise<Readonly<Record<string, number>>> => {
    const [row] = await database.query<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM outbox) AS events,
              (SELECT sum(version)::int FROM tasks) -
              (SELECT count(*)::int FROM audit_entries WHERE type LIKE 'com.todo.task.%') AS changes,
              $1::int - (SELECT count(*)::int FROM reminders WHERE state = 'fired') AS reminders,
              (SELECT count(*)::int FROM tasks done WHERE series_id IS NOT NULL AND completed_at IS NOT NULL
                AND NOT EXISTS (SELECT FROM tasks next WHERE next.series_id = done.series_id
                  AND (next.recurrence->>'count')::int = (done.recurrence->>'count')::int + 1)) AS successors`,
      [stream.reminders.size],
    )
    return row ?? {}
  }

  /** Waits until nothing is under way, and then a little longer: what is done twice would show now. */
  async function settle(): Promise<void> {
    const nothing = { events: 0, changes: 0, reminders: 0, successors: 0 }
    const isSettled = async (): Promise<true> => {
      expect(await underWay()).toEqual(nothing)
      return true
    }
    await eventually('everything under way done', isSettled, 300_000, 1_000)
    await staysSo(isSettled, 10_000, 1_000)
    await todo.ready()
    tasks = await database.query<TaskRow>(
      `SELECT id, version, series_id, (recurrence->>'count')::int AS position FROM tasks ORDER BY id`,
    )
    entries = await trail.entries()
  }

  const taskChanges = (): readonly AuditEntry[] => entries.filter(({ type }) => type.startsWith('com.todo.task.'))

  it('commits every change the client was answered for', () => {
    expect(stream.commits.length).toBe(CHANGES)
    const versions = new Map(tasks.map(({ id, version }) => [id, version]))
    const lost = stream.commits.filter(({ taskId, version }) => (versions.get(taskId) ?? 0) < version)
    expect(lost).toEqual([])
    const answered = new Set(stream.commits.map(({ taskId, version }) => `${taskId} ${version}`))
    expect(answered.size).toBe(CHANGES)
  })

  it('has exactly one audit entry for every committed change', () => {
    const committed = tasks.flatMap(({ id, version }) =>
      Array.from({ length: version }, (_, index) => `${id} ${index + 1}`),
    )
    const audited = taskChanges().map((entry) => `${entry.taskId ?? ''} ${versionOf(entry) ?? ''}`)
    expect(audited.length).toBe(committed.length)
    expect(audited.toSorted()).toEqual(committed.toSorted())
  })

  it('has the changes of each task in the order in which they were committed', () => {
    const last = new Map<string, number>()
    const disordered = taskChanges().filter((entry) => {
      const before = last.get(entry.taskId ?? '') ?? 0
      last.set(entry.taskId ?? '', versionOf(entry) ?? 0)
      return versionOf(entry) !== before + 1
    })
    expect(disordered).toEqual([])
  })

  it('has a sequence without a gap and a chain that verifies', async () => {
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1))
    const verdict = await trail.verify()
    expect(verdict).toMatchObject({ ok: true, count: entries.length, firstSeq: 1, lastSeq: entries.length })
    expect([...verdict.gaps, ...verdict.duplicates, ...verdict.hashBreaks]).toEqual([])
  })

  it('has exactly one successor for every completed recurring task', () => {
    const completed = new Set(
      taskChanges()
        .filter(({ action }) => action === 'COMPLETED')
        .map(({ taskId }) => taskId),
    )
    const finished = tasks.filter(({ id, series_id: series }) => series !== null && completed.has(id))
    expect(finished.length).toBeGreaterThan(50)
    const successors = finished.map(
      ({ series_id: series, position }) =>
        tasks.filter((other) => other.series_id === series && other.position === (position ?? 0) + 1).length,
    )
    expect(successors.filter((count) => count !== 1)).toEqual([])
  })

  it('has fired every reminder exactly once', async () => {
    expect(stream.reminders.size).toBeGreaterThan(50)
    const delivered: string[] = []
    for (const user of users) {
      let cursor: string | null = ''
      while (cursor !== null) {
        const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page = (await user.call(`/api/v1/notifications?limit=200${query}`)).body as {
          items: { reminderId: string }[]
          nextCursor: string | null
        }
        delivered.push(...page.items.map(({ reminderId }) => reminderId))
        cursor = page.nextCursor
      }
    }
    const expected = [...stream.reminders.keys()]
    expect(delivered.toSorted()).toEqual(expected.toSorted())
    const triggered = entries
      .filter(({ type }) => type === 'com.todo.reminder.triggered')
      .map(({ after }) => after?.reminderId)
    expect(triggered.toSorted()).toEqual(expected.toSorted())
  })

  it('is Ready again, with everything that was killed running', async () => {
    await todo.ready()
    expect((await todo.condition('Degraded'))?.status ?? 'False').toBe('False')
  })
})
