import { createHash, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RestoreUntil } from '../jobs/restore/config.ts'
import { uriOf } from '../jobs/restore/databases.ts'
import { readHead } from '../lib/audit-trail/store.ts'
import { verifyTrail } from '../lib/audit-trail/verify.ts'
import { openDestination } from '../lib/backup/destination.ts'
import type { CloudEvent } from '../lib/cloud-event.ts'
import type { Database } from '../lib/postgres.ts'
import { completeTask, deleteTask } from '../lib/task/transitions.ts'
import { fireDue } from '../notification/fire.ts'
import { handMadeBackup, postgresPrograms, signingKeys } from './support/hand-made-backup.ts'
import { migrateDatabase, openDatabase } from './support/migrated-database.ts'
import { startReplaySystem, topics as topicNames, type ReplaySystem } from './support/replay-system.ts'
import { restoreRun, type AskedRestore } from './support/restore-run.ts'

/**
 * Restores that go on after the cut, against a system whose workers are the real ones. Its events reach them when the test says so, so that at
 * each noted point everything is settled; what a restore up to that point has made is compared with what was there then.
 */
const topics = (['taskEvents', 'taskReminders'] as const).map((alias) => ({ alias, topic: topicNames[alias] }))
const workers = ['audit', 'notification', 'recurring-task'] as const
const groups = workers.map((service) => ({
  group: `team.todo-${service}`,
  service,
  aliases: ['taskEvents', 'taskReminders'],
}))
const folder = 'app/todo/20260101T000000Z-by-hand-12345678'
const { privateKey, publicKey } = signingKeys()

let system: ReplaySystem
let directory: string
let searchPath: string
let brokers: string
let ground: Database
/** Registered before the cut. */
let user: string

/** A moment at which everything was settled. */
interface Point {
  readonly seq: number
  readonly time: string
  readonly state: Readonly<Record<string, string>>
}
const points: Point[] = []

/** Publishes what waits in the outbox and hands it to the workers, until nothing is left. */
const settle = async (database = ground): Promise<void> => {
  for (;;) {
    const { rows } = await database.query<{ id: number; topic: keyof typeof topicNames; payload: CloudEvent }>(
      'SELECT id, topic, payload FROM outbox ORDER BY id',
    )
    if (rows.length === 0) return
    for (const { id, topic, payload } of rows) {
      await system.publish(topicNames[topic], [payload])
      await database.query('DELETE FROM outbox WHERE id = $1', [id])
      await handOver(topic, payload)
    }
    for (const worker of workers) await system.consumed(worker)
  }
}
const handOver = async (topic: keyof typeof topicNames, event: CloudEvent): Promise<void> => {
  for (const worker of topic === 'taskEvents' ? workers : (['audit'] as const)) {
    const answer = await system.workers[worker].inject({
      method: 'POST',
      url: `/events/${topicNames[topic]}`,
      headers: { 'content-type': 'application/cloudevents+json' },
      payload: JSON.stringify(event),
    })
    expect(answer.json()).toEqual({ status: 'SUCCESS' })
  }
}
const fire = () =>
  fireDue(ground, { producer: 'todo-notification', batchSize: 100, lateAfter: 5_000, now: () => new Date() })

const what = {
  users: 'SELECT * FROM users ORDER BY id',
  tasks: 'SELECT * FROM tasks ORDER BY id',
  series: 'SELECT * FROM recurrence_series ORDER BY id',
  slots: 'SELECT * FROM series_instances ORDER BY series_id, position',
  reminders: 'SELECT id, task_id, scheduled_for, state, fired_at FROM reminders ORDER BY id',
  notifications: 'SELECT * FROM notifications ORDER BY id',
  audit: 'SELECT * FROM audit_entries ORDER BY stream, seq',
  audited: 'SELECT event_id FROM audit_entries ORDER BY event_id',
}
/** A checksum over the ordered rows of each table. */
const stateOf = async (database: Database): Promise<Record<string, string>> => {
  const state: Record<string, string> = {}
  for (const [name, sql] of Object.entries(what))
    state[name] = createHash('sha256')
      .update(JSON.stringify((await database.query(sql)).rows))
      .digest('hex')
      .slice(0, 12)
  return state
}
const note = async (): Promise<Point> => {
  await settle()
  const time = new Date().toISOString()
  const point = { seq: (await readHead(ground)).seq, time, state: await stateOf(ground) }
  points.push(point)
  // What comes next is later, also on a clock of milliseconds.
  await vi.waitUntil(() => new Date().toISOString() > time, { interval: 1 })
  return point
}

const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()
const reminder = (at: string) => ({ id: randomUUID(), type: 'absolute' as const, at })
const daily = () => ({
  dueAt: '2026-01-01T08:00:00.000Z',
  recurrence: {
    rrule: 'FREQ=DAILY',
    anchor: 'due' as const,
    seriesId: randomUUID(),
    recurrenceId: '2026-01-01T09:00:00',
    count: 1,
  },
})
const complete = (task: string, owner = user) =>
  system.change(task, owner, 'COMPLETED', (before) => completeTask(before, new Date().toISOString()))

const restore = (asked: AskedRestore = {}) =>
  restoreRun({ ...{ directory, brokers, topics, groups, folder, searchPath } }, asked)
/** Restores beside the live database and looks at what is there. */
const beside = async <T>(until: RestoreUntil, look: (database: Database) => Promise<T>): Promise<T> => {
  const { uid, run } = restore({ until })
  for (const step of ['check', 'database', 'reapply'] as const) await run(step)
  const database = openDatabase(uriOf(system.postgres.ownerUrl, `todo_restore_${uid.slice(0, 8)}`))
  try {
    return await look(database)
  } finally {
    await database.close()
    await run('undo')
  }
}

beforeAll(async () => {
  system = await startReplaySystem()
  ground = system.database
  brokers = system.bootstrap
  searchPath = await postgresPrograms()
  directory = await mkdtemp(join(tmpdir(), 'restore-until-'))
  await mkdir(join(directory, 'backups'))
  const secrets = { ownerUri: system.postgres.ownerUrl, uri: system.postgres.url, 'public.pem': publicKey }
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(directory, name), value)
  user = await system.addUser()
  const old = (await system.create(user, { title: 'from before', reminders: [reminder(inHours(5))] })).data.taskId
  const series = (await system.create(user, { title: 'every day', ...daily() })).data.taskId
  await settle()
  await handMadeBackup({
    destination: await openDestination({ volume: { folder: join(directory, 'backups') } }),
    ...{
      folder,
      database: ground,
      ownerUri: system.postgres.ownerUrl,
      kafka: system.kafka,
      topics,
      groups,
      privateKey,
    },
    state: [],
  })
  await note()
  await system.change(old, user, 'UPDATED', (task) => ({ ...task, title: 'changed after the cut', tags: ['a', 'b'] }))
  await note()
  await complete(series)
  const due = (
    await system.create(user, { title: 'rings', reminders: [reminder(inHours(1 / 7200)), reminder(inHours(9))] })
  ).data.taskId
  await note()
  await vi.waitUntil(async () => (await fire()).fired.length === 1, { timeout: 10_000, interval: 20 })
  await note()
  const late = await system.addUser()
  const theirs = (await system.create(late, { title: 'of a new user', ...daily(), reminders: [reminder(inHours(3))] }))
    .data.taskId
  await complete(theirs, late)
  await system.change(due, user, 'UPDATED', (task) => ({ ...task, reminders: [], version: task.version }))
  await note()
  await system.change(old, user, 'DELETED', (task) => deleteTask(task, new Date().toISOString()))
  for (let index = 0; index < 40; index += 1) await system.create(user, { title: `task ${index}` })
  await note()
}, 120_000)
afterAll(async () => {
  await system.stop()
  await rm(directory, { recursive: true })
})

describe('a restore until an audit sequence', () => {
  test('gives exactly the state between that entry and the next, at every point', async () => {
    expect(points.map(({ seq }) => seq)).toEqual([...new Set(points.map(({ seq }) => seq))])
    for (const { seq, state } of points)
      expect(await beside({ auditSequence: seq }, stateOf), `entry ${seq}`).toEqual(state)
  })

  test('leaves a chain that verifies up to the entry, also in the middle of what one change brought about', async () => {
    const { seq } = points[3]!
    const verdict = await beside({ auditSequence: seq - 1 }, (database) =>
      verifyTrail(database, {}, { batchSize: 100, signal: new AbortController().signal }),
    )
    expect(verdict).toMatchObject({ ok: true, lastSeq: seq - 1 })
  })
})

describe('a restore until a time', () => {
  test('gives the state of that time, with every event recorded once', async () => {
    for (const { time, state, seq } of points.filter((_point, index) => index % 2 === 1)) {
      // Recorded anew, so number, time and hash are others.
      const { audit, ...expected } = state
      const found = await beside({ time }, async (database) => ({
        ...(await stateOf(database)),
        verdict: await verifyTrail(database, {}, { batchSize: 100, signal: new AbortController().signal }),
      }))
      expect(found, time).toMatchObject({ ...expected, verdict: { ok: true, lastSeq: seq } })
      expect(found).not.toMatchObject({ audit })
    }
  })

  test('takes what was committed and not published yet', async () => {
    await system.create(user, { title: 'waits in the outbox' })
    const titles = await beside({ time: new Date().toISOString() }, (database) =>
      database.query(`SELECT title FROM tasks WHERE title = 'waits in the outbox'`),
    )
    expect(titles.rowCount).toBe(1)
    await note()
  })
})

test.each([
  ['a time before the cut', () => ({ time: '2026-01-01T00:00:00Z' }), 'the cut of the backup is later'],
  ['an entry that the backup holds', () => ({ auditSequence: 1 }), 'the backup has the entries up to'],
  ['an entry that does not exist', () => ({ auditSequence: 1_000_000 }), 'the audit trail in use ends at'],
] as const)('%s is refused before anything is touched', async (_what, until, words) => {
  await expect(restore({ until: until() }).run('check')).rejects.toThrow(words)
})

test('what the workers had not done at that point they do afterwards, once', async () => {
  const series = (await system.create(user, { title: 'weekly', ...daily() })).data.taskId
  await settle()
  const completion = await complete(series)
  const reminded = await system.create(user, { title: 'reminded', reminders: [reminder(inHours(7))] })
  const { rows } = await ground.query<{ payload: CloudEvent }>('SELECT payload FROM outbox ORDER BY id')
  // Audit was the only one to have met them.
  for (const { payload } of rows) {
    await system.publish(topicNames.taskEvents, [payload])
    await system.workers.audit.inject({ method: 'POST', url: '/events/task-events', payload: JSON.stringify(payload) })
  }
  await ground.query('DELETE FROM outbox')
  const { seq } = await readHead(ground)
  const abandoned = (await system.create(user, { title: 'after the point' })).data.taskId
  const renamed = (title: string) =>
    system.change(reminded.data.taskId, user, 'UPDATED', (task) => ({ ...task, title }))
  await renamed('taken back')
  await settle()

  const { run } = restore({ until: { auditSequence: seq } })
  for (const step of ['check', 'database', 'reapply', 'reapply', 'topics', 'switch'] as const) await run(step)
  ground = openDatabase(system.postgres.url)
  const one = async (sql: string, values: readonly unknown[]) => (await ground.query(sql, values)).rowCount
  const { seriesId } = completion.data.task.recurrence!
  expect(await one('SELECT 1 FROM tasks WHERE id = $1', [abandoned])).toBe(0)
  expect(await one('SELECT 1 FROM tasks WHERE series_id = $1', [seriesId])).toBe(1)
  await settle()
  await settle()
  expect(await one('SELECT 1 FROM tasks WHERE series_id = $1', [seriesId])).toBe(2)
  expect(await one(`SELECT 1 FROM reminders WHERE task_id = $1 AND state = 'pending'`, [reminded.data.taskId])).toBe(1)
  expect((await fire()).fired).toEqual([])
  expect(await run('validate')).not.toHaveProperty('violations')
  await system.publish(topicNames.taskEvents, [await renamed('as it is now')])
  await ground.close()
})

test('a time after another restore is refused: the log holds what was taken back', async () =>
  expect(restore({ until: { time: new Date().toISOString() } }).run('check')).rejects.toThrow(
    'was replaced by another restore',
  ))

describe('with the database lost', () => {
  test('an audit sequence is refused, and so is a time when one version of a task is in the log twice', async () => {
    const now = new Date().toISOString()
    await system.admin('DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO todo_owner')
    await system.admin(`COMMENT ON DATABASE todo IS ''`)
    await expect(restore({ until: { auditSequence: points[1]!.seq } }).run('check')).rejects.toThrow(
      'has no audit trail',
    )
    await migrateDatabase(system.postgres.ownerUrl)
    await expect(restore({ until: { auditSequence: points[1]!.seq } }).run('check')).rejects.toThrow('is not the one')
    const { run } = restore({ until: { time: now } })
    for (const step of ['check', 'database'] as const) await run(step)
    await expect(run('reapply')).rejects.toThrow('were taken back by another restore')
    await run('undo')
  })

  test('a time after a restore that the cluster remembers is refused at once, one before it is not', async () => {
    const { time } = points[5]!
    const at = (ms: number) => [new Date(Date.parse(time) + ms).toISOString()]
    await expect(restore({ until: { time }, replacedAt: at(-1) }).run('check')).rejects.toThrow(
      'was replaced by another restore',
    )
    expect(await restore({ until: { time }, replacedAt: at(1) }).run('check')).toMatchObject({ step: 'check' })
  })

  test('the log brings back every change, and says whose accounts it cannot', async () => {
    const last = points[5]!
    const { uid, run } = restore({ until: { time: last.time } })
    for (const step of ['check', 'database'] as const) await run(step)
    expect(await run('reapply')).toMatchObject({
      reapplied: { until: last.time },
      violations: [expect.stringMatching(/^2 tasks of 1 users/)],
    })
    const database = openDatabase(uriOf(system.postgres.ownerUrl, `todo_restore_${uid.slice(0, 8)}`))
    const found = await stateOf(database)
    expect(found['audited']).toBe(last.state['audited'])
    const { rows } = await database.query<{ title: string }>('SELECT title FROM tasks WHERE deleted_at IS NULL')
    expect(rows.map(({ title }) => title)).toEqual(expect.arrayContaining(['rings', 'every day', 'task 0', 'task 39']))
    expect(rows.map(({ title }) => title)).not.toContain('of a new user')
    await database.close()
    await run('undo')
  })
})
