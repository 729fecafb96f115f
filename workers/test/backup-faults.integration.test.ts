import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, startS3, type KafkaServer, type S3Server } from '../../hack/cluster/index.ts'
import { refusedExitCode, restoreJobSteps, type RestoreJobStep } from '../jobs/restore/config.ts'
import { committedOffsets } from '../lib/kafka/group-offsets.ts'
import { recordOf } from '../lib/audit-trail/entry.ts'
import { appendRecords, readHead } from '../lib/audit-trail/store.ts'
import { openBackup, readCatalogue } from '../lib/backup/catalogue.ts'
import { openDestination } from '../lib/backup/destination.ts'
import { verifyPart } from '../lib/backup/part.ts'
import { openKafka } from '../lib/kafka/client.ts'
import { signingKeys, postgresPrograms } from './support/hand-made-backup.ts'
import { startJobProcess, type JobEnd, type JobOptions } from './support/job-process.ts'
import { checksumOf, openDatabase } from './support/migrated-database.ts'
import { startTaskSystem, type TaskEvent, type TaskSystem } from './support/task-system.ts'

/**
 * Backup and Restore while what they need is killed: their own pod, PostgreSQL, Kafka, the bucket. Each Job runs as a process; half way through it,
 * by the time that an undisturbed backup took, its victim is killed and, if it is a server, started again. Like the Job's controller the test starts
 * pods until one succeeds. By default each step meets one victim; CRASH_POINTS=all has every step meet every victim.
 */
const topic = 'faults.task-events'
const topics = [{ alias: 'taskEvents', topic }]
const group = 'app.todo-audit'
const groups = [{ group, service: 'audit', aliases: ['taskEvents'] }]
const { privateKey, publicKey } = signingKeys()
const { signal } = new AbortController()
const victims = ['pod', 'postgresql', 'kafka', 'bucket'] as const
type Victim = (typeof victims)[number]
const rounds = process.env['CRASH_POINTS'] === 'all' ? victims.length : 1
/** Pods of one Job, as desired/restore-job.ts has them: the first and six more. */
const pods = 7

let system: TaskSystem
let broker: KafkaServer
let bucket: S3Server
let kafka: Kafka
let admin: Admin
let directory: string
let searchPath: string
let user: string
/** Of the trail, which the restores go on to. */
let until: number
let expected: string
let backupPath: string

const destination = () => ({
  s3: {
    ...{ region: 'us-east-1', pathStyle: true },
    ...{ endpoint: bucket.endpoint, bucket: 'backups' },
    ...{ accessKeyIdFile: join(directory, 'accessKeyId'), secretAccessKeyFile: join(directory, 'secretAccessKey') },
  },
})
const common = { system: 'todo', namespace: 'app', version: '0.1.0', logLevel: 'error' }

/** Commits changes, publishes and audits them. */
const change = async (count: number): Promise<void> => {
  const events: TaskEvent[] = []
  for (let index = 0; index < count; index += 1) events.push(await system.create(user, { title: `task ${index}` }))
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({
    topic,
    messages: events.map((event, index) => ({ key: user, value: JSON.stringify(event), partition: index % 2 })),
  })
  await producer.disconnect()
  const database = openDatabase(system.postgres.url)
  await database.query('DELETE FROM outbox')
  await appendRecords(
    database,
    events.map((event) => recordOf({ event, position: { topic } })),
    () => new Date(),
  )
  await database.close()
}
const checksum = (): Promise<string> =>
  checksumOf(system.postgres.url, ['tasks', 'audit_entries', 'users', 'notifications'])

const kill: Record<Exclude<Victim, 'pod'>, () => Promise<void>> = {
  postgresql: async () => {
    await system.postgres.kill()
    await system.postgres.restart()
  },
  kafka: async () => {
    await broker.kill()
    await broker.restart()
  },
  bucket: async () => {
    await bucket.kill()
    await bucket.restart()
  },
}

/** Runs a Job until a pod succeeds, and has it meet its victim `after` ms. Returns the end of each pod. */
const runJob = async (
  options: JobOptions,
  hit?: { readonly victim: Victim; readonly after: number },
): Promise<JobEnd[]> => {
  const ends: JobEnd[] = []
  while (ends.length < pods) {
    const pod = await startJobProcess(options)
    if (hit !== undefined && ends.length === 0) {
      await Promise.race([sleep(hit.after), pod.ended])
      if (hit.victim === 'pod') pod.kill()
      else await kill[hit.victim]()
    }
    const end = await pod.ended
    ends.push(end)
    if (end.code === 0 || end.code === refusedExitCode) break
  }
  return ends
}
const backupJob = (name: string, uid: string = randomUUID()): JobOptions => ({
  job: 'backup',
  args: [],
  config: {
    ...common,
    ...{ mode: 'Backup', service: 'todo-backup', deadline: 120_000, destination: destination() },
    backup: { name, uid, requestedAt: new Date().toISOString() },
    signing: { privateKey: 'private.pem' },
    database: { ownerUri: 'ownerUri' },
    kafka: {
      brokers: [broker.brokers],
      mode: 'Full',
      topics,
      groups: [{ group, service: 'audit', aliases: ['taskEvents'] }],
    },
    resource: { kind: 'TodoChatbot' },
  },
  ...{ secretsDirectory: directory, folder: join(directory, name), searchPath },
})

beforeAll(async () => {
  ;[system, broker, bucket] = await Promise.all([startTaskSystem(), startKafka(), startS3()])
  searchPath = `${await postgresPrograms()}:${process.env['PATH'] ?? ''}`
  directory = await mkdtemp(join(tmpdir(), 'backup-faults-'))
  const secrets = {
    ...{ ownerUri: system.postgres.ownerUrl, uri: system.postgres.url },
    ...{ 'private.pem': privateKey, 'public.pem': publicKey },
    ...{ accessKeyId: bucket.accessKeyId, secretAccessKey: bucket.secretAccessKey },
  }
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(directory, name), value)
  kafka = await openKafka({ brokers: [broker.brokers] }, { clientId: 'test', secretsDirectory: directory })
  admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true })
  user = await system.addUser()
  // Something to dump and to read for a while.
  await system.admin(
    `INSERT INTO notifications (id, reminder_id, task_id, user_id, channel, title, body, scheduled_for, fired_at, late)
     SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '${user}', 'in-app', 'n', md5(n::text), now(), '2020-01-01', false
     FROM generate_series(1, 20000) n`,
  )
  await change(300)
}, 120_000)
afterAll(async () => {
  await admin.disconnect()
  await Promise.all([system.stop(), broker.stop(), bucket.stop()])
  await rm(directory, { recursive: true })
})

/** How long a pod takes that nothing disturbs, ms; those of backups and of the steps of a restore take about the same. */
let undisturbed: number

describe('a backup', () => {
  test('is made in one go while nothing happens', async () => {
    const [end] = await runJob(backupJob('calm'))
    expect(end, end?.lastWords).toMatchObject({ code: 0 })
    undisturbed = end?.took ?? 0
  })

  test.each(victims)(
    'is whole in the end although its %s is killed half way, and nothing else is left of it',
    async (victim) => {
      const uid = randomUUID()
      const ends = await runJob(backupJob(`without-${victim}`, uid), { victim, after: undisturbed * 0.6 })
      expect(ends.at(-1), ends.map(({ lastWords }) => lastWords).join('\n')).toMatchObject({ code: 0 })
      const report = JSON.parse(ends.at(-1)?.lastWords ?? '') as { path: string; phase: string }
      expect(report.phase).toBe('Succeeded')
      const place = await openDestination(destination())
      const { manifest } = await openBackup(place, report.path, { publicKey, signal })
      for (const part of manifest.parts)
        await verifyPart({
          destination: place,
          folder: report.path,
          part,
          signal,
        })
      expect(manifest.counts).toMatchObject({ records: 300, tables: { tasks: 300, audit_entries: 300 } })
      const { backups } = await readCatalogue(place, { namespace: 'app', system: 'todo' }, signal)
      expect(backups.filter(({ manifest: { backup } }) => backup.uid === uid)).toHaveLength(1)
      backupPath = report.path
      place.close()
    },
  )
})

describe('a restore up to an entry of the trail', () => {
  const steps = restoreJobSteps.filter((step) => step !== 'undo' && step !== 'cleanup')
  const restoreJob = (uid: string, step: RestoreJobStep): JobOptions => ({
    job: 'restore',
    args: [step],
    config: {
      ...common,
      service: 'todo-restore',
      restore: { name: 'r', uid, mode: 'InPlace', until: { auditSequence: until } },
      source: { destination: destination(), path: backupPath },
      publicKeyFile: 'public.pem',
      database: { ownerUriFile: 'ownerUri', uriFile: 'uri' },
      kafka: { brokers: [broker.brokers], topics, groups },
    },
    ...{ secretsDirectory: directory, folder: join(directory, `${step}-${uid.slice(0, 8)}`), searchPath },
  })
  beforeAll(async () => {
    await change(200)
    until = (await readHead(system.database)).seq
    expected = await checksum()
  })

  test.each(Array.from({ length: rounds }, (_, round) => round))(
    'gives the same in the end whichever step loses its pod, PostgreSQL, Kafka or the bucket half way (round %i)',
    async (round) => {
      await change(20)
      expect(await checksum()).not.toBe(expected)
      const uid = randomUUID()
      for (const [index, step] of steps.entries()) {
        const victim = victims[(index + round) % victims.length] ?? 'pod'
        const ends = await runJob(restoreJob(uid, step), { victim, after: undisturbed * 0.5 })
        expect(ends.at(-1), ends.map(({ lastWords }) => lastWords).join('\n')).toMatchObject({ code: 0 })
      }
      expect(await checksum()).toBe(expected)
      // Audit had consumed nothing at the cut: what was there then lies before it again, each record once.
      const at = await committedOffsets(admin, group, topic)
      const ends = await admin.fetchTopicOffsets(topic)
      const left = ends.reduce(
        (sum, { partition, high }) => sum + Number(high) - (at.get(partition) ?? Number(high)),
        0,
      )
      expect(left).toBe(300)
    },
  )
})
