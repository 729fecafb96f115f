import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readBackups } from '../jobs/replay/backup-log.ts'
import { verifyTrail } from '../lib/audit-trail/verify.ts'
import { openDestination } from '../lib/backup/destination.ts'
import { encodeManifest } from '../lib/backup/manifest.ts'
import { writePart } from '../lib/backup/part.ts'
import { encodeRecord } from '../lib/backup/records.ts'
import { signBytes } from '../lib/backup/signature.ts'
import type { Task } from '../lib/task/task.ts'
import { completeTask } from '../lib/task/transitions.ts'
import { fireDue } from '../notification/fire.ts'
import { startReplaySystem, topics } from './support/replay-system.ts'
import type { Asked, ReplaySystem } from './support/replay-system.ts'
import { deliver } from './support/task-system.ts'
import type { TaskEvent } from './support/task-system.ts'

/** One broker and one database for all: every test has users of its own and selects their key. */
let system: ReplaySystem
beforeAll(async () => {
  system = await startReplaySystem()
})
afterAll(async () => system.stop())

const hour = 3_600_000
const inMilliseconds = (ms: number): string => new Date(Date.now() + ms).toISOString()
const remindedAt = (at: string): Partial<Task> => ({ reminders: [{ id: randomUUID(), type: 'absolute', at }] })

/** Tasks of one user, each with a reminder. */
const tasks = async (times: readonly string[]): Promise<{ key: string; events: TaskEvent[] }> => {
  const key = await system.addUser()
  const events: TaskEvent[] = []
  for (const at of times) events.push(await system.create(key, remindedAt(at)))
  return { key, events }
}
const reminders = async (userId: string) => {
  const { rows } = await system.database.query<{ state: string }>(
    'SELECT state, scheduled_for FROM reminders WHERE user_id = $1 ORDER BY scheduled_for',
    [userId],
  )
  return rows.map(({ state }) => state)
}
const inboxed = async (eventId: string) =>
  (await system.database.query('SELECT 1 FROM inbox WHERE consumer = $1 AND event_id = $2', ['notification', eventId]))
    .rowCount
/** Everything the workers keep, so that "nothing changed" means all of it. */
const everything = async () => {
  const tables = ['inbox', 'reminders', 'reminder_tasks', 'notifications', 'audit_entries', 'tasks', 'outbox']
  const { rows } = await system.database.query(
    tables
      .map((table) => `SELECT '${table}' AS name, md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${table} t`)
      .join(' UNION ALL '),
  )
  return rows
}
const fire = () =>
  fireDue(system.database, { producer: 'todo-notification', batchSize: 100, lateAfter: 5_000, now: () => new Date() })
const notified = async (userId: string) =>
  (await system.database.query('SELECT 1 FROM notifications WHERE user_id = $1', [userId])).rowCount

describe('a dead letter', () => {
  test('is counted by a dry run, takes effect once, and a second replay changes nothing', async () => {
    const { key, events } = await tasks([inMilliseconds(hour), inMilliseconds(2 * hour)])
    await system.publish(topics.deadLetters, events)
    const asked = { worker: 'notification', source: 'DeadLetters', select: { keys: [key] } } satisfies Asked

    const before = await everything()
    expect((await system.replay({ ...asked, dryRun: true })).counts).toMatchObject({
      matched: 2,
      duplicates: 0,
      delivered: 0,
    })
    expect(await everything()).toEqual(before)

    const first = await system.replay(asked)
    expect(first.counts).toMatchObject({ matched: 2, delivered: 2, failed: 0, redelivered: 0 })
    expect(first.types).toEqual([{ type: 'com.todo.task.created', matched: 2 }])
    expect(await reminders(key)).toEqual(['pending', 'pending'])
    expect(await inboxed(events[0]?.id ?? '')).toBe(1)

    const after = await everything()
    expect((await system.replay(asked)).counts).toMatchObject({
      matched: 2,
      delivered: 0,
      duplicates: 2,
      redelivered: 2,
    })
    expect(await everything()).toEqual(after)
    expect(await deliver(system.workers.notification, events[0] as TaskEvent)).toBe('SUCCESS')
    expect(await everything()).toEqual(after)
  })

  test('that nobody can read is told with its place, and does not hold up the others', async () => {
    const { key, events } = await tasks([inMilliseconds(hour)])
    const [good] = events as [TaskEvent]
    const poison = { ...good, id: randomUUID(), data: { nonsense: true } }
    await system.publish(topics.deadLetters, [poison, good])
    const { counts, failures } = await system.replay({
      worker: 'notification',
      source: 'DeadLetters',
      select: { keys: [key] },
    })
    expect(counts).toMatchObject({ matched: 2, delivered: 1, failed: 1 })
    expect(failures).toMatchObject([
      { eventId: poison.id, reason: expect.stringContaining('cannot be understood') as string },
    ])
    expect(failures[0]?.where).toMatch(/^task-events\.dlq\/0@\d+$/)
  })
})

describe('a replay of a topic', () => {
  test('takes what is selected, and moves no offset of a worker', async () => {
    const { key, events } = await tasks([inMilliseconds(hour)])
    const other = await tasks([inMilliseconds(hour)])
    const [created] = events as [TaskEvent]
    const done = await system.change(created.data.taskId, key, 'COMPLETED', (task) =>
      completeTask(task, new Date().toISOString()),
    )
    await system.publish(topics.taskEvents, [created, ...other.events, done])
    await system.consumed('notification')
    const offsets = await system.committed('notification')
    const ids = [created.id, done.id, other.events[0]?.id ?? '']

    const select = { eventIds: ids, keys: [key], types: ['com.todo.task.created'] }
    expect((await system.replay({ worker: 'notification', select })).counts).toMatchObject({ matched: 1, delivered: 1 })
    expect(await reminders(key)).toEqual(['pending'])
    expect(await reminders(other.key)).toEqual([])
    const rest = await system.replay({ worker: 'notification', select: { eventIds: ids } })
    expect(rest.counts).toMatchObject({ matched: 3, delivered: 2, duplicates: 1 })
    expect(await reminders(key)).toEqual(['cancelled'])

    expect(await system.committed('notification')).toEqual(offsets)
    const { groups } = await system.brokers.listGroups()
    expect(groups.filter(({ groupId }) => groupId.includes('replay-'))).toEqual([])
  })

  test('without force changes nothing that was handled; with force it takes effect again, once, with the newest version', async () => {
    const { key, events } = await tasks([inMilliseconds(hour)])
    const [created] = events as [TaskEvent]
    await system.publish(topics.taskEvents, [created])
    await deliver(system.workers.notification, created)
    await system.admin(`DELETE FROM reminders WHERE user_id = '${key}'`)
    const asked = { worker: 'notification', select: { keys: [key] } } satisfies Asked

    const before = await everything()
    expect((await system.replay(asked)).counts).toMatchObject({ matched: 1, delivered: 0, duplicates: 1 })
    expect(await everything()).toEqual(before)

    const id = randomUUID()
    expect((await system.replay({ ...asked, id, force: true })).counts).toMatchObject({ matched: 1, delivered: 1 })
    expect(await reminders(key)).toEqual(['pending'])
    const after = await everything()
    expect((await system.replay({ ...asked, id, force: true })).counts).toMatchObject({ delivered: 1, duplicates: 0 })
    expect(await everything()).toEqual(after)
  })

  test('whose pod dies is carried on by the next one: all delivered, each once', async () => {
    const { key, events } = await tasks(Array.from({ length: 6 }, (_, n) => inMilliseconds((n + 1) * hour)))
    await system.publish(topics.taskEvents, events)
    const asked = { worker: 'notification', select: { keys: [key] }, id: randomUUID() } satisfies Asked
    const stop = new AbortController()
    const onDelivered = (count: number) => {
      if (count === 2) stop.abort(new Error('the pod was killed'))
    }
    await expect(system.replay({ ...asked, signal: stop.signal, onDelivered })).rejects.toThrow('the pod was killed')
    const { counts } = await system.replay(asked)
    expect(counts).toMatchObject({ matched: 6, delivered: 6, duplicates: 0, failed: 0 })
    const scheduled = await system.outbox(key, 'com.todo.reminder.scheduled')
    expect(scheduled).toHaveLength(6)
  })

  test('tells what the worker does not take from what it does', async () => {
    const { key, events } = await tasks([inMilliseconds(hour)])
    await system.publish(topics.taskEvents, events)
    const { counts } = await system.replay({ worker: 'recurring-task', select: { keys: [key] } })
    expect(counts).toMatchObject({ matched: 1, delivered: 0, ignored: 1 })
  })
})

describe('side effects', () => {
  test('muted: what lies in the past rings for nobody, what lies ahead will', async () => {
    const { key, events } = await tasks([inMilliseconds(-hour), inMilliseconds(hour)])
    await system.publish(topics.taskEvents, events)
    await system.replay({ worker: 'notification', select: { keys: [key] } })
    expect(await reminders(key)).toEqual(['cancelled', 'pending'])
    await fire()
    expect(await notified(key)).toBe(0)
    const again = await everything()
    await system.replay({ worker: 'notification', select: { keys: [key] } })
    expect(await everything()).toEqual(again)
  })

  test('muted: a reminder that has rung does not ring again, even with force', async () => {
    const { key, events } = await tasks([inMilliseconds(-hour)])
    const [created] = events as [TaskEvent]
    await system.publish(topics.taskEvents, [created])
    await deliver(system.workers.notification, created)
    await fire()
    expect(await notified(key)).toBe(1)
    await system.admin(
      `DELETE FROM reminders WHERE user_id = '${key}'; DELETE FROM notifications WHERE user_id = '${key}'`,
    )
    await system.replay({ worker: 'notification', select: { keys: [key] }, force: true })
    await fire()
    expect(await notified(key)).toBe(0)
  })

  test('allowed: a reminder of the past rings, late', async () => {
    const { key, events } = await tasks([inMilliseconds(-hour)])
    await system.publish(topics.taskEvents, events)
    await system.replay({ worker: 'notification', select: { keys: [key] }, muted: false })
    await fire()
    expect(await notified(key)).toBe(1)
  })
})

describe('the search for gaps in the audit trail', () => {
  const asked = { worker: 'audit', source: 'AuditGaps' } satisfies Asked
  const recorded = async (ids: readonly string[]) =>
    (await system.database.query('SELECT 1 FROM audit_entries WHERE event_id = ANY ($1::text[])', [ids])).rowCount
  const withoutEntries = async (ids: readonly string[]) =>
    system.admin(
      `ALTER TABLE audit_entries DISABLE TRIGGER ALL;
       DELETE FROM audit_entries WHERE event_id IN (${ids.map((id) => `'${id}'`).join(',')});
       ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_append_only`,
    )

  test('finds an entry that was removed and an event that never arrived, records both, and leaves what is on its way', async () => {
    // What the tests before left in the log is recorded first: from here on the trail is whole.
    await system.consumed('audit')
    await system.replay(asked)
    const { events } = await tasks([inMilliseconds(hour), inMilliseconds(hour), inMilliseconds(hour)])
    const [removed, never, kept] = events as [TaskEvent, TaskEvent, TaskEvent]
    await system.publish(topics.taskEvents, events)
    for (const event of [removed, kept]) await deliver(system.workers.audit, event)
    await system.consumed('audit')
    const coming = (await tasks([inMilliseconds(hour)])).events
    await system.publish(topics.taskEvents, coming)
    await withoutEntries([removed.id])

    const dry = await system.replay({ ...asked, dryRun: true })
    expect(dry.counts).toMatchObject({ matched: 2, delivered: 0 })
    expect(dry.gaps).toMatchObject({ numbers: 1, unexplained: 0 })

    const { counts, gaps, missing } = await system.replay(asked)
    expect(counts).toMatchObject({ matched: 2, delivered: 2, failed: 0 })
    expect(gaps?.ranges).toHaveLength(1)
    expect(missing).toEqual([])
    expect(await recorded([removed.id, never.id, kept.id])).toBe(3)
    expect(await recorded(coming.map(({ id }) => id))).toBe(0)
    // The chain is appended to, never rewritten: the number stays empty, and everything after it still holds.
    const verdict = await verifyTrail(system.database, {}, { batchSize: 100, signal: new AbortController().signal })
    expect(verdict).toMatchObject({ gaps: gaps?.ranges, duplicates: [], hashBreaks: [] })

    const again = await system.replay(asked)
    expect(again.counts).toMatchObject({ matched: 0, delivered: 0 })
    expect(again.gaps).toMatchObject({ numbers: 1, unexplained: 0 })
  })

  test('fetches what Kafka does not keep any more from a backup, and says what nobody has', async () => {
    const { key, events } = await tasks([inMilliseconds(hour), inMilliseconds(hour), inMilliseconds(hour)])
    const { partition, offset: start } = await system.publish(topics.taskEvents, events)
    await system.consumed('audit')
    const folder = await mkdtemp(join(tmpdir(), 'replay-backup-'))
    const destination = await openDestination({ volume: { folder } })
    try {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519')
      const pem = (of: 'private' | 'public') =>
        of === 'private'
          ? privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
          : publicKey.export({ type: 'spki', format: 'pem' }).toString()
      // The three events are the last of their user's partition; the backup lacks the newest of them.
      const end = start + 3
      await system.brokers.deleteTopicRecords({
        topic: topics.taskEvents,
        partitions: [{ partition, offset: String(end) }],
      })
      const path = 'team/todo/20260101T000000Z-nightly-a1b2c3d4'
      const { signal } = new AbortController()
      const lines = events.slice(0, 2).map((event, index) =>
        encodeRecord({
          offset: end - 3 + index,
          timestamp: Date.now(),
          key: Buffer.from(key),
          value: Buffer.from(JSON.stringify(event)),
          headers: [],
        }),
      )
      const part = await writePart({
        destination,
        folder: path,
        path: `records/taskEvents/${partition}.ndjson.zst`,
        kind: 'Records',
        alias: 'taskEvents',
        partition,
        source: Readable.from([Buffer.from(lines.join(''))]),
        compressionLevel: 3,
        signal,
      })
      const manifest = encodeManifest({
        format: 'todochatbot-backup',
        formatVersion: 1,
        backup: { name: 'nightly', uid: 'a1b2c3d4', namespace: 'team', system: 'todo' },
        createdAt: '2026-01-01T00:00:00.000Z',
        versions: { operand: '0.1.0', migration: 6, postgresql: '15', pgDump: '15' },
        cut: {
          at: '2026-01-01T00:00:00.000Z',
          skewMs: 1,
          audit: [],
          topics: [
            { alias: 'taskEvents', topic: topics.taskEvents, partitions: [{ partition, start: 0, end: end - 1 }] },
          ],
          groups: [],
        },
        counts: { tables: {}, records: 2, stateKeys: 0 },
        compression: 'zstd',
        parts: [part],
        missing: [],
      })
      await destination.put(`${path}/manifest.json`, Readable.from([manifest]), signal)
      await destination.put(`${path}/manifest.json.sig`, Readable.from([signBytes(manifest, pem('private'))]), signal)

      const { counts, missing } = await system.replay({
        ...asked,
        select: { partitions: [partition] },
        readOlder: async (ranges, take) => [
          ...(await readBackups({
            destination,
            namespace: 'team',
            system: 'todo',
            publicKey: pem('public'),
            ranges,
            signal,
            take,
          })),
        ],
      })
      expect(counts).toMatchObject({ delivered: 2, failed: 0 })
      expect(await recorded(events.map(({ id }) => id))).toBe(2)
      expect(missing).toEqual([
        {
          what: `1 records of task-events partition ${partition} before offset ${end}`,
          why: 'Kafka does not keep them any more, and no backup holds them',
        },
      ])
    } finally {
      destination.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
