/**
 * Who may ask: kube-apiserver alone. It authenticates and authorises every user itself (RBAC on external.metrics.k8s.io) and then asks with the
 * client certificate of its front proxy. What that certificate has to look like is published in a ConfigMap (Kubernetes documentation,
 * "Configure the Aggregation Layer"); any other caller is refused, whoever it says it is.
 */
import { z } from 'zod'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'

/** What the client certificate of the front proxy has to fulfil. */
export interface FrontProxy {
  /** PEM of the authorities it may come from. */
  readonly authorities: string
  /** Common names it may carry; empty: any. */
  readonly names: readonly string[]
}

/** Where kube-apiserver publishes it. */
export const frontProxyConfigMap = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const

const schema = z.object({
  'requestheader-client-ca-file': z.string().includes('BEGIN CERTIFICATE'),
  'requestheader-allowed-names': z
    .string()
    .default('[]')
    .transform((text) => z.array(z.string()).parse(JSON.parse(text))),
})

/** Reads it. Throws when the API server does not publish it: then aggregation is not set up. */
export async function readFrontProxy(client: KubeClient, signal: AbortSignal): Promise<FrontProxy> {
  const { data } = await client.get(kinds.ConfigMap, frontProxyConfigMap, { signal })
  const parsed = schema.parse(data)
  return {
    authorities: parsed['requestheader-client-ca-file'],
    names: parsed['requestheader-allowed-names'],
  }
}

/** Whether a verified client certificate is the front proxy's. @param name its common name */
export function isFrontProxy({ names }: FrontProxy, name: string | undefined): boolean {
  return names.length === 0 || (name !== undefined && names.includes(name))
}
