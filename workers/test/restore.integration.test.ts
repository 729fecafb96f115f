import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, startRedis, type KafkaServer, type RedisServer } from '../../hack/cluster/index.ts'
import { boundsOf, readRanges } from '../jobs/restore/kafka-log.ts'
import { recordOf } from '../lib/audit-trail/entry.ts'
import { appendRecords } from '../lib/audit-trail/store.ts'
import { openDestination } from '../lib/backup/destination.ts'
import type { Manifest } from '../lib/backup/manifest.ts'
import { openKafka } from '../lib/kafka/client.ts'
import { commitGroupOffsets, committedOffsets } from '../lib/kafka/group-offsets.ts'
import { connectRedis, type RedisClient } from '../lib/redis/client.ts'
import { handMadeBackup, postgresPrograms, signingKeys } from './support/hand-made-backup.ts'
import { checksumOf, openDatabase } from './support/migrated-database.ts'
import { restoreRun } from './support/restore-run.ts'
import { startTaskSystem, type TaskEvent, type TaskSystem } from './support/task-system.ts'

/**
 * The steps of a restore as their Jobs run them, on PostgreSQL, Kafka and Redis. Audit is played by the test: it takes events from the topic,
 * records each once, and commits, as the worker does through Dapr.
 */
const topic = 'restore.task-events'
const topics = [{ alias: 'taskEvents', topic }]
const group = (service: string): string => `app.todo-${service}`
const groups = ['audit', 'notification'].map((service) => ({ group: group(service), service, aliases: ['taskEvents'] }))
const folder = 'app/todo/20260101T000000Z-by-hand-12345678'
const stateKey = 'app.todo-chat-api||chat'
const { privateKey, publicKey } = signingKeys()

let system: TaskSystem
let broker: KafkaServer
let redisServer: RedisServer
let kafka: Kafka
let admin: Admin
let producer: Producer
let redis: RedisClient
let directory: string
let user: string
let manifest: Manifest
let atCut: string
let searchPath: string

beforeAll(async () => {
  ;[system, broker, redisServer] = await Promise.all([startTaskSystem(), startKafka(), startRedis()])
  searchPath = await postgresPrograms()
  directory = await mkdtemp(join(tmpdir(), 'restore-'))
  await mkdir(join(directory, 'backups'))
  const { address, password } = redisServer
  const secrets = {
    ownerUri: system.postgres.ownerUrl,
    uri: system.postgres.url,
    'public.pem': publicKey,
    redis: password,
  }
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(directory, name), value)
  kafka = await openKafka({ brokers: [broker.brokers] }, { clientId: 'test', secretsDirectory: directory })
  admin = kafka.admin()
  producer = kafka.producer()
  await Promise.all([admin.connect(), producer.connect()])
  redis = await connectRedis({ address, password, signal: new AbortController().signal })
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true })
  user = await system.addUser()
  await redis.send('SET', stateKey, 'as at the cut')
  for (let index = 0; index < 12; index += 1)
    await publish(await system.create(user, { title: `task ${index}` }), index % 2)
  await audit(5)
  await standsAt('notification', [6, 4])
  const dump = (await redis.send('DUMP', stateKey)) as Buffer
  manifest = await handMadeBackup({
    destination: await openDestination({ volume: { folder: join(directory, 'backups') } }),
    ...{ folder, database: system.database, ownerUri: system.postgres.ownerUrl, kafka, topics, groups, privateKey },
    state: [{ key: Buffer.from(stateKey), dump }],
  })
  atCut = await checksum()
}, 120_000)
afterAll(async () => {
  redis.close()
  await Promise.all([admin.disconnect(), producer.disconnect()])
  await Promise.all([system.stop(), broker.stop(), redisServer.stop(), rm(directory, { recursive: true })])
})

/** Moves the group of a worker; one offset per partition. */
const standsAt = (worker: string, offsets: readonly number[]): Promise<void> =>
  commitGroupOffsets(
    { kafka, admin },
    group(worker),
    offsets.map((offset, partition) => ({ topic, partition, offset })),
  )

/** As the relay does: the row goes when the broker has the event. */
const publish = async (event: TaskEvent, partition: number): Promise<void> => {
  await producer.send({ topic, messages: [{ key: event.data.userId, value: JSON.stringify(event), partition }] })
  await system.admin(`DELETE FROM outbox WHERE event_id = '${event.id}'`)
}

/** Plays audit: takes what its group has not consumed, at most `limit` per partition, and commits. Returns the event ids it met. */
const audit = async (limit = Infinity): Promise<string[]> => {
  const at = await committedOffsets(admin, group('audit'), topic)
  const bounds = [...((await boundsOf(admin, topic)) ?? [])]
  const ranges = bounds.map(([partition, { start, end }]) => {
    const from = at.get(partition) ?? start
    return { partition, from, to: Math.min(end, from + limit) }
  })
  const met: TaskEvent[] = []
  await readRanges({ kafka, topic, ranges, signal: new AbortController().signal }, (_partition, { value }) =>
    met.push(JSON.parse(value!.toString('utf8')) as TaskEvent),
  )
  const live = openDatabase(system.postgres.url)
  for (const event of met) await appendRecords(live, [recordOf({ event, position: { topic } })], () => new Date())
  await live.close()
  await commitGroupOffsets(
    { kafka, admin },
    group('audit'),
    ranges.map(({ partition, to }) => ({ topic, partition, offset: to })),
  )
  return met.map(({ id }) => id)
}

/** Over the ordered rows of what users see and of the audit trail. */
const checksum = (): Promise<string> => checksumOf(system.postgres.url, ['tasks', 'audit_entries', 'users'])

const databases = async (): Promise<string[]> => {
  const live = openDatabase(system.postgres.url)
  const { rows } = await live.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE datname LIKE 'todo%' ORDER BY 1`,
  )
  await live.close()
  return rows.map(({ name }) => name)
}

const restore = (mode: 'InPlace' | 'NewSystem' | 'Drill' = 'InPlace') =>
  restoreRun(
    {
      ...{ directory, topics, groups, folder, searchPath },
      brokers: broker.brokers,
      redisAddress: redisServer.address,
    },
    { mode },
  )

const unconsumed = (): number => manifest.counts.records - 10

describe('a backup, further changes, a restore in place', () => {
  let run: ReturnType<typeof restore>['run']
  let uid: string
  beforeAll(() => ({ run, uid } = restore()))

  test('finds the backup whole before anything is touched', async () => {
    await publish(await system.create(user, { title: 'after the cut' }), 0)
    await audit()
    await redis.send('SET', stateKey, 'after the cut')
    await redis.send('SET', 'app.todo-chat-api||later', 'x')
    await redis.send('SET', 'other.todo-chat-api||own', 'x')
    expect(await checksum()).not.toBe(atCut)
    expect(await run('check')).toMatchObject({ backup: { path: folder, auditSequence: 10 } })
    expect(await databases()).toEqual(['todo'])
  })

  test('restores beside, and again when its pod was lost, while the system goes on', async () => {
    await run('database')
    await system.create(user, { title: 'meanwhile' })
    await run('database')
    expect(await databases()).toEqual(['todo', `todo_restore_${uid.slice(0, 8)}`])
  })

  test('switches database, consumers and state store, whatever is done twice', async () => {
    const end = [...((await boundsOf(admin, topic)) ?? [])].reduce((sum, [, bounds]) => sum + bounds.end, 0)
    await run('topics')
    await run('topics')
    const appended = [...((await boundsOf(admin, topic)) ?? [])].reduce((sum, [, bounds]) => sum + bounds.end, 0) - end
    // Notification had consumed 6 and 4, audit 5 and 5: what one of them lacked comes again.
    expect(appended).toBe(1 + 2)
    await run('switch')
    expect(await run('switch')).toMatchObject({ databaseBefore: `todo_before_${uid.slice(0, 8)}` })
    expect(await checksum()).toBe(atCut)
    expect((await redis.send('GET', stateKey))?.toString()).toBe('as at the cut')
    expect(await redis.send('EXISTS', 'app.todo-chat-api||later')).toBe(0)
    expect(await redis.send('EXISTS', 'other.todo-chat-api||own')).toBe(1)
  })

  test('lets the consumers go on with what they lacked at the cut, and with nothing that came later', async () => {
    const met = await audit()
    expect(met).toHaveLength(unconsumed())
    expect(await run('validate')).not.toHaveProperty('violations')
    await publish(await system.create(user, { title: 'new' }), 1)
    expect(await audit()).toHaveLength(1)
  })

  test('keeps the database of before until it is let go', async () => {
    expect(await databases()).toEqual(['todo', `todo_before_${uid.slice(0, 8)}`])
    await run('cleanup')
    expect(await databases()).toEqual(['todo'])
    const left = (await admin.listGroups()).groups.map(({ groupId }) => groupId)
    expect(left.filter((name) => name.includes(uid.slice(0, 8)))).toEqual([])
    expect(await redis.send('KEYS', `*${uid.slice(0, 8)}*`)).toEqual([])
  })
})

test('a restore that is undone after its switch leaves everything as it was', async () => {
  const before = await checksum()
  const at = await committedOffsets(admin, group('audit'), topic)
  await redis.send('SET', stateKey, 'as before', 'PX', '3600000')
  await redis.send('SET', 'app.todo-chat-api||later', 'x')
  const keys = async () => ((await redis.send('KEYS', '*')) as Buffer[]).map(String).toSorted()
  const keysBefore = await keys()
  const { run } = restore()
  for (const step of ['database', 'topics', 'switch', 'switch'] as const) await run(step)
  expect(await checksum()).toBe(atCut)
  expect((await redis.send('GET', stateKey))?.toString()).toBe('as at the cut')
  expect(await redis.send('EXISTS', 'app.todo-chat-api||later')).toBe(0)
  await run('undo')
  await run('undo')
  expect(await checksum()).toBe(before)
  expect(await keys()).toEqual(keysBefore)
  expect((await redis.send('GET', stateKey))?.toString()).toBe('as before')
  expect(Number(await redis.send('PTTL', stateKey))).toBeGreaterThan(0)
  expect(await committedOffsets(admin, group('audit'), topic)).toEqual(at)
  expect(await databases()).toEqual(['todo'])
})

test('everything destroyed, database and topics: restored, and the consumers go on exactly after the cut', async () => {
  await system.admin('DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO todo_owner')
  await admin.deleteTopics({ topics: [topic] })
  while ((await admin.listTopics()).includes(topic));
  await admin.deleteGroups(groups.map(({ group: name }) => name))
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })
  const { run } = restore('NewSystem')
  for (const step of ['check', 'database', 'topics', 'switch'] as const) await run(step)
  expect(await checksum()).toBe(atCut)
  expect(await audit()).toHaveLength(unconsumed())
  expect(await run('validate')).not.toHaveProperty('violations')
  await run('cleanup')
})

test('NewSystem refuses a system that somebody uses', async () =>
  expect(restore('NewSystem').run('check')).rejects.toThrow('NotEmpty'))

test('a drill proves the backup, touches nothing and leaves nothing', async () => {
  const before = await checksum()
  const { run } = restore('Drill')
  for (const step of ['check', 'database', 'topics'] as const) await run(step)
  expect(await run('validate')).not.toHaveProperty('violations')
  await run('cleanup')
  expect(await checksum()).toBe(before)
  expect(await databases()).toEqual(['todo'])
  expect((await admin.listTopics()).filter((name) => name.startsWith('restore-drill'))).toEqual([])
})

test('a bit that flipped in any file, and a file that was cut off, are found before anything is touched', async () => {
  for (const file of ['manifest.json', ...manifest.parts.map(({ path }) => path)]) {
    const path = join(directory, 'backups', folder, file)
    const good = await readFile(path)
    const bad = Buffer.from(good)
    bad[Math.floor(bad.length / 2)]! ^= 1
    await writeFile(path, bad)
    await expect(restore().run('check'), file).rejects.toThrow(/PartCorrupt|SignatureWrong|ManifestInvalid/)
    await writeFile(path, good.subarray(0, good.length - 1))
    await expect(restore().run('check'), file).rejects.toThrow(/PartCorrupt|SignatureWrong|ManifestInvalid/)
    await writeFile(path, good)
  }
  expect(await databases()).toEqual(['todo'])
})

test('a role that may not create databases is named before anything is touched', async () => {
  await system.admin('ALTER ROLE todo_owner NOCREATEDB')
  await expect(restore().run('check')).rejects.toThrow('ALTER ROLE <owner> CREATEDB')
  await system.admin('ALTER ROLE todo_owner CREATEDB')
})
