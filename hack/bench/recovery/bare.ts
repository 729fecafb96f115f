import type { TestCluster } from '../../e2e/support/cluster.ts'
import { operandImage } from '../../e2e/support/operand-image.ts'

/** Deployments of one pod each: a second kill of the same container would meet the kubelet's back-off. */
export const bareNames = ['bare-0', 'bare-1', 'bare-2', 'bare-3'] as const

/** Creates them with the probe of a worker and waits until they are available. */
export async function createBare(cluster: TestCluster, namespace: string): Promise<void> {
  const container = {
    name: 'bare',
    image: await operandImage(cluster, 'WORKERS'),
    command: ['node', '-e', 'require("http").createServer((_, response) => response.end()).listen(8000)'],
    readinessProbe: { httpGet: { port: 8000, path: '/' }, periodSeconds: 2 },
    resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  }
  const pod = { automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, containers: [container] }
  const items = bareNames.map((name) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: pod },
    },
  }))
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], { input })
  await cluster.kubectl(['wait', '-n', namespace, '--for=condition=Available', 'deployment', ...bareNames], {
    timeout: 120_000,
  })
}
