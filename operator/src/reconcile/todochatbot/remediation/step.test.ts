import { describe, expect, test } from 'vitest'
import {
  start,
  second,
  minute,
  at,
  policy,
  well,
  signal,
  ill,
  input,
  others,
  of,
  entry,
} from '../../../../test/support/remediation-input.ts'
import { step } from './step.ts'
import type { StepInput } from './types.ts'

describe('a consumer that stands still now and then', () => {
  test('is judged by its own time, not by the trouble before', () => {
    const stuck = ill('audit', 'ConsumerStuck', {
      signals: [signal('ConsumerStuck', 'audit', { since: start - minute })],
      before: { since: at(start - 10 * minute) },
    })
    const next = step(input({ workers: [stuck, ...others] }))
    expect(next.ledger).toEqual([])
    expect(of('audit', next)).toMatchObject({ remediation: 'Pending', since: at(start - minute) })
  })

  test('is given the time in which a pod that went may keep its partitions, however short unhealthyAfter is', () => {
    const stuckUntil = (notBefore: number) => {
      const stuck = ill('audit', 'ConsumerStuck', { signals: [signal('ConsumerStuck', 'audit', { notBefore })] })
      return step(input({ workers: [stuck, ...others] }))
    }
    expect(stuckUntil(start + second)).toMatchObject({ ledger: [], wakeAt: start + second })
    expect(stuckUntil(start).ledger).toMatchObject([{ action: 'Restart' }])
  })

  test('is looked at again when it would count as standing still', () => {
    const busy = { ...well('audit'), lookAt: start + 25 * second }
    expect(step(input({ workers: [busy, ...others] })).wakeAt).toBe(start + 25 * second)
  })
})

describe('a worker that has failed for long enough', () => {
  test('gets the first step of its ladder, with what was seen and what it acts on', () => {
    const next = step(input())
    expect(next.ledger).toMatchObject([
      {
        worker: 'audit',
        signal: 'NotReady',
        action: 'Recreate',
        step: 1,
        generation: 1,
        state: 'Acting',
        objects: ['Pod/audit-a'],
        startedAt: at(start),
        message: 'Pod/audit-a is not ready',
      },
    ])
    expect(Date.parse(next.ledger[0]?.deadline ?? '')).toBeGreaterThan(start)
    expect(of('audit', next)).toMatchObject({ signal: 'NotReady', remediation: 'UnderWay' })
  })

  test('waits for evidence first, but not longer than its deadline', () => {
    const evidence = { finished: false }
    const begun = step(input({ evidence }))
    expect(begun.ledger[0]).toMatchObject({ state: 'Evidence' })
    const ledger = begun.ledger
    const collecting = step(input({ ledger, now: start + second, evidence: { incident: 'i', finished: false } }))
    expect(collecting.ledger[0]).toMatchObject({ state: 'Evidence', incident: 'i' })
    const taken = step(input({ ledger, now: start + second, evidence: { incident: 'i', finished: true } }))
    expect(taken.ledger[0]).toMatchObject({ state: 'Acting', incident: 'i' })
    const late = step(input({ ledger, now: start + 3 * minute, evidence }))
    expect(late.ledger[0]).toMatchObject({ state: 'Acting' })
  })

  test('loses only pods that are not ready; of ready ones, one at a time', () => {
    const pods = ['audit-a', 'audit-b']
    const half = { signals: [signal('SidecarMissing', 'audit', { pods })], podCount: 2 }
    const some = step(
      input({ workers: [ill('audit', 'SidecarMissing', { ...half, readyPods: ['audit-b'] }), ...others] }),
    )
    expect(some.ledger[0]?.objects).toEqual(['Pod/audit-a'])
    const none = step(input({ workers: [ill('audit', 'SidecarMissing', { ...half, readyPods: pods }), ...others] }))
    expect(none.ledger[0]?.objects).toEqual(['Pod/audit-a'])
  })
})

describe('an action', () => {
  const acting = entry({ state: 'Acting', startedAt: at(start), deadline: at(start + 2 * minute) })
  const observing = entry({
    state: 'Observing',
    startedAt: at(start),
    actedAt: at(start),
    deadline: at(start + 6 * minute),
  })
  const now = start + minute
  const healthy = [well('audit'), ...others]

  test('is told again until it is done, and then observed', () => {
    const again = step(input({ ledger: [acting], acted: { id: 'audit-x', done: false, problem: 'forbidden' }, now }))
    expect(again.ledger[0]).toEqual(acting)
    const done = step(input({ ledger: [acting], acted: { id: 'audit-x', done: true }, now }))
    expect(done.ledger[0]).toMatchObject({ state: 'Observing', actedAt: at(now) })
  })

  test('that cannot be carried out fails at its deadline and says why', () => {
    const late = step(
      input({
        ledger: [acting],
        acted: { id: 'audit-x', done: false, problem: 'pods is forbidden' },
        now: start + 2 * minute,
      }),
    )
    expect(late.ledger[0]).toMatchObject({ state: 'Failed', message: expect.stringContaining('pods is forbidden') })
    expect(late.ledger[0]?.deadline).toBeUndefined()
  })

  test('succeeds when the worker is healthy for healthyDelay, and not a moment before', () => {
    const first = step(input({ ledger: [observing], workers: healthy, now }))
    expect(first.ledger[0]).toMatchObject({ state: 'Observing', healthySince: at(now) })
    expect(first.wakeAt).toBe(now + minute)
    const early = step(input({ ledger: first.ledger, workers: healthy, now: now + 59 * second }))
    expect(early.ledger).toEqual(first.ledger)
    const done = step(input({ ledger: first.ledger, workers: healthy, now: now + minute }))
    expect(done.ledger[0]).toMatchObject({ state: 'Succeeded', finishedAt: at(now + minute) })
  })

  test('starts counting again when the worker fails once more', () => {
    const ledger = [{ ...observing, healthySince: at(now) }]
    const relapse = step(input({ ledger, now: now + 30 * second }))
    expect(relapse.ledger[0]).toMatchObject({ state: 'Observing' })
    expect(relapse.ledger[0]?.healthySince).toBeUndefined()
  })

  test('fails when a pod that came after it is unhealthy for unhealthyAfter', () => {
    const fresh = { since: start, object: 'Pod/audit-b', pods: ['audit-b'] }
    const workers = [ill('audit', 'NotReady', { signals: [signal('NotReady', 'audit', fresh)] }), ...others]
    const soon = step(input({ workers, ledger: [observing], now: start + 119 * second }))
    expect(soon.ledger[0]?.state).toBe('Observing')
    const failed = step(input({ workers, ledger: [observing], now: start + 2 * minute }))
    expect(failed.ledger[0]).toMatchObject({ state: 'Failed', message: expect.stringContaining('did not help') })
    expect(failed.ledger).toHaveLength(1)
  })

  test('is not judged by a pod of before it that is still there, but not longer than its deadline', () => {
    expect(step(input({ ledger: [observing], now: start + 3 * minute })).ledger[0]?.state).toBe('Observing')
    expect(step(input({ ledger: [observing], now: start + 6 * minute })).ledger[0]?.state).toBe('Failed')
  })

  test('is not judged by a look at Kafka that is too old to show what came of it, nor before its pods hold their partitions', () => {
    const seen = (seenAt: number, notBefore = start) => {
      const stuck = signal('ConsumerStuck', 'audit', { since: start + 20 * second, seenAt, notBefore })
      const workers = [ill('audit', 'ConsumerStuck', { signals: [stuck] }), ...others]
      return step(input({ workers, ledger: [observing], now: start + 3 * minute })).ledger[0]
    }
    expect(seen(start + minute)).toMatchObject({ state: 'Observing' })
    expect(seen(start + 3 * minute)).toMatchObject({ state: 'Failed' })
    expect(seen(start + 3 * minute, start + 4 * minute)).toMatchObject({ state: 'Observing' })
  })

  test('is not blamed for a cause outside before its deadline', () => {
    const outside = 'StatefulSet/todo-postgresql: 0 of 1 pods are ready'
    const later = step(input({ ledger: [observing], outside, now: start + 5 * minute }))
    expect(later.ledger[0]?.state).toBe('Observing')
    const late = step(input({ ledger: [observing], outside, now: start + 6 * minute }))
    expect(late.ledger[0]).toMatchObject({ state: 'Failed', message: expect.stringContaining('todo-postgresql') })
  })

  test('ends when the worker is not to run any more', () => {
    const gone = step(input({ ledger: [observing], workers: others, now }))
    expect(gone.ledger[0]).toMatchObject({ state: 'Failed', message: expect.stringContaining('does not run') })
  })

  test('that did not help is followed by the next step, after a pause that doubles', () => {
    const two = { workers: [ill('audit', 'NotReady', { podCount: 2 }), ...others] }
    const ledger = [entry({ finishedAt: at(start - minute) })]
    const waits = step(input({ ...two, ledger }))
    expect(of('audit', waits)).toMatchObject({ remediation: 'Pending', because: 'Restart is next, after a pause' })
    expect(waits.wakeAt).toBe(start + minute)
    const next = step(input({ ...two, ledger, now: start + minute }))
    expect(next.ledger[0]).toMatchObject({ action: 'Restart', step: 2 })
  })

  test('is the last one of an exhausted ladder until the spec is edited or an hour was healthy', () => {
    const ledger = [entry({ action: 'Restart', step: 2, finishedAt: at(start - 30 * minute) })]
    expect(of('audit', step(input({ ledger })))).toMatchObject({ remediation: 'Exhausted' })
    expect(step(input({ ledger })).ledger).toEqual(ledger)
    expect(step(input({ ledger, generation: 2 })).ledger[0]).toMatchObject({ action: 'Recreate', step: 1 })
    const old = [entry({ action: 'Restart', step: 2, finishedAt: at(start - 90 * minute) })]
    expect(step(input({ ledger: old })).ledger[0]).toMatchObject({ action: 'Recreate', step: 1 })
  })

  test('exhausts no ladder against a signal that no step heals', () => {
    const ledger = [entry({ action: 'Restart', state: 'Succeeded', finishedAt: at(start - 30 * minute) })]
    const workers = [ill('audit', 'DeadLettersGrowing'), ...others]
    expect(of('audit', step(input({ ledger, workers })))).toMatchObject({ remediation: 'Impossible' })
  })
})

describe('nothing is begun', () => {
  const relentless = { ...policy, actionsPerHour: 0 }
  test.each<{ name: string; over: Partial<StepInput>; told: object }>([
    {
      name: 'before unhealthyAfter has passed',
      over: { now: start - 4 * minute },
      told: { remediation: 'Pending' },
    },
    {
      name: 'before unhealthyAfter has passed since a cause outside ended',
      over: { outsideUntil: start - minute },
      told: { remediation: 'Pending' },
    },
    {
      name: 'while a cause outside holds',
      over: { outside: 'StatefulSet/todo-kafka: 0 of 1 pods are ready' },
      told: { remediation: 'Held', because: 'the cause lies outside: StatefulSet/todo-kafka: 0 of 1 pods are ready' },
    },
    {
      name: 'while the system is paused',
      over: { frozen: 'the system is paused by ops' },
      told: { remediation: 'Held', because: 'the system is paused by ops' },
    },
    {
      name: 'while fewer workers are healthy than minHealthy',
      over: { workers: [ill('audit'), ill('recurring-task'), ill('notification'), well('chat-api')] },
      told: { remediation: 'Held' },
    },
    {
      name: 'while a storm cools down',
      over: { storm: { since: at(start - 20 * minute), until: at(start + minute) } },
      told: { remediation: 'Held' },
    },
    {
      name: 'beyond the budget of the hour',
      over: { policy: relentless },
      told: { remediation: 'Held', because: 'the budget of 0 actions per hour is spent' },
    },
    {
      name: 'while its pods cannot be scheduled',
      over: {
        workers: [ill('audit', 'CrashLoop', { obstacle: { object: 'Pod/b', detail: 'no node fits' } }), ...others],
      },
      told: { remediation: 'Held', because: 'no action helps: Pod/b no node fits' },
    },
    {
      name: 'while it is rolled out',
      over: { workers: [ill('audit', 'CrashLoop', { exempt: 'is being rolled out' }), ...others] },
      told: { remediation: 'Held', because: 'is being rolled out' },
    },
    {
      name: 'while it runs again, if only for a moment',
      over: {
        workers: [ill('audit', 'CrashLoop', { signals: [signal('CrashLoop', 'audit', { acute: false })] }), ...others],
      },
      told: { remediation: 'Pending' },
    },
    {
      name: 'when remediation is disabled, but what would be done is said',
      over: { policy: { ...policy, enabled: false } },
      told: { remediation: 'Disabled', because: 'would Recreate; spec.remediation.enabled is false' },
    },
    {
      name: 'when no step can help',
      over: { workers: [ill('audit', 'DeadLettersGrowing', { ready: true }), ...others] },
      told: { remediation: 'Impossible' },
    },
  ])('$name', ({ over, told }) => {
    const next = step(input(over))
    expect(next.ledger).toEqual([])
    expect(of('audit', next)).toMatchObject(told)
  })

  test('while another worker is being healed', () => {
    const running = entry({
      worker: 'chat-api',
      id: 'chat-api-x',
      state: 'Acting',
      deadline: at(start + minute),
      startedAt: at(start),
    })
    const next = step(input({ ledger: [running], workers: [ill('audit'), ...others.slice(0, 2), ill('chat-api')] }))
    expect(next.ledger).toEqual([running])
    expect(of('audit', next)).toMatchObject({ remediation: 'Held', because: 'waits for the remediation of chat-api' })
  })

  test('twice in an hour with a budget of one, and it goes on when the hour is over', () => {
    const one = { ...policy, actionsPerHour: 1 }
    const ledger = [entry({ worker: 'chat-api', state: 'Succeeded' })]
    const held = step(input({ policy: one, ledger }))
    expect(held.ledger).toEqual(ledger)
    expect(held.wakeAt).toBe(start + 50 * minute)
    expect(step(input({ policy: one, ledger, now: start + 50 * minute })).ledger).toHaveLength(2)
  })
})

describe('what is told', () => {
  test('does not speak of a pod that merely starts', () => {
    const young = { signals: [signal('NotReady', 'audit', { since: start - 10 * second })] }
    expect(step(input({ workers: [ill('audit', 'NotReady', young), ...others] })).unhealthy.size).toBe(0)
  })

  test('keeps since when, though the pod was replaced meanwhile', () => {
    const since = at(start - 9 * minute)
    const next = step(input({ workers: [ill('audit', 'NotReady', { before: { since } }), ...others] }))
    expect(of('audit', next)?.since).toBe(since)
  })

  test('stays the same while nothing changes, so that nothing is written', () => {
    const outside = 'StatefulSet/todo-kafka: 0 of 1 pods are ready'
    const first = step(input({ outside }))
    const before = of('audit', first)
    const later = step(
      input({
        outside,
        now: start + minute,
        workers: [ill('audit', 'NotReady', before === undefined ? {} : { before }), ...others],
      }),
    )
    expect(of('audit', later)).toEqual(before)
  })
})

describe('a storm', () => {
  const three = [ill('audit'), ill('recurring-task'), ill('notification'), well('chat-api')]

  test('begins when more workers have failed than minHealthy allows', () => {
    expect(step(input({ workers: three })).storm).toEqual({ since: at(start) })
  })

  test('does not begin when the cause is known, or before unhealthyAfter', () => {
    expect(step(input({ workers: three, outside: 'x' })).storm).toBeUndefined()
    expect(step(input({ workers: three, outsideUntil: start - second })).storm).toBeUndefined()
    expect(step(input({ workers: three, now: start - 4 * minute })).storm).toBeUndefined()
  })

  test('is over stormCooldown after enough workers are healthy again', () => {
    const storm = { since: at(start - minute) }
    const calm = step(input({ storm }))
    expect(calm.storm).toEqual({ ...storm, until: at(start + 10 * minute) })
    expect(calm.ledger).toEqual([])
    const over = step(input({ storm: calm.storm, now: start + 10 * minute }))
    expect(over.storm).toBeUndefined()
    expect(over.ledger).toHaveLength(1)
  })

  test('goes on when workers fail again while it cools down', () => {
    const storm = { since: at(start - minute), until: at(start + minute) }
    expect(step(input({ storm, workers: three })).storm).toEqual({ since: storm.since })
  })
})
