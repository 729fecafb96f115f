/** The backup Job: makes a backup, checks a destination or removes what retention no longer keeps, and says in its termination message what came of it. */
import { openDestination } from '../../lib/backup/destination.ts'
import { BackupError } from '../../lib/backup/errors.ts'
import { loadConfig } from '../../lib/config.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { createLogger } from '../../lib/logger.ts'
import { reportFailure, sayLastWords } from '../../lib/termination.ts'
import { makeBackup } from './backup.ts'
import { checkDestination } from './check.ts'
import { backupJobConfigSchema } from './config.ts'
import type { BackupJobReport } from './config.ts'
import { serveProgress } from './progress.ts'
import { prune } from './prune.ts'
import { failureReport, reportText, stopped } from './report.ts'

const run = async (stop: AbortController): Promise<BackupJobReport> => {
  const { configDirectory, secretsDirectory, podName: pod } = readEnvironment()
  const config = await loadConfig(backupJobConfigSchema, configDirectory)
  const { service, system, version, logLevel: level } = config
  const logger = createLogger({ service, system, version, level, pod })
  const deadline = setTimeout(
    () => stop.abort(new BackupError('DeadlinePassed', `it was not done after ${config.deadline} ms`)),
    config.deadline,
  )
  const { signal } = stop
  const destination = await openDestination(config.destination)
  logger.info({ mode: config.mode, destination: destination.describe() }, 'begun')
  try {
    if (config.mode === 'Check') return await checkDestination(config, destination, signal)
    if (config.mode === 'Prune') return await prune(config, destination, { now: Date.now(), logger, signal })
    const progress = await serveProgress(config.progressPort, logger)
    try {
      return await makeBackup({ config, secretsDirectory, destination, progress, logger, signal })
    } finally {
      await progress.close()
    }
  } catch (error) {
    if (signal.aborted) throw stopped(signal.reason)
    throw error
  } finally {
    clearTimeout(deadline)
    destination.close()
  }
}

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())
try {
  const text = reportText(await run(stop))
  process.stdout.write(`${text}\n`)
  sayLastWords(text)
} catch (error) {
  reportFailure(reportText(failureReport(error)))
  process.exitCode = 1
}
