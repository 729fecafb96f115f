/** A backup of real servers while tasks are being changed: the cut is one, and what lies there is enough to restore from by hand. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import kafkajs, { type KafkaMessage } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, startRedis } from '../../hack/cluster/index.ts'
import type { KafkaServer, RedisServer } from '../../hack/cluster/index.ts'
import { kafkaJars } from '../../hack/cluster/kafka-jars.ts'
import { makeBackup } from '../jobs/backup/backup.ts'
import { backupJobConfigSchema } from '../jobs/backup/config.ts'
import type { BackupJobReport } from '../jobs/backup/config.ts'
import { serveProgress } from '../jobs/backup/progress.ts'
import { openBackup } from '../lib/backup/catalogue.ts'
import { openDestination } from '../lib/backup/destination.ts'
import type { Manifest } from '../lib/backup/manifest.ts'
import { readPart } from '../lib/backup/part.ts'
import { decodeRecords, decodeState } from '../lib/backup/records.ts'
import { readAll } from '../lib/backup/streams.ts'
import { connectRedis } from '../lib/redis/client.ts'
import { openDatabase, startMigratedDatabase, testLogger as logger } from './support/migrated-database.ts'
import type { MigratedDatabase } from './support/migrated-database.ts'

const { signal } = new AbortController()
const topic = 'todo.task-events'
let postgres: MigratedDatabase
let kafka: KafkaServer
let redis: RedisServer
let folder: string
let publicKey: string
let identity: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backup-'))
  ;[postgres, kafka, redis] = await Promise.all([startMigratedDatabase(), startKafka(), startRedis()])
  const keys = generateKeyPairSync('ed25519')
  publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  identity = await generateX25519Identity()
  await mkdir(join(folder, 'secrets/jwt'), { recursive: true })
  await mkdir(join(folder, 'backups'))
  const secrets = {
    private: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    owner: postgres.server.ownerUrl,
    redis: redis.password,
    recipients: await identityToRecipient(identity),
    'jwt/key': 'a key of tokens',
  }
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(folder, 'secrets', name), `${value}\n`)
  const client = new kafkajs.Kafka({ brokers: [kafka.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  const topics = [topic, 'by-hand'].map((name) => ({ topic: name, numPartitions: 2 }))
  await admin.createTopics({ topics, waitForLeaders: true })
  await admin.disconnect()
  const state = await connectRedis({ address: redis.address, password: redis.password, signal })
  for (let at = 0; at < 300; at += 1)
    await state.send('HSET', `team.chat||${at}`, 'data', Buffer.from([0, 255, at % 256]))
  await state.send('PEXPIRE', 'team.chat||0', '3600000')
  await state.send('SET', 'other||1', 'of somebody else')
  state.close()
})
afterAll(async () => {
  await Promise.all([postgres.stop(), kafka.stop(), redis.stop()])
  await rm(folder, { recursive: true, force: true })
})

const configOf = (name: string, more: object = {}, mode: 'Full' | 'Incremental' = 'Full') => {
  const config = backupJobConfigSchema.parse({
    mode: 'Backup',
    service: 'todo-backup',
    system: 'todo',
    version: '0.1.0',
    namespace: 'team',
    deadline: 60_000,
    destination: { volume: { folder: join(folder, 'backups') } },
    backup: { name, uid: randomUUID(), requestedAt: new Date().toISOString() },
    signing: { privateKey: 'private' },
    database: { ownerUri: 'owner' },
    kafka: { brokers: [kafka.brokers], mode, topics: [{ alias: 'taskEvents', topic }], groups: [] },
    stateStore: { address: redis.address, password: 'redis', keyPrefixes: ['team.chat||'] },
    resource: { kind: 'TodoChatbot' },
    ...more,
  })
  if (config.mode !== 'Backup') throw new Error('another mode')
  return config
}
const backUp = async (config: ReturnType<typeof configOf>) => {
  const destination = await openDestination(config.destination)
  const progress = await serveProgress(0, logger)
  const report = await makeBackup({
    config,
    secretsDirectory: join(folder, 'secrets'),
    destination,
    progress,
    logger,
    signal,
  }).finally(() => progress.close())
  if (report.result !== 'Backup') throw new Error('no backup')
  const { manifest } = await openBackup(destination, report.path, { publicKey, signal })
  return { report, manifest, destination }
}
type Made = Awaited<ReturnType<typeof backUp>>

const eventsOf = async ({ report, manifest, destination }: Made): Promise<string[]> => {
  const ids: string[] = []
  for (const part of manifest.parts.filter(({ kind }) => kind === 'Records'))
    for await (const { key } of decodeRecords(
      readPart({ destination, folder: report.path, part, identities: [identity], signal }),
    ))
      ids.push(key?.toString() ?? '')
  return ids
}

/** Inserts and relays like a worker: the row and its outbox row in one transaction, published before the outbox row is deleted. */
const startLoad = async () => {
  const client = new kafkajs.Kafka({ brokers: [kafka.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const producer = client.producer()
  await producer.connect()
  let running = true
  let changes = 0
  const write = async (): Promise<void> => {
    while (running) {
      const id = randomUUID()
      await postgres.database.transaction(async (tx) => {
        await tx.query('INSERT INTO inbox (consumer, event_id) VALUES ($1, $2)', ['change', id])
        await tx.query(
          `INSERT INTO outbox (event_id, shard, topic, key, type, payload, producer) VALUES ($1, 0, 'taskEvents', 'k', 't', '{}', 'p')`,
          [id],
        )
      })
      changes += 1
    }
  }
  const relay = async (): Promise<void> => {
    for (;;) {
      const { rows } = await postgres.database.query<{ id: number; event_id: string }>(
        'SELECT id, event_id FROM outbox ORDER BY id LIMIT 50',
      )
      if (rows.length === 0 && !running) return
      if (rows.length === 0) continue
      await producer.send({
        topic,
        messages: rows.map(({ event_id: key }) => ({ key, value: '{}', headers: { ce: ['a', 'b'] } })),
      })
      await postgres.database.query('DELETE FROM outbox WHERE id = ANY($1)', [rows.map(({ id }) => id)])
    }
  }
  const work = Promise.all([write(), write(), relay()])
  return {
    changes: () => changes,
    stop: async () => {
      running = false
      await work
      await producer.disconnect()
    },
  }
}

const restored = async (made: Made, name: string): Promise<{ changes: string[]; waiting: string[] }> => {
  const part = made.manifest.parts.find(({ kind }) => kind === 'Database')
  if (part === undefined) throw new Error('no dump')
  const dump = join(folder, `${name}.dump`)
  await writeFile(
    dump,
    readPart({ destination: made.destination, folder: made.report.path, part, identities: [identity], signal }),
  )
  const { ownerUrl } = await postgres.server.createDatabase(name)
  await promisify(execFile)('pg_restore', [
    '--no-owner',
    '--no-privileges',
    '--no-comments',
    `--dbname=${ownerUrl}`,
    dump,
  ])
  const database = openDatabase(ownerUrl)
  const changes = await database.query<{ id: string }>(`SELECT event_id AS id FROM inbox WHERE consumer = 'change'`)
  const waiting = await database.query<{ id: string }>('SELECT event_id AS id FROM outbox')
  await database.close()
  return { changes: changes.rows.map(({ id }) => id), waiting: waiting.rows.map(({ id }) => id) }
}

test('a backup under load is one cut; one on top of it holds only what came since; nothing is lost in either', async () => {
  const load = await startLoad()
  try {
    await expect.poll(load.changes, { timeout: 20_000 }).toBeGreaterThan(100)
    const full = await backUp(configOf('full'))
    const before = load.changes()
    await expect.poll(load.changes, { timeout: 20_000 }).toBeGreaterThan(before + 50)
    const next = await backUp(configOf('next', {}, 'Incremental'))
    const fullEvents = await eventsOf(full)
    const nextEvents = await eventsOf(next)
    expect(next.report.phase).toBe('Succeeded')
    expect(next.report).toMatchObject({ base: full.report.path })
    expect(nextEvents.length).toBeGreaterThan(0)
    expect(without(nextEvents, fullEvents)).toEqual(nextEvents)
    for (const [name, made, events] of [
      ['full', full, fullEvents],
      ['next', next, [...fullEvents, ...nextEvents]],
    ] as const) {
      const { changes, waiting } = await restored(made, `restored_${name}`)
      expect(without(events, changes), 'events without their change').toEqual([])
      expect(without(changes, [...events, ...waiting]), 'changes without their event').toEqual([])
      expect(made.manifest.counts.tables['inbox']).toBe(changes.length)
    }
  } finally {
    await load.stop()
  }
})

test('an encrypted backup shows nothing without its key, and holds state, secrets and records with it', async () => {
  const made = await backUp(configOf('secret', { encryption: { recipients: 'recipients' }, secrets: ['jwt'] }))
  const partOf = (kind: Manifest['parts'][number]['kind']) => {
    const part = made.manifest.parts.find((one) => one.kind === kind)
    if (part === undefined) throw new Error(`no ${kind}`)
    return readPart({ destination: made.destination, folder: made.report.path, part, identities: [identity], signal })
  }
  const keys: string[] = []
  for await (const { key, ttl } of decodeState(partOf('State'))) {
    keys.push(key.toString())
    if (key.toString() === 'team.chat||0') expect(ttl).toBeGreaterThan(0)
  }
  expect(new Set(keys).size).toBe(300)
  const secrets = await readAll(partOf('Secrets'), 10_000)
  expect(JSON.parse(secrets.toString())).toEqual({ jwt: { key: Buffer.from('a key of tokens\n').toString('base64') } })
  expect((await eventsOf(made)).length).toBe(made.manifest.counts.records)
  for (const { path } of made.manifest.parts)
    expect((await readFile(join(folder, 'backups', made.report.path, path))).subarray(0, 21).toString()).toBe(
      'age-encryption.org/v1',
    )
})

test('a backup is restored by hand, with nothing but tools of others', async () => {
  const made = await backUp(configOf('by-hand', { encryption: { recipients: 'recipients' } }))
  const path = join(folder, 'backups', made.report.path)
  const keyFile = join(folder, 'identity.txt')
  await Promise.all([writeFile(keyFile, identity), writeFile(join(folder, 'public.pem'), publicKey)])
  const script = fileURLToPath(new URL('../../hack/restore-by-hand', import.meta.url))
  const env = { ...process.env, AGE_IDENTITY: keyFile, REDISCLI_AUTH: redis.password }
  const byHand = async (command: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(script, [command, path, ...args], { env })).stdout

  await byHand('verify', join(folder, 'public.pem'))
  const { ownerUrl } = await postgres.server.createDatabase('by_hand')
  await byHand('database', ownerUrl)
  const database = openDatabase(ownerUrl)
  const { rows } = await database.query<{ rows: number }>('SELECT count(*)::int AS rows FROM inbox')
  await database.close()
  expect(rows[0]?.rows).toBe(made.manifest.counts.tables['inbox'])

  const lines = (await Promise.all(['0', '1'].map((partition) => byHand('records', 'taskEvents', partition))))
    .flatMap((text) => text.split('\n'))
    .filter((line) => line !== '')
  const ids = (await eventsOf(made)).toSorted()
  expect(lines.map((line) => line.split('\t')[1]).toSorted()).toEqual(ids)
  await produceLines('by-hand', lines)
  const sent = await consumed('by-hand', ids.length)
  expect(sent.map(({ key }) => key?.toString()).toSorted()).toEqual(ids)
  for (const { value, headers } of sent)
    expect([value?.toString(), headers]).toEqual(['{}', { ce: [Buffer.from('a'), Buffer.from('b')] }])

  const [host = '', port = ''] = redis.address.split(':')
  const store = await connectRedis({ address: redis.address, password: redis.password, signal })
  const before = await store.send('HGET', 'team.chat||7', 'data')
  await store.send('DEL', 'team.chat||7')
  await byHand('state', host, port)
  expect(await store.send('HGET', 'team.chat||7', 'data')).toEqual(before)
  expect(Number(await store.send('PTTL', 'team.chat||0'))).toBeGreaterThan(0)
  store.close()

  await writeFile(join(path, 'database.dump.age'), 'something else')
  await expect(byHand('verify')).rejects.toThrow('database.dump.age')
})

test('without the state store the backup is partial and says why', async () => {
  const { report } = await backUp(configOf('partial', { stateStore: { address: '127.0.0.1:1', keyPrefixes: ['x'] } }))
  expect(report satisfies BackupJobReport).toMatchObject({
    phase: 'PartiallySucceeded',
    missing: [{ what: 'the state store', why: expect.stringContaining('ECONNREFUSED') }],
  })
})

/** What docs/backup-format.md says about the lines that `records` prints. */
async function produceLines(to: string, lines: readonly string[]): Promise<void> {
  const properties = ['parse.headers=true', 'parse.key=true', 'null.marker=NULL', 'headers.separator=\x1e']
  const tool = promisify(execFile)('java', [
    ...['-XX:TieredStopAtLevel=1', '-cp', `${await kafkaJars()}/*`, 'org.apache.kafka.tools.ConsoleProducer'],
    ...['--bootstrap-server', kafka.brokers, '--topic', to],
    ...properties.flatMap((property) => ['--property', property]),
  ])
  tool.child.stdin?.end(lines.map((line) => `${line}\n`).join(''))
  await tool
}

async function consumed(from: string, count: number): Promise<KafkaMessage[]> {
  const client = new kafkajs.Kafka({ brokers: [kafka.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const consumer = client.consumer({ groupId: randomUUID() })
  const messages: KafkaMessage[] = []
  await consumer.connect()
  await consumer.subscribe({ topic: from, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message }) => {
      messages.push(message)
      return Promise.resolve()
    },
  })
  await expect.poll(() => messages.length, { timeout: 30_000 }).toBe(count)
  await consumer.disconnect()
  return messages
}

/** Those of `some` that are not in `others`. */
function without(some: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others)
  return some.filter((id) => !known.has(id))
}
