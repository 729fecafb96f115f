import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventNotes } from './support/events.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { deploymentOf, podUids } from './support/rollout.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'
import { workers } from './support/workers.ts'
import type { Worker } from './support/workers.ts'

/** RFC 3339 in whole seconds, so many ms from now. */
const inFuture = (ms: number): string => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z$/, 'Z')

describe('a change of running workers', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'rollouts')
    todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply({ update: { progressDeadline: '30s' } })
    await todo.ready()
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const serviceOf = async (worker: Worker) => (await todo.status()).services?.find(({ name }) => name === worker)
  const podsOf = (worker: Worker): Promise<readonly string[]> => podUids(cluster, namespace.name, 'todo', worker)
  const notes = (reason: string): Promise<readonly string[]> => eventNotes(cluster, namespace.name, reason)
  const memoryLimit = async (worker: Worker): Promise<string | undefined> => {
    const deployment = await deploymentOf(cluster, namespace.name, 'todo', worker)
    const containers = (deployment?.spec.template.spec.containers ?? []) as unknown as readonly {
      readonly name: string
      readonly resources?: { readonly limits?: { readonly memory?: string } }
    }[]
    return containers.find(({ name }) => name === worker)?.resources?.limits?.memory
  }
  /** Workers whose Deployment is under way: not observed, or with pods of two templates, or not all ready. */
  const rolling = async (): Promise<readonly Worker[]> => {
    const states = await Promise.all(
      workers.map(async (worker) => {
        const deployment = await deploymentOf(cluster, namespace.name, 'todo', worker)
        const status = (deployment?.status ?? {}) as Readonly<Record<string, number | undefined>>
        const seen = (status['observedGeneration'] ?? 0) >= (deployment?.metadata.generation ?? 0)
        return seen && status['replicas'] === 1 && status['updatedReplicas'] === 1 && status['readyReplicas'] === 1
      }),
    )
    return workers.filter((_, index) => states[index] !== true)
  }

  it('that restarts all goes from one to the next, consumers before chat-api, and never rolls two at once', async () => {
    const before = await Promise.all(workers.map(podsOf))
    await cluster.kubectl(['annotate', 'tcb', 'todo', '-n', namespace.name, 'todochatbot.dev/restart=1'])
    const order: Worker[] = []
    await eventually(
      'every worker restarted',
      async () => {
        const now = await rolling()
        if (now.length > 1) throw new Error(`${now.join(' and ')} roll at once`)
        const [worker] = now
        if (worker !== undefined && order.at(-1) !== worker) order.push(worker)
        const pods = await Promise.all(workers.map(podsOf))
        return now.length === 0 && pods.every((uids, index) => !uids.some((uid) => before[index]?.includes(uid)))
      },
      150_000,
      200,
    )
    expect(order).toEqual(workers)
    await todo.ready()
    expect((await notes('RolloutFinished')).map((note) => note.split(':')[0])).toEqual(
      expect.arrayContaining([...workers]),
    )
  })

  it('that needs no restart is taken over by the running pod, which confirms it, and is told as a difference', async () => {
    const pods = await podsOf('notification')
    await todo.edit({ services: { notification: { debugUntil: inFuture(60_000), config: { lateAfter: 7_000 } } } })
    await eventually(
      'the debug logging in the status',
      async () => (await serviceOf('notification'))?.temporary,
      30_000,
    )
    const config = await eventually(
      'the pod says so',
      async () => {
        const found = (await serviceOf('notification'))?.config
        return found?.confirmed === 1 && found
      },
      150_000,
      1_000,
    )
    const health = (await (await todo.worker('notification')).call('/health')).body as { config?: object }
    expect(health.config).toMatchObject({ revision: config.revision })
    expect(await podsOf('notification')).toEqual(pods)
    expect(await notes('ConfigurationChanged')).toContainEqual(
      expect.stringContaining('settings.lateAfter unset → 7000; taken over without a restart'),
    )
  })

  it('that does not come up is rolled back by itself: the old pods serve untouched, the others are not touched', async () => {
    const [audit, chatApi] = [await podsOf('audit'), await podsOf('chat-api')]
    const image = { repository: 'docker.io/todochatbot/workers', tag: 'no-such-tag' }
    await todo.edit({ services: { audit: { image } }, database: { pool: { max: 6 } } })
    await eventually(
      'the rollback',
      async () => {
        expect((await (await todo.worker('audit')).call('/readyz')).status).toBe(200)
        return (await todo.condition('UpToDate'))?.reason === 'RolledBack' && (await rolling()).length === 0
      },
      120_000,
      500,
    )
    expect(await podsOf('audit')).toEqual(audit)
    expect(await podsOf('chat-api')).toEqual(chatApi)
    expect((await todo.status()).blockedRevisions).toMatchObject([{ worker: 'audit' }])
    expect((await todo.condition('UpToDate'))?.message).toContain('no-such-tag')
    await todo.edit({ services: { audit: { image: null } }, database: { pool: null } })
    await todo.ready()
    expect(await podsOf('audit')).toEqual(audit)
  })

  it('that is a boost raises the resources and ends by itself, as debug logging does', async () => {
    const ordinary = await memoryLimit('audit')
    const boost = { memory: '600Mi', reason: 'end to end test', until: inFuture(25_000) }
    await todo.edit({ services: { audit: { boost } } })
    await eventually('the boost', async () => (await memoryLimit('audit')) === '600Mi', 30_000)
    await eventually('its end', async () => (await memoryLimit('audit')) === ordinary, 90_000)
    await todo.ready()
    for (const reason of ['BoostStarted', 'BoostEnded', 'DebugStarted', 'DebugEnded'])
      await eventually(`an Event ${reason}`, async () => (await notes(reason)).length > 0, 30_000)
  })
})
