/** What an isolated worker looks like in the cluster, as assertions that wait. The worker is audit unless a test says otherwise. */
import { expect } from 'vitest'
import type { Isolated } from '../../src/api/v1alpha1/schema/temporary.ts'
import { kinds } from '../../src/kube/kinds.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { getOr, until, type TestCluster } from './harness.ts'

/** `spec.services.<worker>.isolated`, ending in an hour. @param forMs how long it lasts from now */
export const isolated = (mode: 'ScaleDown' | 'Network', forMs = 3_600_000): Isolated => ({
  mode,
  reason: 'looks odd',
  by: 'alice',
  until: `${new Date(Date.now() + forMs).toISOString().slice(0, 19)}Z`,
})

/** Incidents of isolations, oldest first. */
export const incidentsOf = async ({ client }: TestCluster, namespace: string): Promise<readonly KubeObject[]> => {
  const { items } = await client.list(kinds.Incident, { namespace })
  return items
    .filter((incident) => (incident['spec'] as { trigger: string }).trigger === 'Isolation')
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
}

/** See the header of this file. */
export interface IsolationWorld {
  deployment: (worker?: string) => Promise<KubeObject>
  pods: () => Promise<readonly KubeObject[]>
  isScaledDown: () => Promise<void>
  isCutOff: () => Promise<void>
  /** Nothing is left of any isolation. */
  isAsBefore: (replicas?: number) => Promise<void>
}

/** Looks at the system `todo` of a namespace. */
export function isolationWorld(cluster: TestCluster, namespace: string): IsolationWorld {
  const { client } = cluster
  const deployment = async (worker = 'audit'): Promise<KubeObject> =>
    client.get(kinds.Deployment, { namespace, name: `todo-${worker}` })
  const pods = async (): Promise<readonly KubeObject[]> => {
    const { items } = await client.list(kinds.Pod, { namespace, labelSelector: 'app.kubernetes.io/name=audit' })
    return items
  }
  const seen = async () => {
    const { spec, metadata } = await deployment()
    const { replicas, paused = false } = spec as { replicas: number; paused?: boolean }
    const service = await client.get(kinds.Service, { namespace, name: 'todo-audit' })
    const policy = await getOr(client, kinds.NetworkPolicy, { namespace, name: 'todo-audit-isolated' })
    const marks = Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith('todochatbot.dev/isolated'))
    return {
      replicas,
      paused,
      marks: marks.sort(),
      serves: !('todochatbot.dev/isolated' in (service['spec'] as { selector: object }).selector),
      policy: policy?.['spec'],
      openIncidents: (await incidentsOf(cluster, namespace)).filter(
        (incident) => incident.metadata.annotations?.['todochatbot.dev/closed-at'] === undefined,
      ).length,
    }
  }
  const looks = async (expected: object): Promise<void> => {
    let last: unknown
    await until('the worker is as expected', async () => {
      last = await seen()
      try {
        expect(last).toEqual(expected)
        return true
      } catch {
        return false
      }
    }).catch((error: unknown) => {
      expect(last).toEqual(expected)
      throw error
    })
  }
  return {
    deployment,
    pods,
    isScaledDown: async () => {
      await looks({
        replicas: 0,
        paused: false,
        marks: ['todochatbot.dev/isolated', 'todochatbot.dev/isolated-replicas'],
        serves: true,
        policy: undefined,
        openIncidents: 1,
      })
      await until('its pods are gone', async () => (await pods()).length === 0)
    },
    isCutOff: () =>
      looks({
        replicas: 1,
        paused: true,
        marks: ['todochatbot.dev/isolated'],
        serves: false,
        policy: {
          podSelector: { matchLabels: { 'app.kubernetes.io/instance': 'todo', 'app.kubernetes.io/name': 'audit' } },
          policyTypes: ['Egress', 'Ingress'],
        },
        openIncidents: 1,
      }),
    isAsBefore: async (replicas = 1) => {
      await looks({ replicas, paused: false, marks: [], serves: true, policy: undefined, openIncidents: 0 })
    },
  }
}
