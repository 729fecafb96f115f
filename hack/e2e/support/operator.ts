import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'

/** The Deployment of the cluster's operator. */
export const operator = { namespace: 'todochatbot-system', name: 'todochatbot-operator' }

/** How long (ms) the operator's pod may take to go. */
const SOON = 60_000

/** Runs `work` while no operator runs: what is broken meanwhile is found by the one that comes after. */
export async function withoutOperator<T>(cluster: TestCluster, work: () => Promise<T>): Promise<T> {
  const { namespace, name } = operator
  const scale = (replicas: string): Promise<string> =>
    cluster.kubectl(['scale', 'deployment', name, '-n', namespace, `--replicas=${replicas}`])
  const replicas = await cluster.kubectl([
    'get',
    'deployment',
    name,
    '-n',
    namespace,
    '-o',
    'jsonpath={.spec.replicas}',
  ])
  try {
    await scale('0')
    const pods = () => cluster.list(kinds.Pod, namespace, `app.kubernetes.io/name=${name}`)
    await eventually('no operator', async () => (await pods()).length === 0, SOON)
    return await work()
  } finally {
    await scale(replicas)
  }
}
