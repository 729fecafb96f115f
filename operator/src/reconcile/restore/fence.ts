/** Which Restore holds the workers of a system away, read from the ledgers of its Restores. Pure. */
import type { RestoreSpec, RestoreStatus } from '../../api/v1alpha1/restore.ts'
import type { KubeObject } from '../../kube/object.ts'
import { finding, type Finding } from '../errors.ts'
import { currentStep, isFenced } from './ledger.ts'

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

/** What keeps everything of a fenced system. */
export const fenceFinding = ({ restore, step }: Fence): Finding =>
  finding('Restoring', `Restore/${restore}`, `holds the workers away while it restores (${step})`)
