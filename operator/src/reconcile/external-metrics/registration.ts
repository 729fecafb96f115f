/**
 * Tells kube-apiserver where the external metrics API is: the leader's address in an EndpointSlice of the chart's Service, and its certificate in
 * the APIService of the chart. The Service has no selector, because only the leader knows the figures: one object with one address moves with
 * the lease, where a label on pods would have to be taken away from a leader that died.
 */
import { Buffer } from 'node:buffer'
import { isIPv6 } from 'node:net'
import { manager } from '../../api/v1alpha1/labels.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { groupVersion } from './api.ts'

/** Name of the one APIService of this API in a cluster. */
export const apiServiceName = groupVersion.split('/').reverse().join('.')

/** Where the API is served. */
export interface Registration {
  /** The chart's Service. */
  readonly service: { readonly namespace: string; readonly name: string }
  /** Address and port of this pod. */
  readonly address: string
  readonly port: number
  readonly podName: string
  /** PEM; more than one while one replaces another. */
  readonly certificates: string
}

/** The APIService of the cluster points elsewhere, to KEDA for instance; it was left alone. */
export class RegisteredElsewhere extends Error {
  override readonly name = 'RegisteredElsewhere'
}

/** Registers; repeated calls write what differs. @throws RegisteredElsewhere */
export async function register(client: KubeClient, registration: Registration, signal: AbortSignal): Promise<void> {
  const { service, certificates } = registration
  const found = await client.get(kinds.APIService, { name: apiServiceName }, { signal })
  const spec = (found['spec'] ?? {}) as {
    readonly caBundle?: string
    readonly service?: { readonly namespace?: string; readonly name?: string }
  }
  if (spec.service?.namespace !== service.namespace || spec.service.name !== service.name) {
    throw new RegisteredElsewhere(
      `APIService/${apiServiceName} belongs to Service ${spec.service?.namespace ?? ''}/${spec.service?.name ?? ''}; ` +
        'a cluster has one external metrics API, so consumer lag is not served. Set externalMetrics.enabled=false, or remove the other',
    )
  }
  await client.apply(endpointSlice(registration), { fieldManager: manager, signal })
  const caBundle = Buffer.from(certificates).toString('base64')
  if (spec.caBundle !== caBundle)
    await client.patch(
      kinds.APIService,
      { name: apiServiceName },
      { spec: { caBundle } },
      { fieldManager: manager, signal },
    )
}

const endpointSlice = ({ service: { namespace, name }, address, port, podName }: Registration) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name,
    namespace,
    labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': manager },
  },
  addressType: isIPv6(address) ? 'IPv6' : 'IPv4',
  endpoints: [
    {
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace, name: podName },
    },
  ],
  ports: [{ name: 'https', port, protocol: 'TCP' }],
})
