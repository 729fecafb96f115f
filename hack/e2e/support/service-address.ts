import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'

/**
 * Host and port of a Service as this machine reaches it: the node's kube-proxy runs on it, so Service addresses answer
 * here as they do in a pod. They stay the same while pods come and go.
 */
export async function serviceAddress(
  cluster: TestCluster,
  namespace: string,
  name: string,
): Promise<{ readonly host: string; readonly port: number }> {
  const service = await cluster.get(kinds.Service, { namespace, name })
  const spec = service?.['spec'] as { clusterIP?: string; ports?: readonly { port: number }[] } | undefined
  const port = spec?.ports?.[0]?.port
  if (spec?.clusterIP === undefined || port === undefined)
    throw new Error(`Service ${namespace}/${name} has no address`)
  return { host: spec.clusterIP, port }
}
