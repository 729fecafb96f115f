import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IncidentStatus } from '../../operator/src/api/v1alpha1/incident.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import type { RemediationStatus, ServiceStatus } from '../../operator/src/api/v1alpha1/schema/status.ts'
import { signUp } from './support/account.ts'
import type { Account, TaskBody } from './support/account.ts'
import { auditTrail } from './support/audit-trail.ts'
import { breakPathToKafka } from './support/broken-path.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { containersOf } from './support/containers.ts'
import { crashLoop } from './support/crash-loop.ts'
import type { CrashLoop } from './support/crash-loop.ts'
import { databaseOf, secretValue } from './support/database.ts'
import { eventually, staysSo } from './support/eventually.ts'
import { withoutInjection } from './support/injection.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { withoutOperator } from './support/operator.ts'
import { podSelector } from './support/rollout.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

const workers = ['audit', 'recurring-task', 'notification', 'chat-api'] as const
type Worker = (typeof workers)[number]

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
  let users: readonly Account[]
  let loop: CrashLoop | undefined
  const made = { tasks: 0, reminders: 0 }

  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'remediation')
    todo = systemIn(cluster, namespace.name, 'todo')
    const impatient = { unhealthyAfter: '10s', healthyDelay: '2s', stormCooldown: '10s' }
    await todo.apply({ remediation: { ...impatient, minHealthy: '100%' } })
    await todo.ready()
    const chatApi = await todo.worker('chat-api')
    users = await Promise.all(Array.from({ length: 4 }, () => signUp(chatApi)))
  })
  afterAll(async () => {
    await loop?.stop()
    await namespace.remove()
    await cluster.close()
  })

  /** So many tasks of every user with a reminder each, and one that recurs and is completed. */
  const work = async (count: number): Promise<void> => {
    const at = new Date(Date.now() + 86_400_000).toISOString()
    await Promise.all(
      users.map(async (user) => {
        const create = async (body: object): Promise<TaskBody> =>
          (await user.change('/api/v1/tasks', { method: 'POST', body: { title: 'work', ...body } })).body as TaskBody
        for (let index = 0; index < count; index += 1) await create({ reminders: [{ type: 'absolute', at }] })
        const { id } = await create({ dueAt: at, recurrence: { rrule: 'FREQ=DAILY' } })
        await user.change(`/api/v1/tasks/${id}/complete`, { method: 'POST' })
        made.reminders += count
        // The completed one has a successor.
        made.tasks += count + 2
      }),
    )
  }
  const everythingIsDoneOnce = async (): Promise<void> => {
    const token = await secretValue(cluster, namespace.name, 'todo-auth', 'serviceToken')
    const trail = auditTrail(await todo.worker('audit'), token)
    const database = await databaseOf(cluster, namespace.name, 'todo')
    await eventually(
      'every task is audited and has its reminder or its successor',
      async () => {
        const audited = (await trail.entries()).filter(({ action }) => action === 'CREATED').length
        const [stored] = await database.query(
          'SELECT (SELECT count(*)::int FROM tasks) AS tasks, (SELECT count(*)::int FROM reminders) AS reminders',
        )
        expect({ audited, ...stored }).toEqual({ audited: made.tasks, ...made })
        return true
      },
      SOON,
    )
    expect(await trail.verify()).toMatchObject({ ok: true, gaps: [], duplicates: [], hashBreaks: [] })
  }
  const podsOf = async (worker: Worker): Promise<readonly string[]> => {
    const pods = await cluster.list(kinds.Pod, namespace.name, podSelector('todo', worker))
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name)
  }
  const podOf = async (worker: Worker): Promise<string> => {
    const [name, ...others] = await podsOf(worker)
    if (name === undefined || others.length > 0) throw new Error(`${worker} has not one pod`)
    return name
  }
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
  const ledger = async (): Promise<readonly RemediationStatus[]> => (await todo.status()).remediation ?? []
  const unhealthy = async (worker: Worker): Promise<ServiceStatus['unhealthy']> =>
    (await todo.status()).services?.find(({ name }) => name === worker)?.unhealthy
  const notes = async (reason: string): Promise<readonly string[]> => {
    const events = await cluster.list(kinds.Event, namespace.name)
    return events.filter((event) => event['reason'] === reason).map((event) => String(event['note']))
  }
  const untilHeld = async (worker: Worker, because: RegExp): Promise<void> => {
    await eventually(
      `${worker} is held`,
      async () => {
        expect(await unhealthy(worker)).toMatchObject({
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
      for (const worker of workers) pods.set(worker, await podOf(worker))
      broken = Date.now()
      const podOfBefore = (worker: Worker) => ({ namespace: namespace.name, name: pods.get(worker) ?? '' })
      await breakPathToKafka(cluster, podOfBefore('audit'))
      loop = crashLoop(cluster, podOfBefore('notification'), 'notification')
      await withoutInjection(cluster, namespace.name, async () => {
        const { name } = podOfBefore('recurring-task')
        await cluster.kubectl(['delete', 'pod', name, '-n', namespace.name, '--wait=false'])
        await eventually('a pod in its place', async () => (await podOf('recurring-task')) !== name, SOON)
        pods.set('recurring-task', await podOf('recurring-task'))
      })
      await work(10)
    })
    afterAll(() => loop?.stop())

    it('leaves them alone while fewer are healthy than minHealthy asks for', async () => {
      for (const { worker, signal } of cases)
        await eventually(signal, async () => (await unhealthy(worker))?.signal === signal, SOON)
      await untilHeld('recurring-task', /minHealthy|storm/)
      await untilHeld('notification', /minHealthy|storm/)
      expect(await notes('RemediationStorm')).toHaveLength(1)
      expect(await ledger()).toEqual([])
      expect(await Promise.all(workers.map(podOf))).toEqual(workers.map((worker) => pods.get(worker)))
    })

    it('heals them one after the other when it may, while users go on', async () => {
      await todo.edit({ remediation: { minHealthy: 1 } })
      await eventually(
        'three actions, and no worker unhealthy',
        async () => {
          await work(1)
          const now = await todo.status()
          const ended = now.remediation?.filter(({ finishedAt }) => finishedAt !== undefined) ?? []
          if (ended.length >= 3 && now.services?.every((service) => service.unhealthy === undefined)) return true
          throw new Error(JSON.stringify([now.remediation, now.services], null, 1))
        },
        240_000,
        1_000,
      )
      await todo.ready()
      const entries = (await ledger()).toReversed()
      for (const { worker, signal, action, state, message, finishedAt } of entries) {
        const seconds = Math.round((Date.parse(finishedAt ?? '') - broken) / 1000)
        console.log(`${worker}: ${signal}, ${action} ${state} ${seconds} s after it began: ${message ?? ''}`)
      }
      for (const [index, entry] of entries.slice(1).entries())
        expect(Date.parse(entry.startedAt)).toBeGreaterThanOrEqual(Date.parse(entries[index]?.finishedAt ?? ''))
      expect(await notes('RemediationStormOver')).toHaveLength(1)
    })

    it.each(cases)('has healed $worker of $signal by one $action, and tells of it', async (one) => {
      const { worker, signal, action, says, missing } = one
      const before = pods.get(worker) ?? ''
      const entries = (await ledger()).filter((entry) => entry.worker === worker)
      expect(entries).toMatchObject([{ signal, action, step: 1, state: 'Succeeded' }])
      expect(entries[0]?.message).toMatch(says)
      if (action === 'Recreate') expect(entries[0]?.objects).toEqual([`Pod/${before}`])
      expect(await podsOf(worker)).not.toContain(before)
      const told = `${action} of ${worker} because of ${signal}: `
      for (const reason of ['RemediationStarted', 'RemediationSucceeded'])
        expect((await notes(reason)).filter((note) => note.startsWith(told))).toHaveLength(1)
      const incident = await cluster.get(kinds.Incident, {
        namespace: namespace.name,
        name: entries[0]?.incident ?? '',
      })
      const { archive, missing: lacking = [] } = incident?.['status'] as IncidentStatus
      expect(archive?.sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(lacking.map(({ what }) => what)).toEqual(missing.map((what) => expect.stringMatching(what) as string))
    })

    it('has left the worker alone that did not fail', async () => {
      expect(await podOf('chat-api')).toBe(pods.get('chat-api'))
    })

    it('has lost no event and taken none twice', everythingIsDoneOnce)
  })

  describe('because a Component was missing when its sidecar started', () => {
    let before: string
    let made: string

    beforeAll(async () => {
      before = await podOf('chat-api')
      await withoutOperator(cluster, async () => {
        await cluster.kubectl(['delete', 'component', 'todo-statestore', '-n', namespace.name])
        await cluster.kubectl(['delete', 'pod', before, '-n', namespace.name, '--wait=false'])
        await eventually('a pod in its place', async () => (await podOf('chat-api')) !== before, SOON)
        made = await podOf('chat-api')
        const ready = ['wait', '--for=condition=Ready', `pod/${made}`, '-n', namespace.name, '--timeout=60s']
        await cluster.kubectl(ready)
      })
    })

    it('recreates the pod, whose new sidecar loads it, and is Ready', async () => {
      await eventually(
        'a pod that was made anew',
        async () => {
          const [entry] = await ledger()
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
      await work(1)
      await everythingIsDoneOnce()
    })
  })

  describe('because the database keeps ending', () => {
    let before: readonly string[]
    let done: readonly RemediationStatus[]
    const nothingIsDone = async (): Promise<void> => {
      expect(await untouched()).toEqual(before)
      expect(await ledger()).toEqual(done)
    }

    beforeAll(async () => {
      before = await untouched()
      done = await ledger()
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
      await work(1)
      await everythingIsDoneOnce()
    })
  })
})
