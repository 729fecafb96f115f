/** One step of a restore: `node restore.mjs <step>`. Says in its termination message what came of it. */
import { isBackupError } from '../../lib/backup/errors.ts'
import { ConfigError, loadConfig } from '../../lib/config.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { createLogger } from '../../lib/logger.ts'
import { progressPort, serveProgress } from '../../lib/progress-server.ts'
import { reportFailure, sayLastWords } from '../../lib/termination.ts'
import { MigrationError, migrationsDirectory } from '../migrate/files.ts'
import { refusedExitCode, restoreConfigSchema, restoreJobSteps, restoreReportSchema } from './config.ts'
import type { RestoreProgress } from './config.ts'
import { RestoreError } from './errors.ts'
import { runStep } from './steps.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

const run = async (signal: AbortSignal): Promise<string> => {
  const environment = readEnvironment()
  const step = restoreJobSteps.find((one) => one === process.argv[2])
  if (step === undefined)
    throw new RestoreError(
      'Incomplete',
      `the step must be one of ${restoreJobSteps.join(', ')}, got ${process.argv[2] ?? 'none'}`,
    )
  const config = await loadConfig(restoreConfigSchema, environment.configDirectory)
  const { service, system, version, logLevel: level } = config
  const logger = createLogger({ service, system, version, level, pod: environment.podName })
  const { secretsDirectory, searchPath } = environment
  const place = await openWorkplace(config, { logger, signal, secretsDirectory, searchPath })
  const server = await serveProgress(progressPort, () => percentOf(place.progress))
  try {
    const report = restoreReportSchema.parse(await runStep(step, place, migrationsDirectory()))
    logger.info({ ...report }, 'the step is done')
    return JSON.stringify(report)
  } finally {
    await server.close()
    await place.close()
  }
}

const percentOf = ({ bytes, total, part }: Workplace['progress']): RestoreProgress => ({
  percent: total === 0 ? 0 : Math.min(100, Math.floor((bytes / total) * 100)),
  bytes,
  part: part.slice(0, 253),
})

/** What no retry would change. A destination that is away, or a database that broke off, is not of it. */
const isRefusal = (error: unknown): boolean =>
  error instanceof RestoreError ||
  error instanceof ConfigError ||
  error instanceof MigrationError ||
  isBackupError(
    error,
    'PartMissing',
    'PartCorrupt',
    'WrongKey',
    'KeyMissing',
    'BadKey',
    'ManifestInvalid',
    'FormatTooNew',
    'SignatureMissing',
    'SignatureWrong',
    'BaseUnusable',
  )

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())
try {
  sayLastWords(await run(stop.signal))
} catch (error) {
  reportFailure(error instanceof Error ? error.message : String(error))
  process.exitCode = isRefusal(error) ? refusedExitCode : 1
}
