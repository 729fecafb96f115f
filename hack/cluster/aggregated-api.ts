import { readFile } from 'node:fs/promises'
import type { KeyPair } from './certificates.ts'
import type { Kubectl } from './kubectl.ts'
import { waitFor } from './waiting.ts'

/** An API that a server beside kube-apiserver answers; kube-apiserver passes requests on to it. */
export interface AggregatedApi {
  readonly group: string
  readonly version: string
  /** Leads to the server, on port 443. */
  readonly service: { readonly name: string; readonly namespace: string }
  /** Has signed the certificate that the server shows. */
  readonly authority: KeyPair
}

/**
 * Registers an API with kube-apiserver and waits until that reaches it. Its server must listen already: kube-apiserver looks again
 * only after a while when it finds nobody.
 * @param running asked while it waits; throws FatalError when the server has ended.
 */
export async function ensureAggregatedApi(
  cluster: Kubectl,
  api: AggregatedApi,
  running: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const name = `${api.version}.${api.group}`
  await cluster.apply(JSON.stringify(apiService(name, api, await readFile(api.authority.certificate))))
  const available = async (): Promise<true | undefined> => {
    await running()
    const { status } = JSON.parse(await cluster.kubectl(['get', 'apiservice', name, '-o', 'json'])) as ApiService
    const condition = status?.conditions?.find(({ type }) => type === 'Available')
    if (condition?.status === 'True') return true
    throw new Error(condition?.message ?? 'its APIService has no condition Available')
  }
  await waitFor(`${api.service.name} behind the API server`, available, { timeout: 60_000 })
}

/** @param authority certificate, PEM, by which kube-apiserver knows the server */
const apiService = (
  name: string,
  { group, version, service }: AggregatedApi,
  authority: Buffer,
): Record<string, unknown> => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: {
    name,
    // A release of helm that has registered the same API before would delete it when it gives it up.
    annotations: { 'helm.sh/resource-policy': 'keep' },
  },
  spec: {
    group,
    version,
    groupPriorityMinimum: 100,
    versionPriority: 100,
    service: { ...service, port: 443 },
    caBundle: authority.toString('base64'),
  },
})

interface ApiService {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}
