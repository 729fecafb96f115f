import { describe, expect, test } from 'vitest'
import {
  start,
  second,
  at,
  policy,
  well,
  ill,
  input,
  others,
  entry,
} from '../../../../test/support/remediation-input.ts'
import { step } from './step.ts'
import type { StepInput, WorkerState } from './types.ts'

describe('when the evidence is taken', () => {
  const taking = entry({ state: 'Evidence', startedAt: at(start - 20 * second), deadline: at(start + 40 * second) })
  const after = (over: Partial<StepInput>) =>
    step(input({ ledger: [taking], evidence: { incident: 'i', finished: true }, ...over })).ledger[0]

  test.each([
    { why: 'the database is down', over: { outside: 'StatefulSet/db: 0 of 1' }, says: /lies outside: StatefulSet\/db/ },
    { why: 'the system is paused', over: { frozen: 'the system is paused' }, says: /is paused/ },
    { why: 'it is switched off', over: { policy: { ...policy, enabled: false } }, says: /enabled is false/ },
  ])('nothing is done any more if $why', ({ over, says }) => {
    expect(after(over)).toMatchObject({ state: 'Cancelled', message: expect.stringMatching(says) as string })
  })

  test('the action follows if the worker is still ill', () => {
    expect(after({})).toMatchObject({ state: 'Acting', incident: 'i' })
  })

  test('the action waits, and is not given up, while brokers are asked after a restart of the operator', () => {
    expect(after({ asked: 'Kafka/k:9092: is being asked' })).toEqual({ ...taking, incident: 'i' })
    const begun = step(input({ asked: 'Kafka/k:9092: is being asked' }))
    expect(begun.ledger).toEqual([])
    expect(begun.unhealthy.get('audit')).toMatchObject({
      remediation: 'Held',
      because: expect.stringContaining('is being asked'),
    })
  })

  test('nothing is done if the worker is healthy by itself, and stays so', () => {
    const workers = [well('audit'), ...others]
    const unseen = { ...well('audit'), answered: false }
    expect(after({ workers: [unseen, ...others] })).toMatchObject({ state: 'Acting' })
    const first = after({ workers })
    expect(first).toMatchObject({ state: 'Evidence', healthySince: at(start) })
    const look = (ms: number, now: readonly WorkerState[]) =>
      step(
        input({
          policy: { ...policy, healthyDelay: 10 * second },
          ledger: first === undefined ? [] : [first],
          evidence: { incident: 'i', finished: true },
          workers: now,
          now: start + ms,
        }),
      ).ledger[0]
    expect(look(5 * second, [ill('audit'), ...others])).toMatchObject({ state: 'Acting' })
    const cancelled = look(10 * second, workers)
    expect(cancelled).toMatchObject({ state: 'Cancelled', finishedAt: at(start + 10 * second) })
    expect(cancelled?.message).toContain('healthy again by itself')
  })

  test('what was cancelled does not count as a step of the ladder', () => {
    const cancelled = entry({ state: 'Cancelled', finishedAt: at(start - 5 * second) })
    expect(step(input({ ledger: [cancelled] })).ledger[0]).toMatchObject({ action: 'Recreate', step: 1 })
  })
})
