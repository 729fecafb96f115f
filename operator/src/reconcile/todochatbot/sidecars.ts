/** Whether Dapr does its part: daprd injected in every worker pod, and the components scoped to it loaded. Pure. */
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import type { ComponentStatus, ServiceStatus } from '../../api/v1alpha1/schema/status.ts'
import { finding, worst, type Finding } from '../errors.ts'
import type { PodReport, PodTarget } from '../pods/pod-watch.ts'
import { publicPort, type SidecarMetadata } from '../pods/sidecar-metadata.ts'
import { podBlocker } from './blockers.ts'
import type { PodView } from './views.ts'

const sidecar = 'daprd'

/** What is known of a pod's sidecar. */
export type SidecarReport = PodReport<SidecarMetadata>

/** A Dapr component and the app ids that may load it. */
export interface ExpectedComponent {
  readonly name: string
  readonly type: string
  readonly scopes: readonly string[]
}

/** The components among desired objects. */
export function expectedComponents(objects: readonly KubeObject[]): ExpectedComponent[] {
  return objects
    .filter(({ apiVersion, kind }) => kind === 'Component' && apiVersion.startsWith('dapr.io/'))
    .map((object) => ({
      name: object.metadata.name,
      type: (object['spec'] as { type?: string } | undefined)?.type ?? '',
      scopes: (object['scopes'] ?? []) as readonly string[],
    }))
}

/** One worker's pods. `appId` is also the name of its Deployment. */
export interface WorkerPods {
  readonly appId: string
  readonly wanted: number
  readonly pods: readonly PodView[]
}

/** The pods whose sidecars can be asked. */
export function sidecarTargets(workers: readonly WorkerPods[]): PodTarget[] {
  return workers.flatMap(({ pods }) =>
    living(pods).flatMap(({ name, ip, containerNames, containers }) => {
      if (ip === undefined || !containerNames.includes(sidecar)) return []
      const restarts = containers.find((container) => container.name === sidecar)?.restartCount ?? 0
      return [{ pod: name, ip, port: publicPort, incarnation: String(restarts) }]
    }),
  )
}

/** What is wrong with the sidecars of a worker; undefined when every pod has loaded every component. */
export function sidecarFinding(
  worker: WorkerPods,
  components: readonly ExpectedComponent[],
  reports: ReadonlyMap<string, SidecarReport>,
  now: number,
): Finding | undefined {
  if (worker.wanted === 0) return undefined
  const pods = living(worker.pods)
  if (pods.length === 0) return finding('Waiting', `Deployment/${worker.appId}`, 'has no pods yet')
  const expected = components.filter(({ scopes }) => scopes.includes(worker.appId))
  return worst(pods.map((pod) => podFinding(pod, expected, reports.get(pod.name), now)))
}

/** `services[].sidecar`. */
export function sidecarState(worker: WorkerPods, found: Finding | undefined): NonNullable<ServiceStatus['sidecar']> {
  if (worker.wanted === 0) return 'Unknown'
  if (found === undefined) return 'Loaded'
  return found.reason === 'SidecarMissing' ? 'Missing' : found.reason === 'SidecarUnreachable' ? 'Unknown' : 'Waiting'
}

/** `status.components`: which workers have loaded each component, and which have not. */
export function componentStatuses(
  workers: readonly WorkerPods[],
  components: readonly ExpectedComponent[],
  reports: ReadonlyMap<string, SidecarReport>,
): ComponentStatus[] {
  return components.map(({ name, type, scopes }) => {
    const scoped = workers.filter(({ appId, wanted }) => wanted > 0 && scopes.includes(appId))
    const holds = ({ pods }: WorkerPods): boolean =>
      living(pods).length > 0 && living(pods).every((pod) => loaded(reports.get(pod.name), name))
    return {
      name,
      type,
      loadedBy: scoped.filter(holds).map(({ appId }) => appId),
      missingIn: scoped.filter((worker) => !holds(worker)).map(({ appId }) => appId),
    }
  })
}

const living = (pods: readonly PodView[]): PodView[] =>
  pods.filter(({ terminating, phase }) => !terminating && phase !== 'Succeeded' && phase !== 'Failed')

const loaded = (report: SidecarReport | undefined, component: string): boolean =>
  report?.state === 'Answered' && report.answer.components.some(({ name }) => name === component)

function podFinding(
  pod: PodView,
  expected: readonly ExpectedComponent[],
  report: SidecarReport | undefined,
  now: number,
): Finding | undefined {
  const object = `Pod/${pod.name}`
  if (!pod.containerNames.includes(sidecar)) return finding('SidecarMissing', object, `has no container ${sidecar}`)
  const missing =
    report?.state === 'Answered'
      ? expected.filter(({ name }) => !loaded(report, name)).map(({ name }) => name)
      : undefined
  if (missing?.length === 0) return undefined
  // A pod that is not ready is still coming up, unless its containers say what blocks it.
  if (!pod.ready) return podBlocker(pod, now) ?? finding('Starting', object, 'its sidecar is starting')
  if (missing !== undefined)
    return finding('ComponentNotLoaded', object, `${sidecar} has not loaded ${missing.join(', ')}`)
  return report?.state === 'Failed'
    ? finding('SidecarUnreachable', object, `${sidecar}: ${report.message}`)
    : finding('Checking', object, `${sidecar} is being asked`)
}
