/** storage: what is stored against the capacity of the volume it is on, for the Embedded dependencies. The sizes are asked from those who store. */
import { quantityValue } from '../../api/v1alpha1/quantities.ts'
import type { ResolvedTodoChatbot } from '../../api/v1alpha1/defaults.ts'
import type { AskAudit } from './audit-worker.ts'
import { found, passed, type CheckFamily, type Outcome } from './check.ts'
import { askDiagnostics } from './diagnostics.ts'
import { percent, some } from './figures.ts'

/** One volume. Sizes in bytes. */
export interface StoredAmount {
  /** Kind/name of what stores. */
  readonly object: string
  readonly stored: number
  readonly capacity: number
}

/** Judges the volumes. */
export function judgeStorage(volumes: readonly StoredAmount[]): Outcome {
  const name = 'storage'
  if (volumes.length === 0) return passed(name, 'all External')
  const shares = volumes.map(({ object, stored, capacity }) => ({ object, share: stored / capacity }))
  const full = shares.filter(({ share }) => share >= 0.75)
  const figure = percent(Math.max(...shares.map(({ share }) => share)))
  if (full.length === 0) return passed(name, figure)
  const result = full.some(({ share }) => share >= 0.9) ? 'Failed' : 'Warning'
  return found(
    name,
    result,
    some(full.map(({ object, share }) => `${object} has filled ${percent(share)} of its volume`)),
    figure,
  )
}

const capacityOf = (size: string | undefined): number | undefined =>
  size === undefined ? undefined : quantityValue(size)

/** The family. */
export const storageCheck = (ask: AskAudit): CheckFamily => ({
  names: ['storage'],
  check: async (subject, signal) => {
    const { resolved } = subject.observed.seen
    const capacity = databaseCapacity(resolved)
    if (capacity === undefined) return { outcomes: [judgeStorage([])] }
    const { databaseBytes } = await askDiagnostics(ask, subject, signal)
    const object = `StatefulSet/${resolved.metadata.name}-postgresql`
    return { outcomes: [judgeStorage([{ object, stored: databaseBytes, capacity }])] }
  },
})

function databaseCapacity({ spec }: ResolvedTodoChatbot): number | undefined {
  return spec.database.mode === 'Embedded' ? capacityOf(spec.database.storage.size) : undefined
}
