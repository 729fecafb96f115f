import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { breakPath } from './support/broken-path.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import { memoryLeak } from './support/memory-leak.ts'
import type { MemoryLeak } from './support/memory-leak.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { removeFromNode, tagOnNode } from './support/node-images.ts'
import { operandImage } from './support/operand-image.ts'
import { remediationOf, told } from './support/remediation.ts'
import type { RemediationView } from './support/remediation.ts'
import { deploymentOf, podSelector } from './support/rollout.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'
import type { Worker } from './support/workers.ts'
import { workloadOf } from './support/workload.ts'
import type { Workload } from './support/workload.ts'

interface Case {
  readonly worker: Worker
  readonly signal: string
  readonly action: string
  readonly says: RegExp
}
const cases: readonly Case[] = [
  { worker: 'audit', signal: 'OOMKilled', action: 'RaiseMemory', says: /audit was killed for using more than its mem/ },
  { worker: 'recurring-task', signal: 'ImagePullFailed', action: 'RollBack', says: /:e2e-removed/ },
  { worker: 'notification', signal: 'NotReady', action: 'Recreate', says: /is not ready: database: / },
]

const MEBIBYTE = 1024 ** 2
/** More than the ordinary limit of 256Mi; what a worker needs beside it fits into half as much again. */
const LEAK = 260 * MEBIBYTE

/**
 * What 25-remediation does not break: a process that outgrows its memory, an image that is gone from the node, a network that loses the
 * database for one pod, and a pod that the kubelet evicts, all in one system at once.
 */
describe('a system whose workers lose memory, image, database and node', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  let seen: RemediationView
  let users: Workload
  let leak: MemoryLeak | undefined
  let broken: number
  let ordinaryImage: string
  const pods = new Map<Worker, string>()

  const containerOf = async (worker: Worker) => {
    const deployment = await deploymentOf(cluster, namespace.name, 'todo', worker)
    const containers = (deployment?.spec.template.spec.containers ?? []) as readonly {
      readonly name: string
      readonly image: string
      readonly resources?: { readonly limits?: { readonly memory?: string } }
    }[]
    return containers.find(({ name }) => name === worker)
  }

  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'healing')
    todo = systemIn(cluster, namespace.name, 'todo')
    ordinaryImage = await operandImage(cluster, 'WORKERS')
    await todo.apply({ remediation: { unhealthyAfter: '10s', healthyDelay: '5s', minHealthy: 1 } })
    await todo.ready()
    seen = remediationOf(cluster, todo)
    users = await workloadOf(cluster, todo)

    const repository = ordinaryImage.slice(0, ordinaryImage.lastIndexOf(':'))
    const removed = `${repository}:e2e-removed`
    await tagOnNode(ordinaryImage, removed)
    await todo.edit({ services: { recurringTask: { image: { repository, tag: 'e2e-removed' } } } })
    await todo.ready()
    for (const { worker } of [...cases, { worker: 'chat-api' as const }]) pods.set(worker, await seen.pod(worker))

    broken = Date.now()
    await removeFromNode(removed)
    await cluster.kubectl(['delete', 'pod', pods.get('recurring-task') ?? '', '-n', namespace.name, '--wait=false'])
    await breakPath(cluster, { namespace: namespace.name, name: pods.get('notification') ?? '' }, 'postgresql')
    const audit = { namespace: namespace.name, selector: podSelector('todo', 'audit'), container: 'audit' }
    leak = memoryLeak(cluster, audit, LEAK)
    // More than the volume may hold: the kubelet looks once a minute.
    const fill = `require('fs').writeFileSync('/tmp/full', Buffer.alloc(${80 * MEBIBYTE}, 1))`
    const exec = ['exec', pods.get('chat-api') ?? '', '-n', namespace.name, '-c', 'chat-api', '--', 'node', '-e', fill]
    await cluster.kubectl(exec)
  })
  afterAll(async () => {
    await leak?.stop()
    await namespace.remove()
    await cluster.close()
  })

  it('heals each that Kubernetes does not, one after the other, while users go on', async () => {
    await eventually(
      'three actions, and no worker unhealthy',
      async () => {
        await users.work(1)
        const { remediation = [], services = [] } = await todo.status()
        const ended = remediation.filter(({ finishedAt }) => finishedAt !== undefined)
        if (ended.length >= cases.length && services.every(({ unhealthy }) => unhealthy === undefined)) return true
        throw new Error(JSON.stringify([remediation, services], null, 1))
      },
      240_000,
      1_000,
    )
    for (const line of told(await seen.ledger(), broken)) console.log(line)
  })

  it.each(cases)('has healed $worker of $signal by one $action', async ({ worker, signal, action, says }) => {
    const entries = (await seen.ledger()).filter((entry) => entry.worker === worker)
    expect(entries).toMatchObject([{ signal, action, step: 1, state: 'Succeeded', incident: expect.anything() }])
    expect(entries[0]?.message).toMatch(says)
    expect(await seen.pod(worker)).not.toBe(pods.get(worker))
  })

  it('has given the leaking worker half as much memory again, in which it lives on with its leak', async () => {
    expect((await containerOf('audit'))?.resources?.limits?.memory).toBe('384Mi')
    const before = await seen.pod('audit')
    const containers = leak?.containers() ?? 0
    expect(containers).toBeGreaterThan(1)
    await leak?.stop()
    await users.work(1)
    expect(await seen.pod('audit')).toBe(before)
  })

  it('has returned to the image of before', async () => {
    expect((await containerOf('recurring-task'))?.image).toBe(ordinaryImage)
    expect(await todo.condition('UpToDate')).toMatchObject({ status: 'False', reason: 'RolledBack' })
  })

  it('leaves an evicted pod to its ReplicaSet, and does nothing about it', async () => {
    const evicted = await eventually(
      'the eviction',
      async () => {
        const found = await cluster.list(kinds.Pod, namespace.name, podSelector('todo', 'chat-api'))
        return found.map((pod) => pod['status'] as { reason?: string }).find(({ reason }) => reason === 'Evicted')
      },
      150_000,
      1_000,
    )
    expect(evicted).toMatchObject({ phase: 'Failed', message: expect.stringContaining('"tmp"') })
    await eventually('another pod', async () => (await seen.pod('chat-api')) !== pods.get('chat-api'), 60_000)
    await eventually('health', async () => (await todo.condition('WorkersReady'))?.status === 'True', 60_000)
    expect((await seen.ledger()).filter(({ worker }) => worker === 'chat-api')).toEqual([])
  })

  it('has lost no event and taken none twice', async () => {
    await users.work(1)
    await users.isDoneOnce(60_000)
  })
})
