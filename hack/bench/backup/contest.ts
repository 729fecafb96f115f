/** One size of data, backed up and restored by our Jobs and by the bare tools, one after the other on the same servers. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import kafkajs from 'kafkajs'
import type { Kafka } from 'kafkajs'
import { migrateDatabase, openDatabase } from '../../../workers/test/support/migrated-database.ts'
import type { KafkaServer, PostgresServer } from '../../cluster/index.ts'
import { imageEnvironment } from '../image-environment.ts'
import { fillDatabase, fillTopic } from './fill.ts'
import { copyTopic, pgDump, pgRestore } from './floors.ts'
import type { JobFigures } from './job.ts'

const run = promisify(execFile)

/** Of both, the floor and ours: the default of spec.backup.compressionLevel. */
const compression = 1
const megabyte = 1024 * 1024
/** What an incremental backup finds new, as a share of the topic. */
const grown = 0.05

/** Figures of one size. Times in ms, sizes in bytes. */
export interface Round {
  readonly megabytes: number
  readonly floor: { readonly dump: number; readonly read: number; readonly restore: number; readonly write: number }
  readonly backup: { readonly took: number; readonly peak: number; readonly bytes: number }
  readonly incremental: { readonly took: number; readonly bytes: number; readonly full: number }
  /** By step; `check` reads every part once and has no counterpart among the tools. */
  readonly restore: RestoreFigures | undefined
}

/** A restore, by step. */
export interface RestoreFigures {
  readonly check: number
  readonly database: number
  readonly topics: number
  readonly peak: number
}

/** The servers of a run. */
export interface Servers {
  readonly postgres: PostgresServer
  readonly kafka: KafkaServer
  /** Holds everything that is written; removed by the caller. */
  readonly folder: string
}

/** Fills a database and a topic of a `round` with half of the data each, then measures. @param restoring whether backups are restored as well */
export async function contest(
  servers: Servers,
  { round, megabytes, restoring }: { readonly round: number; readonly megabytes: number; readonly restoring: boolean },
): Promise<Round> {
  const folder = await mkdtemp(join(servers.folder, `${megabytes}-`))
  const kafka = new kafkajs.Kafka({ brokers: [servers.kafka.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const names = { full: `full${round}`, floor: `floor${round}`, restored: `restored${round}` }
  const full = await servers.postgres.createDatabase(names.full)
  const restored = await servers.postgres.createDatabase(names.restored)
  await makeTopics(kafka, Object.values(names))
  await fill(full.ownerUrl, kafka, names.full, megabytes * megabyte)

  const [dump, copy] = [join(folder, 'floor.dump'), join(folder, 'floor.ndjson')]
  const floor = {
    dump: (await pgDump(full.ownerUrl, dump, compression)).took,
    read: (await copyTopic('read', servers.kafka.brokers, names.full, copy)).took,
    restore: restoring ? (await pgRestore(full.ownerUrl, names.floor, dump)).took : 0,
    write: restoring ? (await copyTopic('write', servers.kafka.brokers, names.floor, copy)).took : 0,
  }
  await Promise.all([rm(dump), rm(copy)])

  const job = await createJobs(servers, folder)
  const backup = await job.backup(full.ownerUrl, names.full, 'Full')
  const restore = restoring ? await job.restore(restored, names.restored, backup.path) : undefined
  await fillTopic(kafka, names.full, (megabytes * megabyte * grown) / 2)
  const incremental = await job.backup(full.ownerUrl, names.full, 'Incremental')
  await rm(folder, { recursive: true })
  return { megabytes, floor, backup, incremental: { ...incremental, full: backup.bytes }, restore }
}

async function makeTopics(kafka: Kafka, names: readonly string[]): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: names.map((topic) => ({ topic, numPartitions: 4 })), waitForLeaders: true })
  // A broker makes the topic of its groups when it is asked for the first one: no contestant is to wait for that.
  await admin.describeGroups([...names])
  await admin.disconnect()
}

async function fill(ownerUrl: string, kafka: Kafka, topic: string, bytes: number): Promise<void> {
  await migrateDatabase(ownerUrl)
  const database = openDatabase(ownerUrl, 600_000)
  await fillDatabase(database, bytes / 2)
  await database.close()
  await fillTopic(kafka, topic, bytes / 2)
}

/** Starts our Jobs as processes, with configurations and Secrets as files. */
async function createJobs({ kafka }: Servers, folder: string) {
  const secrets = join(folder, 'secrets')
  await mkdir(secrets)
  await mkdir(join(folder, 'backups'))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const secret = (name: string, text: string): Promise<void> => writeFile(join(secrets, name), text, { mode: 0o600 })
  await secret('private.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  await secret('public.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString())
  const shared = { system: 'bench', namespace: 'bench', version: '0.1.0' }
  const destination = { volume: { folder: join(folder, 'backups') } }

  const start = async (what: string, config: object): Promise<JobFigures> => {
    const configFolder = await mkdtemp(join(folder, 'config-'))
    await writeFile(join(configFolder, 'config.json'), JSON.stringify(config))
    const { NODE_OPTIONS } = await imageEnvironment('backup')
    const args = [join(import.meta.dirname, 'job.ts'), what, configFolder, secrets]
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, NODE_OPTIONS } })
    return JSON.parse(stdout) as JobFigures
  }
  return {
    backup: async (ownerUrl: string, topic: string, mode: 'Full' | 'Incremental') => {
      await secret('owner', ownerUrl)
      const { took, peak, path, bytes } = await start('backup', {
        ...shared,
        ...{ mode: 'Backup', service: 'backup', deadline: 3_600_000, destination, resource: {} },
        backup: { name: mode.toLowerCase(), uid: randomUUID(), requestedAt: new Date().toISOString() },
        signing: { privateKey: 'private.pem' },
        database: { ownerUri: 'owner' },
        kafka: { brokers: [kafka.brokers], mode, topics: [{ alias: 'taskEvents', topic }], groups: [] },
        compressionLevel: compression,
      })
      if (path === undefined || bytes === undefined) throw new Error('the backup says not where it is')
      return { took, peak, path, bytes }
    },
    restore: async (target: { url: string; ownerUrl: string }, topic: string, path: string) => {
      await Promise.all([secret('owner', target.ownerUrl), secret('uri', target.url)])
      const config = {
        ...shared,
        service: 'restore',
        restore: { name: 'r', uid: randomUUID(), mode: 'NewSystem' },
        source: { destination, path },
        publicKeyFile: 'public.pem',
        database: { ownerUriFile: 'owner', uriFile: 'uri' },
        kafka: {
          brokers: [kafka.brokers],
          topics: [{ alias: 'taskEvents', topic }],
          groups: [{ group: `${topic}.audit`, service: 'audit', aliases: ['taskEvents'] }],
        },
      }
      const check = await start('check', config)
      const database = await start('database', config)
      const topics = await start('topics', config)
      const peak = Math.max(check.peak, database.peak, topics.peak)
      return { check: check.took, database: database.took, topics: topics.took, peak }
    },
  }
}
