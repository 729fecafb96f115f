/**
 * Runs the work of one Job as a process of its own, as its pod does, and prints what it took:
 * `node job.ts backup|<step of a restore> <folder with config.json> <folder with secrets>`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { makeBackup } from '../../../workers/jobs/backup/backup.ts'
import { backupJobConfigSchema } from '../../../workers/jobs/backup/config.ts'
import { serveProgress } from '../../../workers/jobs/backup/progress.ts'
import { migrationsDirectory } from '../../../workers/jobs/migrate/files.ts'
import { restoreConfigSchema, restoreJobSteps } from '../../../workers/jobs/restore/config.ts'
import { runStep } from '../../../workers/jobs/restore/steps.ts'
import { openWorkplace } from '../../../workers/jobs/restore/workplace.ts'
import { openDestination } from '../../../workers/lib/backup/destination.ts'

/** What the process prints as JSON: ms, and the most memory it held, bytes. */
export interface JobFigures {
  readonly took: number
  readonly peak: number
  /** backup: where it lies and how large it is. */
  readonly path?: string
  readonly bytes?: number
}

const [, , what = '', configFolder = '', secretsDirectory = ''] = process.argv
const logger = pino({ level: 'silent' })
const { signal } = new AbortController()
const config: unknown = JSON.parse(await readFile(join(configFolder, 'config.json'), 'utf8'))

async function backUp(): Promise<Partial<JobFigures>> {
  const parsed = backupJobConfigSchema.parse(config)
  if (parsed.mode !== 'Backup') throw new Error(`${parsed.mode} is no backup`)
  const destination = await openDestination(parsed.destination)
  const progress = await serveProgress(0, logger)
  const input = { config: parsed, secretsDirectory, destination, progress, logger, signal }
  const report = await makeBackup(input).finally(() => progress.close())
  destination.close()
  return report.result === 'Backup' ? { path: report.path, bytes: report.bytes } : {}
}

async function restoreStep(): Promise<Partial<JobFigures>> {
  const step = restoreJobSteps.find((one) => one === what)
  if (step === undefined) throw new Error(`no step ${what}`)
  const parsed = restoreConfigSchema.parse(config)
  const searchPath = process.env['PATH'] ?? ''
  const place = await openWorkplace(parsed, { logger, signal, secretsDirectory, searchPath })
  await runStep(step, place, migrationsDirectory()).finally(() => place.close())
  return {}
}

const begun = performance.now()
const result = what === 'backup' ? await backUp() : await restoreStep()
const figures = { took: performance.now() - begun, peak: process.resourceUsage().maxRSS * 1024, ...result }
process.stdout.write(`${JSON.stringify(figures satisfies JobFigures)}\n`)
