import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BackupStatus } from '../../operator/src/api/v1alpha1/backup.ts'
import type { RestoreStatus } from '../../operator/src/api/v1alpha1/restore.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { signUp } from './support/account.ts'
import type { Account, TaskBody } from './support/account.ts'
import { auditTrail } from './support/audit-trail.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { databaseOf, secretValue } from './support/database.ts'
import type { TestDatabase } from './support/database.ts'
import { documented } from './support/documented.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { oneShotsIn } from './support/one-shot.ts'
import type { OneShots } from './support/one-shot.ts'
import { startStream } from './support/stream.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'
import { loseVolume } from './support/volume.ts'

/**
 * A system is backed up in the middle of a stream of task changes, loses the volumes of its database and of Kafka, and is restored. What was told as committed
 * before the backup began must be there; the trail must be whole; and what comes afterwards must be audited once. What is applied is what
 * docs/disaster-recovery.md says. The tests build on one another.
 */
describe('a system that lost its data', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  let database: TestDatabase
  let users: readonly Account[]
  let oneShots: OneShots
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'restore')
    todo = systemIn(cluster, namespace.name, 'todo')
    oneShots = oneShotsIn(cluster, namespace.name)
    await todo.apply({ backup: { destination: { volume: {} } } })
    await todo.ready()
    database = await databaseOf(cluster, namespace.name, 'todo')
    const chatApi = await todo.worker('chat-api')
    users = await Promise.all([signUp(chatApi), signUp(chatApi)])
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const count = async (table: string): Promise<number> =>
    Number((await database.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n)
  const settled = (): Promise<unknown> =>
    eventually(
      'every change is audited',
      async () => {
        const [row] = await database.query<{ left: number }>(
          `SELECT (SELECT count(*)::int FROM outbox) + (SELECT coalesce(sum(version), 0)::int FROM tasks) -
                  (SELECT count(*)::int FROM audit_entries WHERE type LIKE 'com.todo.task.%') AS left`,
        )
        if (row?.left !== 0) throw new Error(JSON.stringify(row))
        return true
      },
      120_000,
    )
  const trail = async (): Promise<ReturnType<typeof auditTrail>> =>
    auditTrail(await todo.worker('audit'), await secretValue(cluster, namespace.name, 'todo-auth', 'serviceToken'))

  /** Applies what the guide has under a heading, with `changes` of its spec. */
  const follow = async (heading: string, changes: object = {}): Promise<RestoreStatus> => {
    const { metadata, spec } = await documented('disaster-recovery.md', heading)
    const name = metadata?.name ?? 'goes-on'
    await oneShots.make(kinds.Restore, name, { ...spec, ...changes })
    return oneShots.finished<RestoreStatus>(kinds.Restore, name)
  }

  /** The newest version of each task that was told as committed before the backup began. */
  const promised = new Map<string, number>()
  let backup: BackupStatus

  it('is backed up under load, with a cut that held its writers for moments', async () => {
    const gate = Promise.withResolvers<undefined>()
    const reached = Promise.withResolvers<undefined>()
    const stream = startStream({
      users,
      changes: 240,
      async before(change) {
        if (change !== 120) return
        reached.resolve(undefined)
        await gate.promise
      },
    })
    await reached.promise
    for (const { taskId, version } of stream.commits) promised.set(taskId, Math.max(version, promised.get(taskId) ?? 0))
    await oneShots.make(kinds.Backup, 'monday', { system: 'todo' })
    gate.resolve(undefined)
    await stream.done
    backup = await oneShots.finished<BackupStatus>(kinds.Backup, 'monday')
    expect(backup).toMatchObject({ phase: 'Succeeded' })
    expect(promised.size).toBeGreaterThan(20)
    console.log(`backup of ${backup.bytes} bytes; the cut held writers for ${backup.cut?.skewMs} ms`)
  })

  it('a drill proves the backup in a throwaway, and the system goes on', async () => {
    const before = await count('tasks')
    expect(await follow('Drill')).toMatchObject({ phase: 'Succeeded' })
    expect(await count('tasks')).toBe(before)
    await eventually(
      'the proof is shown',
      async () => (await todo.status()).backup?.lastVerifiedRestore !== undefined,
      60_000,
    )
    const [row] = await database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', current_database())`,
    )
    expect(row?.n).toBe(0)
  })

  it('has everything back that was committed before the backup, after the volumes of its database and of Kafka are gone', async () => {
    await settled()
    await Promise.all(['todo-postgresql', 'todo-kafka'].map((server) => loseVolume(cluster, namespace.name, server)))
    const [tables] = await database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM information_schema.tables WHERE table_schema = 'public'`,
    )
    expect(tables?.n).toBe(0)
    const begun = performance.now()
    const safetyBackup = { skip: true, reason: 'nothing is left to save' }
    expect(await follow('Restore in place', { safetyBackup })).toMatchObject({ phase: 'Succeeded' })
    await todo.ready()
    console.log(`restored and ready ${Math.round((performance.now() - begun) / 1000)} s after it was asked for`)
    const rows = await database.query<{ id: string; version: number }>('SELECT id, version FROM tasks')
    const versions = new Map(rows.map(({ id, version }) => [id, version]))
    const lost = [...promised].filter(([id, version]) => (versions.get(id) ?? 0) < version)
    expect(lost).toEqual([])
  })

  it('has a whole trail that begins with the one of the backup, and every change in it once', async () => {
    await settled()
    const audit = await trail()
    const verification = await audit.verify()
    expect(verification).toMatchObject({ ok: true, gaps: [], duplicates: [], hashBreaks: [] })
    const head = backup.cut?.audit?.find(({ stream }) => stream === 'tasks')
    const [row] = await database.query<{ hash: string }>(
      `SELECT encode(hash, 'hex') AS hash FROM audit_entries WHERE stream = 'tasks' AND seq = $1`,
      [head?.seq],
    )
    expect(row?.hash).toBe(head?.hash)
  })

  it('goes back to the point between two entries of the trail: exactly the tasks of then, and those of later are gone', async () => {
    const rows = (): Promise<unknown> => database.query('SELECT * FROM tasks ORDER BY id')
    const create = async (title: string): Promise<TaskBody> =>
      (await users[0]?.change('/api/v1/tasks', { method: 'POST', body: { title } }))?.body as TaskBody
    await create('kept')
    await settled()
    const [head] = await database.query<{ seq: number }>(`SELECT seq::int FROM audit_head WHERE stream = 'tasks'`)
    const then = await rows()
    const later = await create('taken back')
    await settled()
    const until = { auditSequence: head?.seq }
    const safetyBackup = { skip: true, reason: 'the test is the only user' }
    expect(await follow('Go on after the cut', { until, safetyBackup })).toMatchObject({
      phase: 'Succeeded',
      auditSequence: head?.seq,
    })
    await todo.ready()
    expect(await rows()).toEqual(then)
    expect(await count(`tasks WHERE id = '${later.id}'`)).toBe(0)
    expect(await (await trail()).verify()).toMatchObject({ ok: true, gaps: [], duplicates: [], hashBreaks: [] })
  })

  it('goes on: a new change is audited once, and nothing old again', async () => {
    const before = await count('audit_entries')
    const user = users[0]
    const task = (await user?.change('/api/v1/tasks', { method: 'POST', body: { title: 'after' } }))?.body as TaskBody
    await settled()
    expect((await (await trail()).ofTask(task.id)).map(({ type }) => type)).toEqual(['com.todo.task.created'])
    expect(await count('audit_entries')).toBe(before + 1)
  })
})
