import { describe, expect, test } from 'vitest'
import { remediationActions, type RemediationAction } from '../../../api/v1alpha1/schema/procedures.ts'
import { nextAction, type Choice } from './ladder.ts'
import type { SignalKind } from './signals.ts'

/** Every action in turn, until the ladder has no further step. */
const climb = (signal: SignalKind, over: Partial<Choice> = {}): RemediationAction[] => {
  const taken: RemediationAction[] = []
  for (;;) {
    const action = taken.at(-1)
    const last = action === undefined ? undefined : { action }
    const next = nextAction({
      signal,
      onEveryPod: true,
      ladder: remediationActions,
      possible: (candidate) => candidate !== 'RaiseMemory' || taken.filter((one) => one === candidate).length < 2,
      ...over,
      last,
    })
    if (next === undefined) return taken
    taken.push(next)
  }
}

describe('the whole ladder', () => {
  test.each<[SignalKind, RemediationAction[]]>([
    ['ImagePullFailed', ['RollBack']],
    ['OOMKilled', ['RaiseMemory', 'RaiseMemory', 'RollBack']],
    ['CrashLoop', ['Recreate', 'RollBack']],
    ['NodeNotReady', ['Recreate']],
    ['SidecarMissing', ['Recreate']],
    ['Evicted', ['Recreate']],
    ['NotReady', ['Recreate', 'RollBack']],
    ['ComponentNotLoaded', ['Recreate', 'RollBack']],
    ['ConsumerStuck', ['Restart']],
    ['PoolExhausted', ['Restart', 'RollBack']],
    ['DeadLettersGrowing', []],
  ])('of %s is %j', (signal, actions) => {
    expect(climb(signal)).toEqual(actions)
  })
})

test('a restart follows only where it reaches pods that were not replaced just now', () => {
  expect(climb('NotReady', { onEveryPod: false })).toEqual(['Recreate', 'Restart', 'RollBack'])
})

test('what the spec leaves out is not done, and its order counts', () => {
  expect(climb('NotReady', { ladder: ['Restart'] })).toEqual(['Restart'])
  expect(climb('NotReady', { ladder: ['RollBack', 'Recreate'] })).toEqual(['RollBack', 'Recreate'])
  expect(climb('OOMKilled', { ladder: ['Restart'] })).toEqual([])
})

test('what cannot be done is passed over', () => {
  expect(climb('CrashLoop', { possible: (action) => action !== 'RollBack' })).toEqual(['Recreate'])
})

test('another signal of the same worker goes on where the one before stopped', () => {
  const next = nextAction({
    signal: 'NotReady',
    onEveryPod: true,
    ladder: remediationActions,
    last: { action: 'RaiseMemory' },
    possible: () => true,
  })
  expect(next).toBe('RollBack')
})
