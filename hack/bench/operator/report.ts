/** The figures of a run as a table, a row for each contestant and number of resources. */
import { rounded } from '../statistics.ts'
import { markdownTable } from '../table.ts'
import type { Floor } from './floor.ts'
import type { Measurement } from './measure.ts'

/** What stands in one column: for a contestant, and for the floor where it has the figure at all. */
interface Column {
  readonly title: string
  readonly of: (result: Measurement, floor: Floor | undefined) => string | number
  readonly ofFloor?: (floor: Floor) => string | number
}

const seconds = (ms: number): string => `${rounded(ms / 1000, 2).toFixed(2)} s`
const objects = ({ resources, objectsPerResource }: Floor | Measurement): number => resources * objectsPerResource

const columns: readonly Column[] = [
  { title: 'resources', of: ({ resources }) => resources, ofFloor: ({ resources }) => resources },
  { title: 'who', of: ({ contestant }) => contestant, ofFloor: () => 'floor' },
  { title: 'objects', of: objects, ofFloor: objects },
  { title: 'all applied', of: ({ applied }) => seconds(applied), ofFloor: ({ applied }) => seconds(applied) },
  {
    title: '÷ floor',
    of: ({ applied }, floor) => (floor === undefined ? '' : rounded(applied / floor.applied, 2)),
    ofFloor: () => 1,
  },
  { title: 'settled', of: ({ settled }) => seconds(settled) },
  { title: 'each, p50', of: ({ eachAppliedP50 }) => seconds(eachAppliedP50) },
  { title: 'writes/object', of: ({ writesPerObject }) => writesPerObject, ofFloor: () => 1 },
  { title: 'status writes', of: ({ statusWritesPerResource }) => statusWritesPerResource },
  { title: 'edit p50', of: ({ editP50 }) => `${editP50} ms` },
  { title: 'edit p99', of: ({ editP99 }) => `${editP99} ms` },
  { title: 'edit of all', of: ({ editAll }) => seconds(editAll), ofFloor: ({ editAll }) => seconds(editAll) },
  { title: 'writes/edit', of: ({ writesPerEdit }) => writesPerEdit, ofFloor: () => 1 },
  { title: 'idle writes', of: ({ idleWrites, idleSeconds }) => `${idleWrites} in ${idleSeconds} s` },
  { title: 'RSS', of: ({ residentMiB }) => `${residentMiB} MiB` },
  { title: 'peak RSS', of: ({ peakMiB }) => `${peakMiB} MiB` },
  { title: 'CPU/resource', of: ({ cpuPerResource }) => `${cpuPerResource} ms` },
]

/** Renders results in the order they were measured; ratios are to the floor of the same number of resources, if it was measured. */
export function report(results: readonly (Measurement | Floor)[]): string {
  const floors = results.filter((result) => !('contestant' in result))
  const rows = results.map((result) => {
    if (!('contestant' in result)) return columns.map(({ ofFloor }) => ofFloor?.(result) ?? '')
    const floor = floors.find(({ resources }) => resources === result.resources)
    return columns.map((column) => column.of(result, floor))
  })
  return markdownTable(
    columns.map(({ title }) => title),
    rows,
  )
}
