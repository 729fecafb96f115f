import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../src/kube/kinds.ts'
import {
  applyBot,
  startOperator,
  startTestCluster,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'
import { isolated, isolationWorld, type IsolationWorld } from './support/isolation.ts'

/**
 * Which procedure yields to which, pair by pair, for those that exist: isolation > update and restart > scale; a pause holds all but isolation.
 * One procedure is going on at audit, the other one is asked for; then it is looked at what the Deployment holds.
 */
let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let world: IsolationWorld
let namespace: string
let count = 0

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(async () => {
  cluster.workloads.heal()
  await cluster.client.delete(kinds.TodoChatbot, { namespace, name: 'todo' })
})

type Audit = NonNullable<NonNullable<TodoChatbotSpecInput['services']>['audit']>
type Asked = { readonly audit?: Audit; readonly paused?: TodoChatbotSpecInput['paused'] }

const edit = async ({ audit = {}, paused }: Asked): Promise<void> => {
  await applyBot(cluster.client, namespace, {
    ...(paused === undefined ? {} : { paused }),
    services: { audit },
    kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `y${count}.` },
  })
}
/** What the Deployment of audit holds now. */
const held = async () => {
  const { replicas, paused, template } = (await world.deployment())['spec'] as {
    replicas: number
    paused?: boolean
    template: { metadata: { annotations: Record<string, string> } }
  }
  return { replicas, paused: paused === true, restart: template.metadata.annotations['todochatbot.dev/restarted-at'] }
}

const restart = { restartedAt: '2026-12-31T18:00:00Z' }
const scale = { replicas: 2 }
const pause = (): Asked['paused'] => ({ reason: 'freeze', by: 'bob', until: isolated('Network').until })
const condition = (type: string, status: string, reason?: string): Promise<unknown> =>
  untilCondition(cluster.client, namespace, { type, status, ...(reason === undefined ? {} : { reason }) })
const normal = { replicas: 1, paused: false, restart: undefined }

interface Pair {
  readonly first: string
  readonly then: string
  readonly begin: () => Asked
  readonly ask: (first: Asked) => Asked
  /** Waits until the operator has dealt with both. */
  readonly settled: () => Promise<unknown>
  readonly holds: object
}

const isolating = (mode: 'Network' | 'ScaleDown') => (): Asked => ({ audit: { isolated: isolated(mode) } })
const pausing = (): Asked => ({ paused: pause() })
const also =
  (more: Audit) =>
  ({ audit, ...rest }: Asked): Asked => ({ ...rest, audit: { ...audit, ...more } })
const andIsolate =
  (mode: 'Network' | 'ScaleDown') =>
  ({ audit, ...rest }: Asked): Asked => ({ ...rest, audit: { ...audit, isolated: isolated(mode) } })

const pairs: readonly Pair[] = [
  {
    first: 'a worker that is cut off',
    then: 'its restart waits',
    begin: isolating('Network'),
    ask: also(restart),
    settled: () => condition('UpToDate', 'False', 'Isolated'),
    holds: { ...normal, paused: true },
  },
  {
    first: 'a worker that is cut off',
    then: 'its scaling waits',
    begin: isolating('Network'),
    ask: also(scale),
    settled: () => condition('UpToDate', 'False', 'Isolated'),
    holds: { ...normal, paused: true },
  },
  {
    first: 'a worker that is scaled down',
    then: 'its scaling waits',
    begin: isolating('ScaleDown'),
    ask: also(scale),
    settled: () => condition('UpToDate', 'True'),
    holds: { ...normal, replicas: 0 },
  },
  {
    first: 'a worker that is scaled down',
    then: 'its restart disrupts nobody',
    begin: isolating('ScaleDown'),
    ask: also(restart),
    settled: () => condition('UpToDate', 'True'),
    holds: { ...normal, replicas: 0, restart: restart.restartedAt },
  },
  {
    first: 'a worker that is scaled down',
    then: 'a pause does not bring it back',
    begin: isolating('ScaleDown'),
    ask: (first) => ({ ...first, paused: pause() }),
    settled: () => condition('Paused', 'True'),
    holds: { ...normal, replicas: 0 },
  },
  {
    first: 'a paused system',
    then: 'a restart waits',
    begin: pausing,
    ask: also(restart),
    settled: () => condition('UpToDate', 'False', 'Paused'),
    holds: normal,
  },
  {
    first: 'a paused system',
    then: 'scaling waits',
    begin: pausing,
    ask: also(scale),
    settled: () => condition('UpToDate', 'False', 'Paused'),
    holds: normal,
  },
  {
    first: 'a paused system',
    then: 'a worker is scaled down all the same',
    begin: pausing,
    ask: andIsolate('ScaleDown'),
    settled: () => condition('Isolated', 'True'),
    holds: { ...normal, replicas: 0 },
  },
  {
    first: 'a paused system',
    then: 'a worker is cut off all the same',
    begin: pausing,
    ask: andIsolate('Network'),
    settled: () => condition('Isolated', 'True'),
    holds: { ...normal, paused: true },
  },
]

describe('of two procedures on one worker, the lesser one waits', () => {
  test.each(pairs)('$first: $then', async ({ begin, ask, settled, holds }) => {
    namespace = await cluster.namespace()
    world = isolationWorld(cluster, namespace)
    count += 1
    await edit({})
    await condition('Ready', 'True')
    const first = begin()
    await edit(first)
    await (first.paused === undefined ? condition('Isolated', 'True') : condition('Paused', 'True'))
    const both = ask(first)
    await edit(both)
    await settled()
    await until('the Deployment holds what the greater one wants', async () => {
      expect(await held()).toEqual(holds)
      return true
    })

    // Nothing is forgotten: when the greater one ends, the lesser one is carried out.
    const { replicas, restartedAt } = both.audit ?? {}
    await edit({
      audit: {
        ...(replicas === undefined ? {} : { replicas }),
        ...(restartedAt === undefined ? {} : { restartedAt }),
      },
    })
    await condition('Ready', 'True')
    expect(await held()).toEqual({ replicas: replicas ?? 1, paused: false, restart: restartedAt })
  })

  test('a worker in the middle of a rollout is cut off as it stands', async () => {
    namespace = await cluster.namespace()
    world = isolationWorld(cluster, namespace)
    count += 1
    await edit({})
    await condition('Ready', 'True')
    cluster.workloads.refuseTemplate('Deployment/todo-audit', restart.restartedAt, { kind: 'NotStarted' })
    await edit({ audit: restart })
    await condition('Ready', 'Unknown')
    await edit({ audit: { ...restart, isolated: isolated('Network') } })
    await condition('Isolated', 'True')
    await world.isCutOff()
  })
})
