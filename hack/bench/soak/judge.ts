import { kinds } from '../../../operator/src/kube/kinds.ts'
import { keyOf } from '../../../operator/src/kube/object.ts'
import type { RecordedWrite } from '../api-audit-log.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { missing } from '../fleet/settings.ts'
import { percentile, rounded, slope } from '../statistics.ts'
import { unexplained } from './causes.ts'
import type { Disturbances } from './disturb.ts'
import type { Edits } from './edit.ts'
import type { Sample } from './memory.ts'

/** What happened in a soak. */
export interface Soak extends Edits, Disturbances {
  /** Writes of the operator to owned objects since the first edit. */
  readonly children: readonly RecordedWrite[]
  /** Its writes of status. */
  readonly statuses: readonly RecordedWrite[]
  readonly samples: readonly Sample[]
  /** What the operator still referred to at the beginning, halfway and at the end, bytes. */
  readonly heaps: readonly number[]
}

/** What came of it; no problems: passed. */
export interface Verdict {
  readonly figures: Readonly<Record<string, string | number>>
  readonly problems: readonly string[]
}

/** Problems told in full; more are counted. */
const TOLD = 20

/** Looks whether every edit is in effect and every write had a cause, and how memory went. */
export async function judge(fleet: Fleet, soak: Soak): Promise<Verdict> {
  const lost = await lostEdits(fleet, soak)
  const writes = [...soak.children, ...soak.statuses].sort((a, b) => a.receivedAt - b.receivedAt)
  const without = unexplained(writes, soak.causes, soak.faults)
  const problems = [
    ...lost,
    ...without.map(
      ({ verb, resource, namespace, name, receivedAt }) =>
        `without a cause: ${verb} ${resource} ${namespace}/${name} at ${new Date(receivedAt).toISOString()}`,
    ),
  ]
  const mebibytes = (bytes: number): number => rounded(bytes / 2 ** 20, 1)
  const residents = soak.samples.map(({ resident }) => resident)
  // The first half fills caches and heap spaces.
  const settled = soak.samples.slice(Math.floor(soak.samples.length / 2))
  const perHour = slope(settled.map(({ at, resident }) => [at / 3_600_000, resident]))
  const cpu = (soak.samples.at(-1)?.cpu ?? 0) - (soak.samples[0]?.cpu ?? 0)
  const latencies = latenciesOf(soak)
  return {
    figures: {
      systems: fleet.systems.length,
      edits: soak.causes.length,
      'edits not in effect': lost.length,
      'API server restarts': soak.restarts,
      'connections cut': soak.cuts,
      'writes to objects': soak.children.length,
      'writes of status': soak.statuses.length,
      'writes without a cause': without.length,
      'edit to first write, p50': `${rounded(percentile(latencies, 0.5), 1)} ms`,
      'edit to first write, p99': `${rounded(percentile(latencies, 0.99), 1)} ms`,
      'operator CPU per edit': `${rounded(cpu / soak.causes.length, 1)} ms`,
      'RSS first, last': `${mebibytes(residents[0] ?? 0)} MiB, ${mebibytes(residents.at(-1) ?? 0)} MiB`,
      'RSS slope after the first half': `${mebibytes(perHour)} MiB per hour`,
      'live heap first, halfway, last': `${soak.heaps.map(mebibytes).join(', ')} MiB`,
    },
    problems: [
      ...problems.slice(0, TOLD),
      ...(problems.length > TOLD ? [`and ${problems.length - TOLD} more problems`] : []),
    ],
  }
}

async function lostEdits(fleet: Fleet, { settings }: Soak): Promise<string[]> {
  const objects = await Promise.all([fleet.list(kinds.Deployment), fleet.list(kinds.ConfigMap)])
  const [deployments, configMaps] = objects.map((list) => new Map(list.map((item) => [keyOf(item.metadata), item])))
  return [...settings].flatMap(([system, wanted]) => {
    const fields = missing(system, wanted, (kind, name) =>
      (kind === 'Deployment' ? deployments : configMaps)?.get(keyOf({ namespace: system.namespace, name })),
    )
    return fields.map((field) => `not in effect: ${field} of ${system.namespace}/${system.name}`)
  })
}

/** ms from each edit sent to the first write to an object it changes. */
function latenciesOf({ causes, children }: Soak): number[] {
  return causes.flatMap(({ at, objects }) => {
    const first = children.find(
      (write) => write.receivedAt >= at && objects.has(`${write.resource}/${write.namespace}/${write.name}`),
    )
    return first === undefined ? [] : [first.receivedAt - at]
  })
}
