import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { operandImage } from './support/operand-image.ts'

describe("the dev cluster's metrics", () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'metrics')
    const labels = { app: 'busy' }
    const container = {
      name: 'busy',
      image: await operandImage(cluster, 'WORKERS'),
      command: ['node', '-e', 'for (;;);'],
      resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
    }
    const spec = { automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, containers: [container] }
    const objects = [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'busy' },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      },
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'busy' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'busy' },
          minReplicas: 1,
          maxReplicas: 2,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
          ],
        },
      },
    ]
    await cluster.kubectl(['apply', '-n', namespace.name, '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    })
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  it('tell what a pod uses: kubectl top pods', async () => {
    const line = await eventually(
      'figures of the busy pod',
      async () =>
        /^busy-\S+\s+(\d+)m\s+(\d+)Mi/m.exec(await cluster.kubectl(['top', 'pods', '-n', namespace.name])) ?? undefined,
      90_000,
      1_000,
    )
    // It takes all it may have, four times what it asks for; the first look at its memory is an early one.
    expect(Number(line[1])).toBeGreaterThan(50)
    expect(Number(line[2])).toBeGreaterThan(0)
  })

  it('tell what the node uses: kubectl top nodes', async () => {
    expect(await cluster.kubectl(['top', 'nodes'])).toMatch(/^todochatbot-dev\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%/m)
  })

  it('drive a HorizontalPodAutoscaler on CPU', async () => {
    const desired = ['get', 'hpa', 'busy', '-n', namespace.name, '-o', 'jsonpath={.status.desiredReplicas}']
    await eventually('a second replica', async () => (await cluster.kubectl(desired)) === '2', 90_000, 1_000)
    const scale = ['get', 'deployment', 'busy', '-n', namespace.name, '-o', 'jsonpath={.spec.replicas}']
    expect(await cluster.kubectl(scale)).toBe('2')
  })
})
