import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds, type ResourceKind } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import {
  applyBot,
  getOr,
  startOperator,
  startTestCluster,
  statusOf,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'

type Audit = NonNullable<NonNullable<TodoChatbotSpecInput['services']>['audit']>

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespace = await cluster.namespace()
  await edit({ replicas: 2 })
  await ready()
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})

const edit = async (audit: Audit): Promise<void> => {
  await applyBot(cluster.client, namespace, {
    kafka: { mode: 'External', bootstrapServers: [kafka.brokers] },
    services: { audit },
  })
}
const ready = async (): Promise<void> => {
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
}
const get = (kind: ResourceKind, name = 'todo-audit'): Promise<KubeObject | undefined> =>
  getOr(cluster.client, kind, { namespace, name })
const replicas = async (): Promise<number | undefined> =>
  ((await get(kinds.Deployment))?.['spec'] as { replicas?: number } | undefined)?.replicas
const asked = async (): Promise<string | undefined> =>
  (await get(kinds.Deployment))?.metadata.annotations?.['todochatbot.dev/replicas']
const audit = async () => (await statusOf(cluster.client, namespace))?.services?.find(({ name }) => name === 'audit')

/** As `kubectl scale` and the autoscaler's controller do: an update by another field manager. */
const scale = async (count: number, fieldManager = 'kubectl'): Promise<void> => {
  await cluster.client.patch(
    kinds.Deployment,
    { namespace, name: 'todo-audit' },
    { spec: { replicas: count } },
    { fieldManager },
  )
}
/** Every number of replicas the Deployment has while `work` runs. */
async function numbersDuring(work: () => Promise<unknown>): Promise<Set<number | undefined>> {
  const seen = new Set<number | undefined>()
  const done = new AbortController()
  const looking = (async () => {
    while (!done.signal.aborted) seen.add(await replicas())
  })()
  await work()
  done.abort()
  await looking
  return seen
}
const eventNotes = async (reason: string): Promise<string[]> => {
  const { items } = await cluster.client.list(kinds.Event, { namespace })
  return items.filter((event) => event['reason'] === reason).map((event) => String(event['note']))
}
const autoscaling = { min: 1, max: 9, targetCPU: 80, targetLag: 100 }

describe('a number set by hand', () => {
  test('is put back, and an Event says who set it and what to do instead', async () => {
    await scale(3)
    await until('it is put back', async () => (await replicas()) === 2)
    const [note] = await until('the event is there', async () => {
      const notes = await eventNotes('ReplicasReverted')
      return notes.length > 0 && notes
    })
    expect(note).toMatch(
      /^kubectl scaled Deployment\/todo-audit to 3; put back to 2\. Edit spec\.services\.audit\.replicas/,
    )
  })

  test('stays where that is adopted, also over a restart of the operator, until replicas is edited', async () => {
    await edit({ replicas: 2, manualScaling: 'Adopt' })
    await ready()
    await scale(3)
    await until('status says so', async () => (await audit())?.scaling?.by === 'Hand')
    expect(await audit()).toMatchObject({ desired: 3, scaling: { reason: 'SetByHand' } })
    await operator.stop()
    operator = startOperator(cluster)
    await edit({ replicas: 2, manualScaling: 'Adopt', logLevel: 'warn' })
    await ready()
    expect(await replicas()).toBe(3)
    await edit({ replicas: 1, manualScaling: 'Adopt' })
    await until('the edit counts', async () => (await replicas()) === 1)
    await until('status says so', async () => (await audit())?.scaling?.by === 'Spec')
  })
})

describe('autoscaling', () => {
  test('takes over from the number that is there, without a jump, and its numbers are left alone', async () => {
    await edit({ replicas: 3 })
    await until('there are three', async () => (await replicas()) === 3)
    await ready()
    const seen = await numbersDuring(async () => {
      await edit({ autoscaling })
      await until('the field is given up', async () => (await asked()) === 'autoscaler')
      await ready()
    })
    expect([...seen]).toEqual([3])
    expect((await get(kinds.HorizontalPodAutoscaler))?.['spec']).toMatchObject({
      minReplicas: 1,
      // Three partitions: more pods would get no events.
      maxReplicas: 3,
      scaleTargetRef: { kind: 'Deployment', name: 'todo-audit' },
    })
    await untilCondition(cluster.client, namespace, {
      type: 'ScalingLimited',
      status: 'True',
      reason: 'PartitionsBound',
    })
    await scale(2, 'kube-controller-manager')
    await until('status follows', async () => (await audit())?.desired === 2)
    await ready()
    expect(await replicas()).toBe(2)
    expect((await audit())?.scaling).toMatchObject({ by: 'Autoscaler' })
  })

  test('is raised from a 0 set by hand, on which no autoscaler acts', async () => {
    await scale(0)
    await until('it is at the minimum', async () => (await replicas()) === 1)
  })

  test('gives the number back when it is switched off, and goes away', async () => {
    await scale(3, 'kube-controller-manager')
    const seen = await numbersDuring(async () => {
      await edit({ replicas: 2 })
      await until('the spec counts again', async () => (await asked()) === '2')
      await until('it is gone', async () => (await get(kinds.HorizontalPodAutoscaler)) === undefined)
      await ready()
    })
    expect([...seen]).toEqual([3, 2])
    await untilCondition(cluster.client, namespace, { type: 'ScalingLimited', status: 'False' })
  })

  test('of a worker that has no pods yet starts at the minimum', async () => {
    await edit({ autoscaling: { ...autoscaling, min: 2 } })
    await until('the field is given up', async () => (await asked()) === 'autoscaler')
    await cluster.client.delete(kinds.Deployment, { namespace, name: 'todo-audit' })
    await until('it is back and handed over', async () => (await asked()) === 'autoscaler' && (await replicas()) === 2)
    await ready()
  })
})

test('more pods than partitions are not started, and condition, event and status say why', async () => {
  await edit({ replicas: 5 })
  await untilCondition(cluster.client, namespace, { type: 'ScalingLimited', status: 'True', reason: 'PartitionsBound' })
  await until('three are started', async () => (await replicas()) === 3)
  await ready()
  expect((await audit())?.scaling).toMatchObject({ by: 'Spec', reason: 'PartitionsBound' })
  await until('the event is there', async () =>
    (await eventNotes('ReplicasCapped')).some((note) => note.includes('is 5')),
  )
})

test('several pods get a disruption budget, which goes with them', async () => {
  await until('it is there', async () => (await get(kinds.PodDisruptionBudget)) !== undefined)
  await edit({ replicas: 1 })
  await until('it is gone', async () => (await get(kinds.PodDisruptionBudget)) === undefined)
})

test('a steady system writes nothing, lag and autoscalers included', async () => {
  await edit({ autoscaling })
  await until('the field is given up', async () => (await asked()) === 'autoscaler')
  await ready()
  const looked = async (): Promise<string | undefined> => (await statusOf(cluster.client, namespace))?.lag
  await until('the lag is known', async () => (await looked()) === '0')
  const before = operator.requests.length
  // Three periods of the Kafka watch: what it finds is the same each time.
  await new Promise((resolve) => setTimeout(resolve, 3_500))
  expect(operator.requests.slice(before)).toEqual([])
})
