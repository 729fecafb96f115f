import { join } from 'node:path'
import { apiClient, ApiError } from '../../cluster/api-client.ts'
import type { ApiClient } from '../../cluster/api-client.ts'
import { stateFolder } from '../../cluster/folders.ts'
import { kubectlFor } from '../../cluster/kubectl.ts'
import type { Kubectl } from '../../cluster/kubectl.ts'
import { pathOf } from '../../../operator/src/kube/kinds.ts'
import type { ResourceKind } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'

/** Namespace and name of an object. */
export interface Name {
  readonly namespace: string
  readonly name: string
}

/**
 * The running full cluster: `kubectl` for what an admin does by hand, and a keep-alive client for what tests look at
 * many times a second.
 */
export interface TestCluster extends Kubectl {
  readonly kubeconfigPath: string
  /** Where the API server records who changes what. */
  readonly auditLogPath: string
  /** One object, or undefined when it does not exist. */
  get(kind: ResourceKind, name: Name): Promise<KubeObject | undefined>
  list(kind: ResourceKind, namespace: string, labelSelector?: string): Promise<readonly KubeObject[]>
  close(): Promise<void>
}

/** Connects to the cluster of `hack/up`. @throws Error when there is none. */
export async function testCluster(): Promise<TestCluster> {
  const stateDir = stateFolder()
  const kubeconfigPath = join(stateDir, 'admin.kubeconfig')
  const client = await apiClient(kubeconfigPath).catch((error: unknown) => {
    throw new Error(`no full cluster in ${stateDir}; run ./hack/up, or ./hack/test which starts one`, { cause: error })
  })
  return {
    ...(await kubectlFor(kubeconfigPath, stateDir)),
    kubeconfigPath,
    auditLogPath: join(stateDir, 'audit.log'),
    get: (kind, name) => absentWhenNotFound(client.call('GET', pathOf(kind, name)) as Promise<KubeObject>),
    list: (kind, namespace, labelSelector) => list(client, kind, namespace, labelSelector),
    close: () => client.close(),
  }
}

async function list(
  client: ApiClient,
  kind: ResourceKind,
  namespace: string,
  labelSelector?: string,
): Promise<readonly KubeObject[]> {
  const query = labelSelector === undefined ? '' : `?labelSelector=${encodeURIComponent(labelSelector)}`
  const answer = (await client.call('GET', `${pathOf(kind, { namespace })}${query}`)) as {
    items: readonly KubeObject[]
  }
  return answer.items
}

async function absentWhenNotFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
