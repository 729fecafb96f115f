/** The replay Job: hands events to one worker again and says in its termination message what became of them. */
import { keyLines } from '../../lib/backup/encryption.ts'
import { openDestination } from '../../lib/backup/destination.ts'
import { ConfigError, loadConfig } from '../../lib/config.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { openKafka } from '../../lib/kafka/client.ts'
import { createLogger } from '../../lib/logger.ts'
import { createDatabase } from '../../lib/postgres.ts'
import { progressPort, serveProgress } from '../../lib/progress-server.ts'
import { readSecretFile } from '../../lib/secret-file.ts'
import { reportFailure, sayLastWords } from '../../lib/termination.ts'
import { readBackups } from './backup-log.ts'
import { replayConfigSchema } from './config.ts'
import type { ReplayConfig, ReplayProgress } from './config.ts'
import { createDeliver } from './deliver.ts'
import { createPacer } from './pacer.ts'
import { runReplay } from './run.ts'
import type { ReplayParts } from './run.ts'
import { createTally, reportText } from './tally.ts'

/** How long a worker may be away, ms: a rolling update is shorter. After it the pod ends and the Job makes another. */
const workerPatience = 120_000
/** One pass over the index of a long audit trail takes a while, ms. */
const statementTimeout = 300_000

const run = async (signal: AbortSignal): Promise<string> => {
  const environment = readEnvironment()
  const config = await loadConfig(replayConfigSchema, environment.configDirectory)
  const { service, system, version, logLevel: level, replay, force, muted } = config
  const logger = createLogger({ service, system, version, level, pod: environment.podName })
  const secret = (path: string): Promise<string> => readSecretFile(environment.secretsDirectory, path)
  const tally = createTally()
  let total = 0
  const progress = await serveProgress(progressPort, (): ReplayProgress => ({
    percent: total === 0 ? 0 : Math.min(100, Math.floor((tally.counts.read * 100) / total)),
    counts: tally.counts,
  }))
  const database = createDatabase({
    uri: await secret(config.secrets.databaseUri),
    applicationName: service,
    pool: { min: 0, max: 2 },
    statementTimeout,
    slowQueryThreshold: statementTimeout,
    logger,
  })
  try {
    const report = await runReplay({
      config,
      database,
      kafka: await openKafka(config.kafka, { clientId: service, secretsDirectory: environment.secretsDirectory }),
      deliver: createDeliver({
        url: config.url,
        appToken: await secret(config.secrets.appToken),
        mark: { id: replay.id, force, muted },
        patience: workerPatience,
        attempts: 5,
      }),
      pace: createPacer(config.rate, () => performance.now()),
      tally,
      logger,
      signal,
      onTotal: (records) => void (total = records),
      readOlder: olderReader(config, secret, signal),
    })
    logger.info({ report }, 'the replay is through')
    return reportText(report)
  } finally {
    await progress.close()
    await database.close()
  }
}

const olderReader = (
  { backups, namespace, system }: ReplayConfig,
  secret: (path: string) => Promise<string>,
  signal: AbortSignal,
): ReplayParts['readOlder'] =>
  backups === undefined
    ? undefined
    : async (ranges, take) => {
        const publicKey = await optional(secret(backups.publicKey))
        if (publicKey === undefined)
          return [
            {
              what: 'backups',
              why: 'the key their signatures are verified with does not exist: there was no backup yet',
            },
          ]
        const identity = backups.identities === undefined ? undefined : await optional(secret(backups.identities))
        const identities = identity === undefined ? undefined : keyLines(identity)
        const destination = await openDestination(backups.destination)
        try {
          return [
            ...(await readBackups({ destination, namespace, system, publicKey, identities, ranges, signal, take })),
          ]
        } finally {
          destination.close()
        }
      }

/** Undefined: there is no such file. */
const optional = (file: Promise<string>): Promise<string | undefined> =>
  file.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })

const stop = new AbortController()
const end = (): void => stop.abort(new Error('the Job was stopped'))
process.once('SIGTERM', end)
process.once('SIGINT', end)
try {
  sayLastWords(await run(stop.signal))
} catch (error) {
  reportFailure(
    error instanceof ConfigError
      ? error.message
      : `the replay broke off: ${error instanceof Error ? error.message : String(error)}`,
  )
  process.exitCode = 1
}
