import { describe, expect, test } from 'vitest'
import { aPod, aWorkload, now } from '../../../../test/support/observed.ts'
import type { ContainerStatus, PodView } from '../views.ts'
import type { HealthReport } from '../worker-health.ts'
import { signalsOf, type WorkerSeen } from './signals.ts'

const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()
const ready = (status: 'True' | 'False', seconds = 300): PodView['conditions'][number] => ({
  type: 'Ready',
  status,
  lastTransitionTime: ago(seconds),
})
const running: ContainerStatus = { name: 'audit', ready: true, restartCount: 0, state: { running: {} } }
const ended = (reason: string, over: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'audit',
  ready: false,
  restartCount: 3,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode: reason === 'OOMKilled' ? 137 : 1, reason, finishedAt: ago(20) } },
  ...over,
})
const down = (over: Partial<PodView> = {}): PodView =>
  aPod('p', { ready: false, conditions: [ready('False')], containers: [{ ...running, ready: false }], ...over })
const answered = (over: Partial<Extract<HealthReport, { state: 'Answered' }>['answer']>): HealthReport => ({
  state: 'Answered',
  answer: { phase: 'ready', failing: {}, poolExhausted: false, errorPercent: 0, config: {}, ...over },
})

const seen = (pods: readonly PodView[], over: Partial<WorkerSeen> = {}): WorkerSeen => {
  const up = pods.filter((pod) => pod.ready).length
  const state = aWorkload('Deployment', 'todo-audit', {
    pods,
    live: {
      name: 'todo-audit',
      kind: 'Deployment',
      generation: 1,
      observedGeneration: 1,
      replicas: 1,
      updated: 1,
      ready: up,
      conditions: [],
    },
  })
  return {
    state,
    container: 'audit',
    components: ['todo-task-pubsub'],
    loaded: new Map(pods.map(({ name }) => [name, ['todo-task-pubsub']])),
    health: new Map(),
    consumer: {},
    healthyDelay: 60_000,
    now,
    ...over,
  }
}

test('an eviction is about the pods that do not come up in place of the evicted one, too', () => {
  const gone = down({ name: 'gone', phase: 'Failed', reason: 'Evicted' })
  const { signals } = signalsOf(seen([gone, down({ name: 'late' })]))
  expect(signals[0]).toMatchObject({ kind: 'Evicted', pods: ['gone', 'late'] })
})

test('a consumer is given time to get its partitions from the pods before it', () => {
  const consumer = { stuck: { since: now - 400_000, seenAt: now, detail: 'x' } }
  const { signals } = signalsOf(seen([aPod('fresh', { conditions: [ready('True', 20)] })], { consumer }))
  expect(signals).toMatchObject([{ kind: 'ConsumerStuck', seenAt: now, notBefore: now + 50_000 }])
})

describe('a worker is unhealthy because', () => {
  const waiting = (reason: string): ContainerStatus[] => [
    { ...running, ready: false, state: { waiting: { reason, message: 'Back-off pulling image "x"' } } },
  ]
  test.each<{ kind: string; pod?: PodView; over?: Partial<WorkerSeen>; since?: number; detail: RegExp }>([
    {
      kind: 'ImagePullFailed',
      pod: down({ containers: waiting('ImagePullBackOff'), phase: 'Pending' }),
      detail: /Back-off pulling image/,
    },
    { kind: 'OOMKilled', pod: down({ containers: [ended('OOMKilled')] }), detail: /memory limit/ },
    { kind: 'CrashLoop', pod: down({ containers: [ended('Error')] }), detail: /audit keeps ending: exit code 1/ },
    {
      kind: 'CrashLoop',
      pod: down({ containers: [running, ended('OOMKilled', { name: 'daprd' })] }),
      detail: /daprd keeps ending: OOMKilled/,
    },
    {
      kind: 'NodeNotReady',
      pod: down({
        conditions: [ready('False'), { type: 'ContainersReady', status: 'True' }],
        containers: [running],
      }),
      detail: /kubelet does not report/,
    },
    {
      kind: 'SidecarMissing',
      pod: aPod('p', { createdAt: ago(90), containerNames: ['audit'], conditions: [ready('True')] }),
      since: 90,
      detail: /no container daprd/,
    },
    {
      kind: 'Evicted',
      pod: down({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory' }),
      detail: /low on resource: memory/,
    },
    { kind: 'NotReady', pod: down(), detail: /is not ready/ },
    {
      kind: 'NotReady',
      pod: down(),
      over: { health: new Map([['p', answered({ failing: { sidecar: 'no answer in time' } })]]) },
      detail: /sidecar: no answer in time/,
    },
    {
      kind: 'ComponentNotLoaded',
      pod: aPod('p', { conditions: [ready('True')] }),
      over: { loaded: new Map([['p', []]]) },
      detail: /has not loaded todo-task-pubsub/,
    },
    {
      kind: 'ConsumerStuck',
      pod: aPod('p', { conditions: [ready('True')] }),
      over: { consumer: { stuck: { since: now - 200_000, detail: '12 events of task-events' } } },
      since: 200,
      detail: /12 events of task-events/,
    },
    {
      kind: 'ConsumerStuck',
      pod: aPod('fresh', { conditions: [ready('True', 20)] }),
      over: { consumer: { stuck: { since: now - 400_000, detail: 'since long before this pod' } } },
      since: 20,
      detail: /since long before this pod/,
    },
    {
      kind: 'PoolExhausted',
      pod: aPod('p', { conditions: [ready('True')] }),
      over: { health: new Map([['p', answered({ poolExhausted: true })]]) },
      since: 0,
      detail: /database connection/,
    },
    {
      kind: 'DeadLettersGrowing',
      pod: aPod('p', { conditions: [ready('True')] }),
      over: { consumer: { deadLetters: { since: now - 300_000, detail: '4 more in task-events.dlq' } } },
      detail: /4 more/,
    },
  ])('$kind ($detail)', ({ kind, pod = aPod('p'), over, since = 300, detail }) => {
    const { signals, obstacle } = signalsOf(seen([pod], over))
    expect(obstacle).toBeUndefined()
    expect(signals).toHaveLength(1)
    expect(signals[0]).toMatchObject({ kind, since: now - since * 1000, acute: true })
    expect(signals[0]?.detail).toMatch(detail)
  })
})

describe('a worker is healthy when', () => {
  test.each<{ name: string; pods: PodView[] }>([
    { name: 'its pod is ready', pods: [aPod('p', { conditions: [ready('True')] })] },
    { name: 'a failing pod is going away', pods: [aPod('p'), down({ name: 'old', terminating: true })] },
    {
      name: 'an evicted pod was replaced',
      pods: [aPod('p'), down({ name: 'old', phase: 'Failed', reason: 'Evicted' })],
    },
    {
      name: 'the crash loop ended a while ago',
      pods: [aPod('p', { conditions: [ready('True', 61)], containers: [ended('Error', { ready: true, state: {} })] })],
    },
    {
      name: 'its memory was exceeded once, and it is well since',
      pods: [
        aPod('p', {
          conditions: [ready('True', 61)],
          containers: [ended('OOMKilled', { ready: true, restartCount: 1, state: {} })],
        }),
      ],
    },
  ])('$name', ({ pods }) => {
    expect(signalsOf(seen(pods))).toEqual({ signals: [] })
  })

  test('nobody wants pods of it', () => {
    const { state } = seen([down()])
    expect(signalsOf({ ...seen([down()]), state: { ...state, wanted: 0 } }).signals).toEqual([])
  })
})

describe('a crash loop', () => {
  test('goes on while its container runs for a moment, but nothing is done to a pod that runs', () => {
    const pod = aPod('p', { conditions: [ready('True', 10)], containers: [ended('Error', { ready: true, state: {} })] })
    expect(signalsOf(seen([pod])).signals).toMatchObject([{ kind: 'CrashLoop', acute: false }])
  })
})

describe('memory that is exceeded again and again', () => {
  test('counts although the pod is ready in between', () => {
    const killed = ended('OOMKilled', {
      ready: true,
      restartCount: 2,
      state: {},
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: ago(120) } },
    })
    const pod = aPod('p', { conditions: [ready('True', 115)], containers: [killed] })
    expect(signalsOf(seen([pod])).signals).toMatchObject([{ kind: 'OOMKilled', acute: true }])
  })
})

describe('what no action helps against', () => {
  test.each<{ name: string; pod: PodView; detail: RegExp }>([
    {
      name: 'a pod that no node takes',
      pod: down({
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/1 nodes are available',
            lastTransitionTime: ago(200),
          },
        ],
      }),
      detail: /0\/1 nodes/,
    },
    {
      name: 'a Secret that is missing',
      pod: down({
        containers: [
          {
            ...running,
            ready: false,
            state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } },
          },
        ],
      }),
      detail: /secret "x" not found/,
    },
  ])('is $name', ({ pod, detail }) => {
    const { signals, obstacle } = signalsOf(seen([pod]))
    expect(signals).toEqual([])
    expect(obstacle?.detail).toMatch(detail)
  })
})

test('one signal per kind names all its pods and counts from the earliest; the most specific comes first', () => {
  const { signals } = signalsOf(
    seen([
      down({ name: 'a', conditions: [ready('False', 100)] }),
      down({ name: 'b', conditions: [ready('False', 200)] }),
      down({ name: 'c', containers: [ended('Error')] }),
    ]),
  )
  expect(signals.map(({ kind }) => kind)).toEqual(['CrashLoop', 'NotReady'])
  expect(signals[1]).toMatchObject({ pods: ['a', 'b'], since: now - 200_000 })
})
