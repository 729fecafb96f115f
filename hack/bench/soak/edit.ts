import { setTimeout as sleep } from 'node:timers/promises'
import { annotation } from '../../../operator/src/api/v1alpha1/labels.ts'
import { kindOf } from '../../../operator/src/kube/kinds.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { edited, firstSettings, specOf } from '../fleet/settings.ts'
import type { Settings } from '../fleet/settings.ts'
import { objectsOf } from '../operator/resources.ts'
import type { Dependencies, SystemName } from '../operator/resources.ts'
import { objectKey } from './causes.ts'
import type { Cause } from './causes.ts'

/** What was edited. */
export interface Edits {
  readonly causes: readonly Cause[]
  /** What every system was left with. */
  readonly settings: ReadonlyMap<SystemName, Settings>
}

/** Edits random systems at random times, `rate` per second on average, for `duration` ms. */
export async function editAtRandom(
  fleet: Fleet,
  dependencies: Dependencies,
  random: () => number,
  { duration, rate }: { readonly duration: number; readonly rate: number },
): Promise<Edits> {
  const end = performance.now() + duration
  const settings = new Map(fleet.systems.map((system) => [system, firstSettings]))
  const causes: Cause[] = []
  for (;;) {
    // Pauses between independent events are distributed exponentially.
    await sleep((-Math.log(1 - random()) * 1000) / rate)
    if (performance.now() > end) return { causes, settings }
    const system = fleet.systems[Math.floor(random() * fleet.systems.length)]
    if (system === undefined) throw new Error('no systems')
    const before = settings.get(system) ?? firstSettings
    const after = edited(before, random)
    settings.set(system, after)
    causes.push({
      system: `${system.namespace}/${system.name}`,
      at: Date.now(),
      objects: changed(system, dependencies, before, after),
    })
    await fleet.edit(system, after)
  }
}

/** The objects of a system whose desired content differs between two settings, by the product's own builders. */
function changed(system: SystemName, dependencies: Dependencies, before: Settings, after: Settings): Set<string> {
  const hashes = (settings: Settings): Map<string, string | undefined> =>
    new Map(
      objectsOf(system, dependencies, specOf(settings)).map((object) => [
        objectKey({
          resource: kindOf(object).plural,
          namespace: object.metadata.namespace ?? '',
          name: object.metadata.name,
        }),
        object.metadata.annotations?.[annotation.hash],
      ]),
    )
  const [old, wanted] = [hashes(before), hashes(after)]
  return new Set([...old.keys(), ...wanted.keys()].filter((key) => old.get(key) !== wanted.get(key)))
}
