import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IncidentStatus } from '../../operator/src/api/v1alpha1/incident.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import type { RemediationStatus } from '../../operator/src/api/v1alpha1/schema/status.ts'
import { breakPath } from './support/broken-path.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { containersOf } from './support/containers.ts'
import { crashLoop } from './support/crash-loop.ts'
import type { CrashLoop } from './support/crash-loop.ts'
import { eventually, staysSo } from './support/eventually.ts'
import { withoutInjection } from './support/injection.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { withoutOperator } from './support/operator.ts'
import { remediationOf, told } from './support/remediation.ts'
import type { RemediationView } from './support/remediation.ts'
import { podSelector } from './support/rollout.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'
import { workers } from './support/workers.ts'
import type { Worker } from './support/workers.ts'
import { workloadOf } from './support/workload.ts'
import type { Workload } from './support/workload.ts'

interface Case {
  readonly worker: Worker
  readonly signal: string
  readonly action: string
  readonly says: RegExp
  /** What its evidence lacks. */
  readonly missing: readonly RegExp[]
}
const cases: readonly Case[] = [
  {
    worker: 'recurring-task',
    signal: 'SidecarMissing',
    action: 'Recreate',
    says: /no container daprd/,
    missing: [/^sidecar metadata/],
  },
  {
    worker: 'notification',
    signal: 'CrashLoop',
    action: 'Recreate',
    says: /notification keeps ending/,
    missing: [],
  },
  {
    worker: 'audit',
    signal: 'ConsumerStuck',
    action: 'Restart',
    says: /takes no events although some wait/,
    missing: [],
  },
]

/** ms in which the operator notices or does something, on a machine that does other things as well. */
const SOON = 60_000

/** Workers fail in ways that Kubernetes does not mend, then the database fails. One story: the tests build on one another. */
describe('a system in which workers fail', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  let seen: RemediationView
  let users: Workload
  let loop: CrashLoop | undefined

  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'remediation')
    todo = systemIn(cluster, namespace.name, 'todo')
    const impatient = { unhealthyAfter: '10s', healthyDelay: '2s', stormCooldown: '10s' }
    await todo.apply({ remediation: { ...impatient, minHealthy: '100%' } })
    await todo.ready()
    seen = remediationOf(cluster, todo)
    users = await workloadOf(cluster, todo)
  })
  afterAll(async () => {
    await loop?.stop()
    await namespace.remove()
    await cluster.close()
  })

  /** Name (with the hash of its template) of every pod of the workers, and how often each of its containers was restarted. */
  const untouched = async (): Promise<readonly string[]> => {
    const found = await Promise.all(
      workers.map((worker) => containersOf(cluster, namespace.name, podSelector('todo', worker))),
    )
    return found
      .flat()
      .map(({ pod, name, restarts }) => `${pod} ${name} ${restarts}`)
      .toSorted()
  }
  const untilHeld = async (worker: Worker, because: RegExp): Promise<void> => {
    await eventually(
      `${worker} is held`,
      async () => {
        expect(await seen.unhealthy(worker)).toMatchObject({
          remediation: 'Held',
          because: expect.stringMatching(because) as string,
        })
        return true
      },
      SOON,
    )
  }

  describe('each in its own way', () => {
    const pods = new Map<Worker, string>()
    let broken: number

    beforeAll(async () => {
      for (const worker of workers) pods.set(worker, await seen.pod(worker))
      broken = Date.now()
      const podOfBefore = (worker: Worker) => ({ namespace: namespace.name, name: pods.get(worker) ?? '' })
      await breakPath(cluster, podOfBefore('audit'), 'kafka')
      loop = crashLoop(cluster, podOfBefore('notification'), 'notification')
      await withoutInjection(cluster, namespace.name, async () => {
        const { name } = podOfBefore('recurring-task')
        await cluster.kubectl(['delete', 'pod', name, '-n', namespace.name, '--wait=false'])
        await eventually('a pod in its place', async () => (await seen.pod('recurring-task')) !== name, SOON)
        pods.set('recurring-task', await seen.pod('recurring-task'))
      })
      await users.work(10)
    })
    afterAll(() => loop?.stop())

    it('leaves them alone while fewer are healthy than minHealthy asks for', async () => {
      for (const { worker, signal } of cases)
        await eventually(signal, async () => (await seen.unhealthy(worker))?.signal === signal, SOON)
      await untilHeld('recurring-task', /minHealthy|storm/)
      await untilHeld('notification', /minHealthy|storm/)
      expect(await seen.notes('RemediationStorm')).toHaveLength(1)
      expect(await seen.ledger()).toEqual([])
      expect(await Promise.all(workers.map((worker) => seen.pod(worker)))).toEqual(
        workers.map((worker) => pods.get(worker)),
      )
    })

    it('heals them one after the other when it may, while users go on', async () => {
      await todo.edit({ remediation: { minHealthy: 1 } })
      await eventually(
        'three actions, and no worker unhealthy',
        async () => {
          await users.work(1)
          const now = await todo.status()
          const ended = now.remediation?.filter(({ finishedAt }) => finishedAt !== undefined) ?? []
          if (ended.length >= 3 && now.services?.every((service) => service.unhealthy === undefined)) return true
          throw new Error(JSON.stringify([now.remediation, now.services], null, 1))
        },
        240_000,
        1_000,
      )
      await todo.ready()
      for (const line of told(await seen.ledger(), broken)) console.log(line)
      const entries = (await seen.ledger()).toReversed()
      for (const [index, entry] of entries.slice(1).entries())
        expect(Date.parse(entry.startedAt)).toBeGreaterThanOrEqual(Date.parse(entries[index]?.finishedAt ?? ''))
      expect(await seen.notes('RemediationStormOver')).toHaveLength(1)
    })

    it.each(cases)('has healed $worker of $signal by one $action, and tells of it', async (one) => {
      const { worker, signal, action, says, missing } = one
      const before = pods.get(worker) ?? ''
      const entries = (await seen.ledger()).filter((entry) => entry.worker === worker)
      expect(entries).toMatchObject([{ signal, action, step: 1, state: 'Succeeded' }])
      expect(entries[0]?.message).toMatch(says)
      if (action === 'Recreate') expect(entries[0]?.objects).toEqual([`Pod/${before}`])
      expect(await seen.pods(worker)).not.toContain(before)
      const told = `${action} of ${worker} because of ${signal}: `
      for (const reason of ['RemediationStarted', 'RemediationSucceeded'])
        expect((await seen.notes(reason)).filter((note) => note.startsWith(told))).toHaveLength(1)
      const incident = await cluster.get(kinds.Incident, {
        namespace: namespace.name,
        name: entries[0]?.incident ?? '',
      })
      const { archive, missing: lacking = [] } = incident?.['status'] as IncidentStatus
      expect(archive?.sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(lacking.map(({ what }) => what)).toEqual(missing.map((what) => expect.stringMatching(what) as string))
    })

    it('has left the worker alone that did not fail', async () => {
      expect(await seen.pod('chat-api')).toBe(pods.get('chat-api'))
    })

    it('has lost no event and taken none twice', () => users.isDoneOnce(SOON))
  })

  describe('because a Component was missing when its sidecar started', () => {
    let before: string
    let made: string

    beforeAll(async () => {
      before = await seen.pod('chat-api')
      await withoutOperator(cluster, async () => {
        await cluster.kubectl(['delete', 'component', 'todo-statestore', '-n', namespace.name])
        await cluster.kubectl(['delete', 'pod', before, '-n', namespace.name, '--wait=false'])
        await eventually('a pod in its place', async () => (await seen.pod('chat-api')) !== before, SOON)
        made = await seen.pod('chat-api')
        const ready = ['wait', '--for=condition=Ready', `pod/${made}`, '-n', namespace.name, '--timeout=60s']
        await cluster.kubectl(ready)
      })
    })

    it('recreates the pod, whose new sidecar loads it, and is Ready', async () => {
      await eventually(
        'a pod that was made anew',
        async () => {
          const [entry] = await seen.ledger()
          expect(entry).toMatchObject({ worker: 'chat-api', signal: 'ComponentNotLoaded', state: 'Succeeded' })
          expect(entry).toMatchObject({ action: 'Recreate', objects: [`Pod/${made}`] })
          expect(entry?.message).toMatch(/has not loaded todo-statestore/)
          return true
        },
        120_000,
        1_000,
      )
      await todo.ready()
      const { components = [] } = await todo.status()
      const store = components.find(({ name }) => name === 'todo-statestore')
      expect(store).toMatchObject({ loadedBy: ['todo-chat-api'], missingIn: [] })
    })

    it('has lost no event and taken none twice', async () => {
      await users.work(1)
      await users.isDoneOnce(SOON)
    })
  })

  describe('because the database keeps ending', () => {
    let before: readonly string[]
    let done: readonly RemediationStatus[]
    const nothingIsDone = async (): Promise<void> => {
      expect(await untouched()).toEqual(before)
      expect(await seen.ledger()).toEqual(done)
    }

    beforeAll(async () => {
      before = await untouched()
      done = await seen.ledger()
      loop = crashLoop(cluster, { namespace: namespace.name, name: 'todo-postgresql-0' }, 'postgresql')
    })
    afterAll(() => loop?.stop())

    it('says that the cause lies outside, and restarts nothing', async () => {
      for (const worker of workers) await untilHeld(worker, /^the cause lies outside: .*postgresql/)
      await staysSo(nothingIsDone, 15_000)
      expect(loop?.kills()).toBeGreaterThan(1)
    })

    it('is Ready by itself when the database is back, in the same processes', async () => {
      await loop?.stop()
      await todo.ready()
      await nothingIsDone()
      expect((await todo.status()).storm).toBeUndefined()
      await users.work(1)
      await users.isDoneOnce(SOON)
    })
  })
})
