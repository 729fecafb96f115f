import type { Name, TestCluster } from './cluster.ts'

const KAFKA = 9092
const broken = { 'e2e.todochatbot.dev/path-to-kafka': 'broken' }

/**
 * Cuts one pod off from Kafka while everything else reaches it and is reached by it, as a node does whose network is broken: it and its sidecar
 * stay healthy, and no event arrives. A pod that replaces it is not affected.
 */
export async function breakPathToKafka(cluster: TestCluster, { namespace, name }: Name): Promise<void> {
  const [label] = Object.entries(broken).map(([key, value]) => `${key}=${value}`)
  await cluster.kubectl(['label', 'pod', name, '-n', namespace, label ?? ''])
  const ports = [
    { protocol: 'TCP', port: 1, endPort: KAFKA - 1 },
    { protocol: 'TCP', port: KAFKA + 1, endPort: 65_535 },
    { protocol: 'UDP', port: 1, endPort: 65_535 },
  ]
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'path-to-kafka-broken', namespace },
    spec: { podSelector: { matchLabels: broken }, policyTypes: ['Egress'], egress: [{ ports }] },
  }
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(policy) })
}
