/** `status.backup.drill` of a system, from its Restores. Pure. */
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import type { Restore } from '../../api/v1alpha1/restore.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'

/** What its schedule notes there. */
export type DrillNotes = Pick<NonNullable<SystemBackup['drill']>, 'next' | 'scheduledAt'>

/**
 * Makes the section; undefined: there is nothing to say. One that did not prove its backup is told until a restore is verified that ended later.
 * @param verifiedAt when a restore of the system was last verified
 */
export function drillSection(
  restores: readonly Restore[],
  verifiedAt: string | undefined,
  noted: DrillNotes | undefined,
): SystemBackup['drill'] {
  const drills = restores.filter(({ spec }) => spec.mode === 'Drill')
  const running = drills.find(({ status }) => !isFinished(status))
  const [newest] = drills
    .filter(({ spec, status }) => spec.source.backup !== undefined && isFinished(status))
    .toSorted((a, b) => endOf(b).localeCompare(endOf(a)))
  const isNews = newest !== undefined && newest.status?.phase !== 'Succeeded' && endOf(newest) > (verifiedAt ?? '')
  const section: SystemBackup['drill'] = {
    ...noted,
    ...(running === undefined ? {} : { running: running.metadata.name }),
    ...(isNews
      ? {
          lastFailed: {
            restore: newest.metadata.name,
            backup: newest.spec.source.backup ?? '',
            at: endOf(newest),
            message: newest.status?.summary ?? 'no reason given',
          },
        }
      : {}),
  }
  return Object.keys(section).length === 0 ? undefined : section
}

const endOf = ({ status }: Restore): string => status?.finishedAt ?? ''
