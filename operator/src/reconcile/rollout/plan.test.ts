import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { finding } from '../errors.ts'
import { isRolling, planRollouts, refusalOf, type Choice, type WorkerRollout } from './plan.ts'

const starting = finding('Starting', 'Pod/x', 'is starting')
const crashing = finding('CrashLoop', 'Pod/x', 'keeps ending')

/** A worker that runs what its spec leads to. */
const settled = (field: WorkerField, over: Partial<WorkerRollout> = {}): WorkerRollout => ({
  object: `Deployment/todo-${field}`,
  desired: 'a',
  exists: true,
  live: 'a',
  mixed: false,
  unhealthy: undefined,
  healthy: ['a'],
  refused: [],
  ...over,
})
const system = (over: Partial<Record<WorkerField, Partial<WorkerRollout>>> = {}) =>
  Object.fromEntries(workerFields.map((field) => [field, settled(field, over[field])])) as Record<
    WorkerField,
    WorkerRollout
  >
const every = (over: Partial<WorkerRollout>) => Object.fromEntries(workerFields.map((field) => [field, over]))
const kindsOf = (workers: Record<WorkerField, WorkerRollout>, ordered = true) => {
  const plan = planRollouts(workers, ordered)
  return workerFields.map((field) => plan[field].kind)
}
const changed = { desired: 'b' }
const rolling = { desired: 'b', live: 'b', unhealthy: starting }
const done = { desired: 'b', live: 'b', healthy: ['b', 'a'] }
const refused = { desired: 'b', refused: [{ template: 'b', reason: 'did not come up' }] }

describe('the order of rollouts', () => {
  // audit, recurring-task, notification, chat-api
  test.each([
    ['nothing to do', {}, ['Desired', 'Desired', 'Desired', 'Desired']],
    ['a change of all begins with the first', every(changed), ['Desired', 'Held', 'Held', 'Held']],
    ['it waits for the first', { ...every(changed), audit: rolling }, ['Desired', 'Held', 'Held', 'Held']],
    ['and goes on with the second', { ...every(changed), audit: done }, ['Desired', 'Desired', 'Held', 'Held']],
    [
      'a change of an earlier worker waits for a later one that is rolling',
      { chatApi: rolling, audit: changed },
      ['Held', 'Desired', 'Desired', 'Desired'],
    ],
    [
      'a worker that is rolling may be changed again at once',
      { audit: { ...rolling, desired: 'c' }, chatApi: changed },
      ['Desired', 'Desired', 'Desired', 'Held'],
    ],
    [
      'a missing Deployment is made whoever rolls',
      { audit: rolling, chatApi: { exists: false, live: undefined } },
      ['Desired', 'Desired', 'Desired', 'Desired'],
    ],
    [
      'a worker is held while one before it is ill',
      { audit: { unhealthy: crashing }, chatApi: changed },
      ['Desired', 'Desired', 'Desired', 'Held'],
    ],
    [
      'a worker that is ill itself may be repaired',
      { audit: { unhealthy: crashing }, chatApi: { ...changed, unhealthy: crashing } },
      ['Desired', 'Desired', 'Desired', 'Desired'],
    ],
    [
      'an ill worker after it holds nobody',
      { chatApi: { unhealthy: crashing }, audit: changed },
      ['Desired', 'Desired', 'Desired', 'Desired'],
    ],
    [
      'pods of two templates hold the others, whoever caused that',
      { chatApi: { mixed: true, unhealthy: starting }, audit: changed },
      ['Held', 'Desired', 'Desired', 'Desired'],
    ],
    [
      'a refused change returns and stops the rest',
      { ...every(changed), audit: refused },
      ['Earlier', 'Held', 'Held', 'Held'],
    ],
    [
      'a refused change does not hold those before it',
      { ...every(changed), notification: refused },
      ['Desired', 'Held', 'Earlier', 'Held'],
    ],
    [
      'an edited change is tried',
      { audit: { ...refused, desired: 'c' } },
      ['Desired', 'Desired', 'Desired', 'Desired'],
    ],
    [
      'without anything to return to, the change stays',
      { audit: { ...refused, healthy: [] } },
      ['Desired', 'Desired', 'Desired', 'Desired'],
    ],
  ])('%s', (_what, over, expected) => expect(kindsOf(system(over))).toEqual(expected))

  test('a first start has none', () =>
    expect(kindsOf(system(every({ desired: 'b', live: 'a', unhealthy: starting, healthy: [] })), false)).toEqual([
      'Desired',
      'Desired',
      'Desired',
      'Desired',
    ]))

  test('a template that was healthy once and is refused later gives way to the healthy one before it', () => {
    const plan = planRollouts(
      system({ audit: { ...refused, live: 'b', healthy: ['b', 'a'], unhealthy: crashing } }),
      true,
    )
    expect(plan.audit).toMatchObject({ kind: 'Earlier', template: 'a', because: { reason: 'RolledBack' } })
  })

  test('who waits is told for whom', () => {
    const { chatApi } = planRollouts(system({ ...every(changed), audit: rolling }), true)
    expect(chatApi).toMatchObject({ kind: 'Held', by: { reason: 'RollingOut', object: 'Deployment/todo-audit' } })
  })
})

const hash = fc.constantFrom('a', 'b', 'c')
const arbitraryWorker = fc
  .record({
    desired: hash,
    live: hash,
    exists: fc.boolean(),
    mixed: fc.boolean(),
    unhealthy: fc.option(fc.constantFrom(starting, crashing), { nil: undefined }),
    healthy: fc.uniqueArray(hash, { maxLength: 2 }),
    refused: fc.array(fc.record({ template: hash, reason: fc.constant('no') }), { maxLength: 1 }),
  })
  .map((over) => over)
const arbitrarySystem = fc
  .tuple(arbitraryWorker, arbitraryWorker, arbitraryWorker, arbitraryWorker)
  .map(
    (four) =>
      Object.fromEntries(workerFields.map((field, index) => [field, settled(field, four[index])])) as ReturnType<
        typeof system
      >,
  )

describe('whatever state a system is in', () => {
  const hashAfter = (worker: WorkerRollout, choice: Choice): string | undefined =>
    choice.kind === 'Desired' ? worker.desired : choice.kind === 'Earlier' ? choice.template : worker.live

  test('at most one worker gets the new template of its spec at a time, and none while another rolls', () =>
    fc.assert(
      fc.property(arbitrarySystem, (workers) => {
        const plan = planRollouts(workers, true)
        const started = workerFields.filter(
          (field) =>
            workers[field].exists && plan[field].kind === 'Desired' && workers[field].live !== workers[field].desired,
        )
        expect(started.length).toBeLessThanOrEqual(1)
        const others = workerFields.filter((field) => isRolling(workers[field]) && !started.includes(field))
        if (others.length > 0) expect(started.filter((field) => !isRolling(workers[field]))).toEqual([])
      }),
    ))

  test('a refused template is never put on the cluster where there is a healthy one', () =>
    fc.assert(
      fc.property(arbitrarySystem, (workers) => {
        const plan = planRollouts(workers, true)
        for (const field of workerFields) {
          const worker = workers[field]
          const past = worker.healthy.some((one) => !worker.refused.some(({ template }) => template === one))
          if (refusalOf(worker) === undefined || !past) continue
          expect(worker.refused.map(({ template }) => template)).not.toContain(hashAfter(worker, plan[field]))
        }
      }),
    ))

  test('following the plan, with every pod coming up, everybody ends at what the spec leads to, unless it was refused', () =>
    fc.assert(
      fc.property(arbitrarySystem, (start) => {
        let workers = start
        for (let round = 0; round < 12; round += 1) {
          const plan = planRollouts(workers, true)
          workers = Object.fromEntries(
            workerFields.map((field): [WorkerField, WorkerRollout] => {
              const live = hashAfter(workers[field], plan[field])
              const healthy = [live ?? '', ...workers[field].healthy.filter((one) => one !== live)].slice(0, 2)
              return [field, { ...workers[field], exists: true, live, healthy, mixed: false, unhealthy: undefined }]
            }),
          ) as typeof workers
        }
        const refusedAt = workerFields.findIndex((field) => refusalOf(workers[field]) !== undefined)
        for (const field of workerFields.slice(0, refusedAt < 0 ? undefined : refusedAt))
          expect(workers[field].live).toBe(workers[field].desired)
      }),
    ))
})
