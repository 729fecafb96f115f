import { readCatalogue } from '../../lib/backup/catalogue.ts'
import type { Destination } from '../../lib/backup/destination.ts'
import { isBackupError } from '../../lib/backup/errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { BackupJobReport, PruneConfig } from './config.ts'
import { removeFolder } from './previous.ts'
import { expired } from './retention.ts'

/** Removes what may go, oldest first; one that cannot be removed (a lock of the bucket) is said and does not stop the others. */
export const prune = async (
  config: PruneConfig,
  destination: Destination,
  options: { readonly now: number; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<BackupJobReport> => {
  const { now, logger, signal } = options
  const { backups, unfinished, unreadable } = await readCatalogue(destination, config, signal)
  const problems = unreadable.map(({ path, why }) => ({ path, why: `left alone: ${why}` }))
  const removed: { path: string; bytes: number }[] = []
  let broken = 0
  const remove = async (path: string): Promise<boolean> => {
    if (config.dryRun) return true
    try {
      await removeFolder(destination, path, signal)
      logger.info({ path }, 'removed')
      return true
    } catch (error) {
      if (!isBackupError(error)) throw error
      problems.push({ path, why: error.reason })
      return false
    }
  }
  for (const { path, bytes } of expired(backups, config, now)) if (await remove(path)) removed.push({ path, bytes })
  for (const { path, modifiedAt } of unfinished) {
    const running = now - modifiedAt.getTime() < config.unfinishedAge || config.inUse.includes(path)
    if (!running && (await remove(path))) broken += 1
  }
  return {
    result: 'Prune',
    dryRun: config.dryRun,
    removed: removed.slice(0, 64),
    removedBytes: removed.reduce((total, { bytes }) => total + bytes, 0),
    kept: backups.length - removed.length,
    unfinished: broken,
    problems: problems.slice(0, 16),
    ...(removed.length > 64 ? { more: removed.length - 64 } : {}),
  }
}
