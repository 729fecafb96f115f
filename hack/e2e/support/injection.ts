import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'

const webhook = ['mutatingwebhookconfiguration', 'dapr-sidecar-injector']

/** How long (ms) the API server may take to follow a change of its webhooks. */
const SOON = 30_000

/** Runs `work` while Dapr's injector does not see the pods of one namespace, as when it is down; other namespaces keep it. */
export async function withoutInjection<T>(cluster: TestCluster, namespace: string, work: () => Promise<T>): Promise<T> {
  const before = JSON.parse(
    await cluster.kubectl(['get', ...webhook, '-o', 'jsonpath={.webhooks[0].namespaceSelector}']),
  ) as Readonly<Record<string, unknown>>
  const select = (value: object): Promise<string> => {
    const patch = JSON.stringify([{ op: 'add', path: '/webhooks/0/namespaceSelector', value }])
    return cluster.kubectl(['patch', ...webhook, '--type=json', '-p', patch])
  }
  const others = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [namespace] }
  const expressions = (before['matchExpressions'] ?? []) as readonly object[]
  try {
    await select({ ...before, matchExpressions: [...expressions, others] })
    await eventually('no injection', async () => !(await isInjected(cluster, namespace)), SOON)
    return await work()
  } finally {
    await select(before)
    await eventually('injection', () => isInjected(cluster, namespace), SOON)
  }
}

/** Whether a pod made now would get a sidecar. None is made. */
async function isInjected(cluster: TestCluster, namespace: string): Promise<boolean> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', annotations: { 'dapr.io/enabled': 'true', 'dapr.io/app-id': 'probe' } },
    spec: { containers: [{ name: 'probe', image: 'example.com/probe' }] },
  }
  const args = ['create', '-n', namespace, '--dry-run=server', '-o', 'jsonpath={..name}', '-f', '-']
  return (await cluster.kubectl(args, { input: JSON.stringify(pod) })).split(' ').includes('daprd')
}
