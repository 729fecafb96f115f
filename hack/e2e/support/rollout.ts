import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { TestCluster } from './cluster.ts'

/** What tests read of a Deployment. */
export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas: number
    readonly template: { readonly spec: { readonly containers: readonly PodContainer[] } }
  }
  readonly status?: {
    readonly readyReplicas?: number
    readonly updatedReplicas?: number
    readonly observedGeneration?: number
  }
}

interface PodContainer {
  readonly name: string
  readonly image: string
}

/** The Deployment of a worker, or undefined. */
export async function deploymentOf(
  cluster: TestCluster,
  namespace: string,
  system: string,
  worker: string,
): Promise<Deployment | undefined> {
  return (await cluster.get(kinds.Deployment, { namespace, name: `${system}-${worker}` })) as Deployment | undefined
}

/** Selector of the pods of a worker or dependency of a system. */
export const podSelector = (system: string, part: string): string =>
  `app.kubernetes.io/instance=${system},app.kubernetes.io/name=${part}`

/** Uids of the pods of a worker that are not being deleted: equal before and after means that nothing was restarted by a rollout. */
export async function podUids(
  cluster: TestCluster,
  namespace: string,
  system: string,
  worker: string,
): Promise<readonly string[]> {
  const pods = await cluster.list(kinds.Pod, namespace, podSelector(system, worker))
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.uid ?? '')
    .sort()
}
