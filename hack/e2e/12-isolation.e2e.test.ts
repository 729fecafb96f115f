import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IncidentStatus } from '../../operator/src/api/v1alpha1/incident.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../operator/src/kube/object.ts'
import { signUp } from './support/account.ts'
import type { Account } from './support/account.ts'
import { auditTrail } from './support/audit-trail.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { secretValue } from './support/database.ts'
import { eventually, staysSo } from './support/eventually.ts'
import { archiveReport } from './support/evidence.ts'
import { kafkaOf, withKafkaAdmin } from './support/kafka.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { shellOf } from './support/reachability.ts'
import type { PodShell, Target } from './support/reachability.ts'
import { serviceAddress } from './support/service-address.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/**
 * A worker is taken out of a running system, by the network and by scaling down, while users go on. What counts is what connections do, not
 * what objects say: they are made from inside the pods.
 */
describe('an isolated worker', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  let user: Account
  let made = 0

  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'isolation')
    todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
    user = await signUp(await todo.worker('chat-api'))
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const createTasks = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      await user.change('/api/v1/tasks', { method: 'POST', body: { title: `task ${(made += 1)}` } })
    }
  }
  const isolate = async (mode: 'Network' | 'ScaleDown'): Promise<void> => {
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await todo.edit({ services: { audit: { isolated: { mode, reason: 'odd entries', by: 'alice', until } } } })
    await eventually(
      'the isolation is in force',
      async () => (await todo.condition('Isolated'))?.status === 'True',
      180_000,
    )
  }
  const giveBack = async (): Promise<void> => {
    await todo.edit({ services: { audit: { isolated: null } } })
    await todo.ready()
  }
  const everythingIsAudited = async (): Promise<void> => {
    const token = await secretValue(cluster, namespace.name, 'todo-auth', 'serviceToken')
    const trail = auditTrail(await todo.worker('audit'), token)
    await eventually(
      'the backlog is worked off',
      async () => {
        const created = (await trail.entries()).filter(({ action }) => action === 'CREATED')
        expect(created.length).toBe(made)
        return true
      },
      180_000,
    )
    expect(await trail.verify()).toMatchObject({ ok: true, gaps: [], duplicates: [], hashBreaks: [] })
  }
  const incidents = async (): Promise<readonly KubeObject[]> =>
    (await cluster.list(kinds.Incident, namespace.name)).toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
    )

  describe('cut off from the network', () => {
    let pod: PodShell
    let neighbour: PodShell
    let outside: readonly Target[]
    let cut: Promise<string>

    beforeAll(async () => {
      await createTasks(5)
      await everythingIsAudited()
      pod = await shellOf(cluster, namespace.name, 'audit')
      neighbour = await shellOf(cluster, namespace.name, 'notification')
      const address = async (what: string, of: string, name: string): Promise<Target> => ({
        what,
        ...(await serviceAddress(cluster, of, name)),
      })
      outside = [
        await address('PostgreSQL', namespace.name, 'todo-postgresql'),
        await address('Kafka', namespace.name, 'todo-kafka'),
        await address('DNS', 'kube-system', 'kube-dns'),
        await address('API server', 'default', 'kubernetes'),
        { what: 'a neighbour', host: neighbour.ip, port: 3002 },
        { what: "a neighbour's sidecar", host: neighbour.ip, port: 3501 },
        { what: 'a name', host: `todo-kafka.${namespace.name}.svc`, port: 9092 },
      ]
      expect(await pod.reaches(outside)).toEqual(outside.map(({ what }) => what))
      cut = pod.pingUntilCut(await serviceAddress(cluster, namespace.name, 'todo-redis'))
      await isolate('Network')
    })

    it('reaches nothing, not even on a connection that was open', async () => {
      expect((await cut).trim().split('\n')).toEqual(['answered', 'cut'])
      expect(await pod.reaches(outside)).toEqual([])
    })

    it('is reached by nothing but the kubelet', async () => {
      const targets = [
        { what: 'worker', host: pod.ip, port: 3003 },
        { what: 'sidecar', host: pod.ip, port: 3501 },
      ]
      expect(await neighbour.reaches(targets)).toEqual([])
      expect(
        await cluster.kubectl(['logs', '-n', namespace.name, pod.pod.metadata.name, '-c', 'daprd', '--tail=1']),
      ).not.toBe('')
      const { endpoints = [] } = await slice()
      expect(endpoints).toEqual([])
    })

    it('keeps running, untouched by probes, restarts and edits, while its neighbours go on', async () => {
      await todo.edit({ services: { audit: { restartedAt: new Date().toISOString() } } })
      await createTasks(10)
      expect(await neighbour.reaches(outside.slice(0, 3))).toEqual(['PostgreSQL', 'Kafka', 'DNS'])
      await staysSo(async () => {
        const now = await cluster.get(kinds.Pod, { namespace: namespace.name, name: pod.pod.metadata.name })
        const { phase, containerStatuses = [] } = now?.['status'] as {
          phase: string
          containerStatuses?: readonly { restartCount: number }[]
        }
        expect({ uid: now?.metadata.uid, phase }).toEqual({ uid: pod.pod.metadata.uid, phase: 'Running' })
        expect(containerStatuses.map(({ restartCount }) => restartCount)).toEqual([0, 0])
      }, 20_000)
    })

    it('has left its consumer group', async () => {
      const kafka = await kafkaOf(cluster, namespace.name, 'todo')
      await eventually(
        'the group is empty',
        () =>
          withKafkaAdmin(kafka, async (admin) => {
            const { groups } = await admin.describeGroups([`${namespace.name}.todo-audit`])
            return groups[0]?.members.length === 0
          }),
        120_000,
        1_000,
      )
    })

    it('works off what was left when it comes back, and its chain is whole', async () => {
      await giveBack()
      await everythingIsAudited()
      expect(
        await cluster.get(kinds.NetworkPolicy, { namespace: namespace.name, name: 'todo-audit-isolated' }),
      ).toBeUndefined()
    })

    const slice = async (): Promise<{ endpoints?: readonly unknown[] | null }> => {
      const selector = 'kubernetes.io/service-name=todo-audit'
      const args = ['get', 'endpointslices', '-n', namespace.name, '-l', selector, '-o', 'json']
      const { items } = JSON.parse(await cluster.kubectl(args)) as {
        items: readonly { endpoints: readonly unknown[] | null }[]
      }
      return { endpoints: items.flatMap(({ endpoints }) => endpoints ?? []) }
    }
  })

  describe('scaled down', () => {
    it('has no pods, its events wait, and it works them off when it comes back', async () => {
      await isolate('ScaleDown')
      await eventually(
        'its pods are gone',
        async () => (await cluster.list(kinds.Pod, namespace.name, 'app.kubernetes.io/name=audit')).length === 0,
        120_000,
      )
      await createTasks(10)
      await giveBack()
      await everythingIsAudited()
    })
  })

  it('has left evidence of both occasions: checksummed, with its logs, without secrets', async () => {
    const taken = await incidents()
    expect(taken.map(({ spec }) => (spec as { trigger: string }).trigger)).toEqual(['Isolation', 'Isolation'])
    const [first] = taken
    if (first === undefined) throw new Error('there is an Incident')
    const status = first['status'] as IncidentStatus
    expect(status, JSON.stringify(status)).toMatchObject({ phase: 'Succeeded' })
    const { containers } = (
      (await cluster.get(kinds.Deployment, { namespace: namespace.name, name: 'todo-audit' }))?.['spec'] as {
        template: { spec: { containers: readonly { image: string }[] } }
      }
    ).template.spec
    const report = await archiveReport(cluster, first, { image: containers[0]?.image ?? '', secret: 'todo-database' })
    expect(report).toMatchObject({ sha256: status.archive?.sha256, leaks: [] })
    for (const part of [
      /^pods\/.*\/logs\/audit\.log$/,
      /^pods\/.*\/logs\/daprd\.log$/,
      /sidecar-metadata/,
      /replicasets/,
    ])
      expect(report.files.filter((file) => part.test(file))).not.toEqual([])
    expect(report.files).toEqual(
      expect.arrayContaining(['events.json', 'consumer-offsets.json', 'todochatbot.json', 'manifest.json']),
    )
  })
})
