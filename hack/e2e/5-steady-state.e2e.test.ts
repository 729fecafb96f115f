import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followAuditLog } from '../bench/api-audit-log.ts'
import type { RecordedWrite } from '../bench/api-audit-log.ts'
import { signUp } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { podUids } from './support/rollout.ts'
import { settled } from './support/settled.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/** Who the operator is to the API server. */
const OPERATOR = 'system:serviceaccount:todochatbot-system:todochatbot-operator'

/** ms: longer than the longest period of the operator, 30 s. */
const PERIOD = 35_000

/** ms of idleness; hack/bench/run steady watches for ten minutes. */
const IDLE = 45_000

describe('a system that nobody changes', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'idle')
    todo = systemIn(cluster, namespace.name, 'todo')
    // A round of the routine checks asks the API server for the use of resources and for old Events: the first one is awaited, the next is far.
    await todo.apply({ maintenance: { checks: { interval: '24h' } } })
    await todo.ready()
    await eventually('the first routine checks', async () => (await todo.status()).lastCheck !== undefined, 120_000)
    await signUp(await todo.worker('chat-api'))
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  /** Requests of the operator for this namespace, or for all of them at once; other systems of the cluster may be at work. */
  const concernsUs = (request: RecordedWrite): boolean =>
    request.user === OPERATOR && request.resource !== 'leases' && ['', namespace.name].includes(request.namespace)

  it('costs the API server nothing: the operator neither writes nor reads, its Lease aside', async () => {
    await eventually('the lag is known', async () => (await todo.status()).lag !== undefined, 120_000)
    await settled(todo, PERIOD)
    const log = await followAuditLog(cluster.auditLogPath)
    const before = await todo.resource()
    await sleep(IDLE)
    // The resource first: its difference names what a needless write was about.
    expect(await todo.resource()).toEqual(before)
    expect((await log.next()).filter(concernsUs)).toEqual([])
  })

  it('is watched in the same log: an edit shows there as a write of the operator', async () => {
    const log = await followAuditLog(cluster.auditLogPath)
    await todo.edit({ services: { audit: { restartedAt: '2026-01-01T00:00:00Z' } } })
    const seen: RecordedWrite[] = []
    await eventually(
      'the Deployment written by the operator',
      async () => {
        seen.push(...(await log.next()))
        return seen.some(
          ({ user, resource, name }) => user === OPERATOR && resource === 'deployments' && name === 'todo-audit',
        )
      },
      30_000,
    )
  })

  it('is written to once per object and edit, and its status a few times', async () => {
    await todo.ready()
    const before = await podUids(cluster, namespace.name, 'todo', 'notification')
    const log = await followAuditLog(cluster.auditLogPath)
    await todo.edit({ services: { notification: { restartedAt: '2026-01-01T00:00:00Z' } } })
    const restarted = async (): Promise<boolean> =>
      (await podUids(cluster, namespace.name, 'todo', 'notification')).every((uid) => !before.includes(uid))
    await eventually('the new pod alone', restarted, 120_000)
    await todo.ready()
    await sleep(3_000)
    const reading = ['get', 'list']
    const writes = (await log.next()).filter((request) => concernsUs(request) && !reading.includes(request.verb))
    const objects = writes.filter(({ resource }) => !['todochatbots', 'events'].includes(resource))
    expect(objects.map(({ resource, name }) => `${resource}/${name}`)).toEqual(['deployments/todo-notification'])
    expect(writes.filter(({ subresource }) => subresource === 'status').length).toBeLessThanOrEqual(6)
  })
})
