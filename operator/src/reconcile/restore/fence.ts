/** Which Restore holds the workers of a system away, read from the ledgers of its Restores. Pure. */
import type { RestoreSpec, RestoreStatus } from '../../api/v1alpha1/restore.ts'
import type { KubeObject } from '../../kube/object.ts'
import { finding, type Finding } from '../errors.ts'
import { currentStep, isFenced, isSwitched } from './ledger.ts'

/** A Restore that holds the workers of a system away. */
export interface Fence {
  readonly restore: string
  /** Where it is. */
  readonly step: string
}

/** The fence of a system; undefined: none. @param restores of its namespace */
export const fenceOf = (
  { metadata }: { readonly metadata: { readonly name: string; readonly uid: string } },
  restores: readonly KubeObject[],
): Fence | undefined => {
  for (const restore of restores) {
    const { steps } = (restore['status'] ?? {}) as Partial<RestoreStatus>
    if ((restore['spec'] as Partial<RestoreSpec> | undefined)?.system !== metadata.name || !isFenced(steps)) continue
    return { restore: restore.metadata.name, step: currentStep(steps ?? [])?.name ?? 'Unfence' }
  }
  return undefined
}

interface Switch {
  /** RFC 3339. */
  readonly at: string
  readonly id: string
}

const switchesOf = (
  { metadata }: { readonly metadata: { readonly name: string } },
  restores: readonly KubeObject[],
): readonly Switch[] =>
  restores
    .flatMap(({ spec, status, metadata: { name, uid = '' } }): Switch[] => {
      const { steps = [] } = (status ?? {}) as Partial<RestoreStatus>
      const at = steps.find((step) => step.name === 'Switch')?.finishedAt
      const own = (spec as Partial<RestoreSpec> | undefined)?.system === metadata.name
      return own && isSwitched(steps) && at !== undefined ? [{ at, id: `Restore/${name}/${uid.slice(0, 8)}` }] : []
    })
    .toSorted((a, b) => a.at.localeCompare(b.at))

/** Identity of the newest Restore that has replaced the data of a system: what was known of the data before does not count any more. */
export const lastSwitch = (...args: Parameters<typeof switchesOf>): string | undefined => switchesOf(...args).at(-1)?.id

/** When Restores have replaced the data of a system, RFC 3339, in order: what the log holds of the time before was taken back. */
export const replacements = (...args: Parameters<typeof switchesOf>): readonly string[] =>
  switchesOf(...args).map(({ at }) => at)

/** What keeps everything of a fenced system. */
export const fenceFinding = ({ restore, step }: Fence): Finding =>
  finding('Restoring', `Restore/${restore}`, `holds the workers away while it restores (${step})`)
