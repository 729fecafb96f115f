/** Which backups may go. Pure. */
import type { CataloguedBackup } from '../../lib/backup/catalogue.ts'
import type { PruneConfig } from './config.ts'

/** What retention decides by. */
export type RetentionPolicy = Pick<PruneConfig, 'keepLast' | 'maxAge' | 'verified' | 'inUse'>

/**
 * Those that go, oldest first. Kept are: the `keepLast` newest; those younger than `maxAge`; the newest that a restore has verified; those in
 * use; and everything that one of these builds on. `backups` are ordered by their cut, oldest first; `now` in ms.
 */
export const expired = (
  backups: readonly CataloguedBackup[],
  policy: RetentionPolicy,
  now: number,
): readonly CataloguedBackup[] => {
  const { keepLast, maxAge } = policy
  const kept = new Set<string>(backups.slice(-keepLast).map(({ path }) => path))
  for (const { path, manifest } of backups) {
    const young = maxAge !== undefined && now - Date.parse(manifest.cut.at) < maxAge
    if (young || policy.inUse.includes(path)) kept.add(path)
  }
  const verified = backups.findLast(({ path }) => policy.verified.includes(path))
  if (verified !== undefined) kept.add(verified.path)
  for (const path of [...kept]) {
    let at = backups.find((backup) => backup.path === path)
    // A base is older than what builds on it, so the walk ends; a loop that somebody forged ends it as well.
    for (const seen = new Set<string>(); at?.manifest.base !== undefined && !seen.has(at.path);) {
      seen.add(at.path)
      const { path: base } = at.manifest.base
      kept.add(base)
      at = backups.find((backup) => backup.path === base)
    }
  }
  return backups.filter(({ path }) => !kept.has(path))
}
