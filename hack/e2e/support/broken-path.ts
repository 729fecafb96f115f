import type { Name, TestCluster } from './cluster.ts'

/** Ports of what a worker depends on. */
const ports = { kafka: 9092, postgresql: 5432 } as const

/**
 * Cuts one pod off from Kafka or PostgreSQL while everything else reaches it and is reached by it, as a node does whose network is broken. A pod
 * that replaces it is not affected.
 */
export async function breakPath(
  cluster: TestCluster,
  { namespace, name }: Name,
  to: keyof typeof ports,
): Promise<void> {
  const broken = `e2e.todochatbot.dev/path-to-${to}`
  await cluster.kubectl(['label', 'pod', name, '-n', namespace, `${broken}=broken`])
  const allowed = [
    { protocol: 'TCP', port: 1, endPort: ports[to] - 1 },
    { protocol: 'TCP', port: ports[to] + 1, endPort: 65_535 },
    { protocol: 'UDP', port: 1, endPort: 65_535 },
  ]
  const podSelector = { matchLabels: { [broken]: 'broken' } }
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `path-to-${to}-broken`, namespace },
    spec: { podSelector, policyTypes: ['Egress'], egress: [{ ports: allowed }] },
  }
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(policy) })
}
