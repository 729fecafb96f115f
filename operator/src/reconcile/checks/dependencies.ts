/** dependencies: the Embedded ones, as Kubernetes sees them. What the workers say of any dependency is in worker-health. */
import type { Observed } from '../todochatbot/assess.ts'
import { found, judged, passed, type CheckFamily, type Outcome } from './check.ts'
import { some } from './figures.ts'

/** Judges the StatefulSets. */
export function judgeDependencies({ live }: Pick<Observed, 'live'>): Outcome {
  const name = 'dependencies'
  const all = Object.values(live.dependencies)
  if (all.length === 0) return passed(name, 'all External')
  const down = all.filter((state) => (state.live?.ready ?? 0) < 1)
  const figure = `${all.length - down.length} of ${all.length} ready`
  const said = down.map((state) => `${state.kind}/${state.name} has no ready pod`)
  return down.length > 0 ? found(name, 'Failed', some(said), figure) : passed(name, figure)
}

/** The family. */
export const dependencyChecks: CheckFamily = judged(['dependencies'], ({ observed }) => [judgeDependencies(observed)])
