import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import type { ServiceStatus } from '../../operator/src/api/v1alpha1/schema/status.ts'
import { hasKeda } from '../cluster/keda.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventNotes } from './support/events.ts'
import { eventually, staysSo } from './support/eventually.ts'
import { addTasks, holdAudit } from './support/held-audit.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { deploymentOf } from './support/rollout.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/** KEDA looks at a worker without pods every 30 s, ms. */
const KEDA_LOOKS_AGAIN = 35_000

describe('the number of pods', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let todo: System
  let keda: boolean
  beforeAll(async () => {
    cluster = await testCluster()
    keda = await hasKeda(cluster)
    namespace = await testNamespace(cluster, 'scaling')
    todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const replicas = async (worker: string): Promise<number | undefined> =>
    (await deploymentOf(cluster, namespace.name, 'todo', worker))?.spec.replicas
  const service = async (worker: string): Promise<ServiceStatus | undefined> =>
    (await todo.status()).services?.find(({ name }) => name === worker)
  /** Everything in the namespace that scales, ours and what KEDA makes of it, as `Kind/name`. */
  const autoscalers = async (): Promise<string[]> => {
    const scaling = [kinds.HorizontalPodAutoscaler, ...(keda ? [kinds.ScaledObject] : [])]
    const lists = await Promise.all(
      scaling.map(async (kind) =>
        (await cluster.list(kind, namespace.name)).map(({ metadata }) => `${kind.kind}/${metadata.name}`),
      ),
    )
    return lists.flat()
  }

  it('that somebody set with kubectl scale is put back, and an event says who and what to do instead', async () => {
    await cluster.kubectl(['scale', 'deployment', 'todo-notification', '-n', namespace.name, '--replicas=2'])
    await eventually('one pod is asked for again', async () => (await replicas('notification')) === 1, 30_000)
    const notes = await eventually(
      'the event is there',
      async () => {
        const found = await eventNotes(cluster, namespace.name, 'ReplicasReverted')
        return found.length > 0 && found
      },
      30_000,
    )
    expect(notes[0]).toMatch(/^kubectl scaled Deployment\/todo-notification to 2; put back to 1/)
  })

  it('of one worker is changed by a patch of the resource, the way that the documentation names', async () => {
    const patch = JSON.stringify({ spec: { services: { notification: { replicas: 2 } } } })
    await cluster.kubectl(['patch', 'tcb', 'todo', '-n', namespace.name, '--type=merge', '-p', patch])
    await eventually('two are ready', async () => (await service('notification'))?.ready === 2, 120_000)
    await todo.edit({ services: { notification: { replicas: 1 } } })
  })

  it('of a consumer grows with its lag up to its partitions, and the lag goes', async () => {
    const held = await holdAudit(cluster, todo)
    try {
      await addTasks(todo, 60)
      await todo.edit({
        services: { audit: { autoscaling: { min: 1, max: 9, targetLag: 10, scaleDownAfter: '0s' } } },
      })
      await eventually('the lag is shown', async () => Number((await todo.status()).lag ?? 0) >= 50, 60_000)
      await eventually('three pods are asked for', async () => (await replicas('audit')) === 3, 120_000)
      expect(await service('audit')).toMatchObject({ scaling: { by: 'Autoscaler' } })
      expect(await autoscalers()).toEqual(
        keda
          ? ['HorizontalPodAutoscaler/keda-hpa-todo-audit', 'ScaledObject/todo-audit']
          : ['HorizontalPodAutoscaler/todo-audit'],
      )
      // The autoscaler says that it is limited by itself, a moment after it asked for the pods.
      await eventually(
        'the bound is said',
        async () => {
          expect(await todo.condition('ScalingLimited')).toMatchObject({ status: 'True', reason: 'PartitionsBound' })
          return true
        },
        60_000,
      )
    } finally {
      await held.release()
    }
    await eventually(
      'nothing waits any more',
      async () => {
        const audit = await service('audit')
        expect(audit?.lag?.map(({ lag }) => lag)).toEqual([0, 0])
        return true
      },
      120_000,
    )
    await eventually('the pods go again', async () => (await replicas('audit')) === 1, 120_000)
  })

  it('of none, set by hand where that is adopted, holds until somebody scales it up again', async () => {
    const scale = (count: number): Promise<string> =>
      cluster.kubectl(['scale', 'deployment', 'todo-audit', '-n', namespace.name, `--replicas=${count}`])
    await todo.edit({ services: { audit: { manualScaling: 'Adopt' } } })
    await todo.ready()
    await scale(0)
    await eventually('the autoscaler rests', async () => (await service('audit'))?.scaling?.by === 'Hand', 30_000)
    await staysSo(async () => expect(await replicas('audit')).toBe(0), keda ? KEDA_LOOKS_AGAIN : 5_000)
    await scale(1)
    await eventually('it goes on', async () => (await service('audit'))?.scaling?.by === 'Autoscaler', 30_000)
    await todo.ready()
  })

  it('is the spec’s again without autoscaling, and the autoscaler is gone', async () => {
    await todo.edit({ services: { audit: { autoscaling: null, manualScaling: null, replicas: 1 } } })
    await todo.ready()
    const name = { namespace: namespace.name, name: 'todo-audit' }
    expect(await cluster.get(kinds.HorizontalPodAutoscaler, name)).toBeUndefined()
    expect(await replicas('audit')).toBe(1)
    // KEDA lets go of its ScaledObject, and the garbage collector takes what KEDA made of it.
    await eventually('none is left of KEDA either', async () => (await autoscalers()).length === 0, 30_000)
  })

  it('follows CPU use where that is asked for: the autoscaler gets figures and can act', async () => {
    await todo.edit({ services: { chatApi: { autoscaling: { min: 1, max: 2, targetCPU: 900 } } } })
    await eventually(
      'the autoscaler acts on figures',
      async () => {
        const found = await cluster.get(kinds.HorizontalPodAutoscaler, {
          namespace: namespace.name,
          name: 'todo-chat-api',
        })
        const status = found?.['status'] as { conditions?: { type: string; status: string }[] } | undefined
        return status?.conditions?.some(({ type, status: held }) => type === 'ScalingActive' && held === 'True')
      },
      120_000,
    )
    expect(await replicas('chat-api')).toBe(1)
  })
})
