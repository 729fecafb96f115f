/** Everything the steps of a restore share: opened from the configuration, closed at the end. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { openDestination } from '../../lib/backup/destination.ts'
import { keyLines } from '../../lib/backup/encryption.ts'
import { createThrottle, systemClock, unthrottled } from '../../lib/backup/throttle.ts'
import { openKafka } from '../../lib/kafka/client.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Database } from '../../lib/postgres.ts'
import { readSecretFile } from '../../lib/secret-file.ts'
import { openSource, type BackupSource } from './backup-source.ts'
import type { RestoreConfig } from './config.ts'
import { workerGroups, type WorkerGroup } from './groups.ts'
import { databaseNames, openMaintenance, roleOf, type DatabaseNames } from './databases.ts'

/** What a step is given. */
export interface Workplace {
  readonly config: RestoreConfig
  readonly logger: Logger
  readonly signal: AbortSignal
  /** PATH of the process. */
  readonly searchPath: string
  readonly ownerUri: string
  readonly appRole: string
  readonly names: DatabaseNames
  readonly groups: readonly WorkerGroup[]
  readonly maintenance: () => Promise<Database>
  readonly source: () => Promise<BackupSource>
  readonly kafka: () => Promise<{ readonly kafka: Kafka; readonly admin: Admin }>
  readonly producer: () => Promise<Producer>
  readonly secret: (path: string) => Promise<string>
  readonly pause: (ms: number) => Promise<void>
  /** Bytes read from the destination so far, how many the step will read (0: none), and what it is doing. */
  readonly progress: { bytes: number; total: number; part: string }
  readonly close: () => Promise<void>
}

/** Opens nothing yet: each step opens what it uses, once, several at a time where it likes. */
export const openWorkplace = async (
  config: RestoreConfig,
  {
    logger,
    signal,
    secretsDirectory,
    searchPath,
  }: {
    readonly logger: Logger
    readonly signal: AbortSignal
    readonly secretsDirectory: string
    readonly searchPath: string
  },
): Promise<Workplace> => {
  const secret = (path: string): Promise<string> => readSecretFile(secretsDirectory, path)
  const openings: Promise<unknown>[] = []
  const closers: (() => Promise<unknown>)[] = []
  const once = <T>(open: () => Promise<T>): (() => Promise<T>) => {
    let opened: Promise<T> | undefined
    return () => {
      if (opened === undefined) openings.push((opened = open()))
      return opened
    }
  }
  const ownerUri = await secret(config.database.ownerUriFile)
  const progress = { bytes: 0, total: 0, part: '' }
  const service = config.service
  const kafka = once(async () => {
    const client = await openKafka(config.kafka, { clientId: service, secretsDirectory })
    const admin = client.admin()
    await admin.connect()
    closers.push(() => admin.disconnect())
    return { kafka: client, admin }
  })
  return {
    config,
    logger,
    signal,
    searchPath,
    ownerUri,
    appRole: roleOf(await secret(config.database.uriFile)),
    names: databaseNames(ownerUri, config.restore.uid),
    groups: workerGroups(config.kafka),
    maintenance: once(async () => {
      const database = await openMaintenance(ownerUri, { service, logger })
      closers.push(() => database.close())
      return database
    }),
    source: once(async () => {
      const destination = await openDestination(config.source.destination)
      closers.push(() => {
        destination.close()
        return Promise.resolve()
      })
      const source = await openSource({
        destination,
        path: config.source.path,
        publicKey: config.publicKeyFile === undefined ? undefined : await secret(config.publicKeyFile),
        identities: config.identityFile === undefined ? undefined : keyLines(await secret(config.identityFile)),
        throttle: config.throttle === undefined ? unthrottled : createThrottle(config.throttle, systemClock),
        signal,
        onBytes: (bytes) => {
          progress.bytes += bytes
        },
      })
      return source
    }),
    kafka,
    producer: once(async () => {
      // One of each partition that is being appended to; who appends waits for each answer, which keeps the order.
      const producer = (await kafka()).kafka.producer({ maxInFlightRequests: 2 })
      await producer.connect()
      closers.push(() => producer.disconnect())
      return producer
    }),
    secret,
    pause: (ms) => sleep(ms, undefined, { signal }),
    progress,
    close: async () => {
      // What is still being opened beside something that failed would stay open.
      await Promise.allSettled(openings)
      for (const close of closers.reverse()) await close().catch(() => undefined)
    },
  }
}
