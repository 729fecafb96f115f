/** dapr-control-plane and dapr-placement: the pods of the namespace Dapr is installed in, from one watch for all systems. */
import type { KubeObject } from '../../kube/object.ts'
import { podView } from '../todochatbot/views.ts'
import { found, judged, passed, type CheckFamily, type Outcome } from './check.ts'
import { count, some } from './figures.ts'

/** Services that every installation of Dapr has, by their label `app`. */
const services = ['dapr-operator', 'dapr-sentry', 'dapr-sidecar-injector'] as const
const placement = 'dapr-placement-server'

/** What is known of that namespace; `problem`: why nothing is. */
export type ControlPlanePods = { readonly pods: readonly KubeObject[] } | { readonly problem: string }

/** Judges the pods of the control plane. */
export function judgeControlPlane(seen: ControlPlanePods): readonly Outcome[] {
  if ('problem' in seen)
    return (['dapr-control-plane', 'dapr-placement'] as const).map((name) => found(name, 'Unknown', seen.problem))
  const readyOf = (app: string): number =>
    seen.pods.filter(({ metadata }) => metadata.labels?.['app'] === app).filter((pod) => podView(pod).ready).length
  const down = services.filter((app) => readyOf(app) === 0)
  const figure = `${services.length - down.length} of ${services.length} services`
  const placed = readyOf(placement)
  return [
    down.length === 0
      ? passed('dapr-control-plane', figure)
      : found('dapr-control-plane', 'Failed', some(down.map((app) => `${app} has no Ready pod`)), figure),
    placed > 0
      ? passed('dapr-placement', count(placed, 'Ready pod'))
      : found('dapr-placement', 'Warning', `${placement} has no Ready pod`, '0 Ready pods'),
  ]
}

/** The family. */
export const controlPlaneChecks = (look: () => ControlPlanePods): CheckFamily =>
  judged(['dapr-control-plane', 'dapr-placement'], () => judgeControlPlane(look()))
