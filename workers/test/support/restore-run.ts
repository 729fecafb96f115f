import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { restoreConfigSchema } from '../../jobs/restore/config.ts'
import type { RestoreJobStep, RestoreReport, RestoreUntil } from '../../jobs/restore/config.ts'
import { runStep } from '../../jobs/restore/steps.ts'
import { openWorkplace } from '../../jobs/restore/workplace.ts'
import { migrationsDirectory, testLogger } from './migrated-database.ts'

/** What every restore of one test file shares. */
export interface RestoreGround {
  /** Holds `backups` and the secrets ownerUri, uri, public.pem and redis. */
  readonly directory: string
  readonly brokers: string
  readonly topics: readonly { readonly alias: string; readonly topic: string }[]
  readonly groups: readonly { readonly group: string; readonly service: string; readonly aliases: readonly string[] }[]
  /** Folder of the backup. */
  readonly folder: string
  /** `host:port`; absent: the system has no state store. */
  readonly redisAddress?: string
  readonly searchPath: string
}

/** One Restore, as the fields of its spec say. */
export interface AskedRestore {
  readonly mode?: 'InPlace' | 'NewSystem' | 'Drill'
  readonly until?: RestoreUntil
  readonly replacedAt?: readonly string[]
  readonly path?: string
}

/** Runs the steps of one Restore, each in a workplace of its own like a pod. */
export const restoreRun = (
  { directory, brokers, topics, groups, folder, redisAddress, searchPath }: RestoreGround,
  { mode = 'InPlace', until, replacedAt = [], path = folder }: AskedRestore = {},
): { readonly uid: string; readonly run: (step: RestoreJobStep) => Promise<RestoreReport> } => {
  const uid = randomUUID()
  const config = restoreConfigSchema.parse({
    ...{ service: 'todo-restore', system: 'todo', namespace: 'app', version: '0.1.0' },
    restore: { name: 'r', uid, mode, until, replacedAt },
    source: { destination: { volume: { folder: join(directory, 'backups') } }, path },
    publicKeyFile: 'public.pem',
    database: { ownerUriFile: 'ownerUri', uriFile: 'uri', waitTimeout: 10_000 },
    kafka: { brokers: [brokers], topics, groups, waitTimeout: 10_000 },
    stateStore:
      redisAddress === undefined
        ? undefined
        : { address: redisAddress, password: 'redis', keyPrefixes: ['app.todo-chat-api||'] },
  })
  const run = async (step: RestoreJobStep): Promise<RestoreReport> => {
    const signal = new AbortController().signal
    const place = await openWorkplace(config, { logger: testLogger, signal, secretsDirectory: directory, searchPath })
    try {
      return await runStep(step, place, migrationsDirectory)
    } finally {
      await place.close()
    }
  }
  return { uid, run }
}
