import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'
import { operator } from './operator.ts'

/** The image this cluster's operator gives to what it runs: it is on the node already. */
export async function operandImage(
  cluster: TestCluster,
  name: 'WORKERS' | 'KAFKA' | 'POSTGRESQL' | 'REDIS',
): Promise<string> {
  const deployment = await cluster.get(kinds.Deployment, operator)
  const spec = deployment?.['spec'] as
    { template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } } } | undefined
  const env = spec?.template.spec.containers[0]?.env ?? []
  const value = env.find((one) => one.name === `OPERAND_IMAGE_${name}`)?.value
  if (value === undefined) throw new Error(`the operator's Deployment has no OPERAND_IMAGE_${name}`)
  return value
}
