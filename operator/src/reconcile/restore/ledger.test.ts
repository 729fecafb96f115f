import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RestoreStep, StepStatus } from '../../api/v1alpha1/restore.ts'
import { advance, begin, conclusionOf, currentStep, hasBegun, isFenced, isSwitched, newLedger } from './ledger.ts'

const time = (ms: number): string => new Date(ms).toISOString()
const start = Date.parse('2026-01-01T00:00:00Z')
const hour = 3_600_000
const clock = (now: number, abort = false) => ({ now, end: start + 2 * hour, time, abort })

const namesOf = (ledger: readonly StepStatus[], state: StepStatus['state']): RestoreStep[] =>
  ledger.filter((step) => step.state === state).map(({ name }) => name)

/** Works through the ledger; `fails` fail. Returns every ledger on the way. */
const run = (ledger: readonly StepStatus[], fails: readonly RestoreStep[]): readonly (readonly StepStatus[])[] => {
  const seen = [ledger]
  for (let now = start; currentStep(ledger) !== undefined && seen.length < 60; now += 1_000) {
    const begun = begin(ledger, clock(now))
    seen.push(begun)
    const name = currentStep(begun)?.name
    const kind = name !== undefined && fails.includes(name) ? 'Failed' : 'Succeeded'
    ledger = advance(begun, { kind, message: `${name ?? ''} ${kind}` }, clock(now + 500))
    seen.push(ledger)
  }
  return seen
}
const last = <T>(list: readonly T[]): T => list[list.length - 1]!

describe('a restore', () => {
  test('takes its steps in order and fences only what has to be fenced', () => {
    const seen = run(newLedger({ mode: 'InPlace' }), [])
    expect(namesOf(last(seen), 'Succeeded')).toEqual([
      'Check',
      'Database',
      'SafetyBackup',
      'Fence',
      'Topics',
      'Switch',
      'Unfence',
      'Validate',
    ])
    const fenced = seen.filter(isFenced).map((ledger) => currentStep(ledger)?.name)
    expect([...new Set(fenced)]).toEqual(['Fence', 'Topics', 'Switch', 'Unfence'])
    expect(conclusionOf(last(seen), 0)).toMatchObject({ phase: 'Succeeded' })
    expect(conclusionOf(last(seen), 1)).toMatchObject({ phase: 'PartiallySucceeded' })
  })

  test.each([
    ['Check', [], 'Failed'],
    ['Database', ['Undo'], 'Failed'],
    ['SafetyBackup', ['Undo'], 'Failed'],
    ['Fence', ['Undo', 'Unfence'], 'Failed'],
    ['Topics', ['Undo', 'Unfence'], 'Failed'],
    ['Switch', ['Undo', 'Unfence'], 'Failed'],
    ['Unfence', ['Validate'], 'PartiallySucceeded'],
    ['Validate', [], 'PartiallySucceeded'],
  ] as const)('whose %s fails goes on with %j and ends as %s', (step, then, phase) => {
    const ledger = last(run(newLedger({ mode: 'InPlace' }), [step]))
    const names = ledger.filter(({ state }) => state !== 'Skipped').map(({ name }) => name)
    expect(names.slice(names.indexOf(step) + 1)).toEqual(then)
    expect(conclusionOf(ledger, 0)).toMatchObject({ phase, failed: { name: step } })
  })

  test('whose undoing fails, too, still lets the workers go', () => {
    const ledger = last(run(newLedger({ mode: 'InPlace' }), ['Switch', 'Undo']))
    expect(namesOf(ledger, 'Failed')).toEqual(['Switch', 'Undo'])
    expect(namesOf(ledger, 'Succeeded')).toContain('Unfence')
  })

  test('is given up at its deadline, and what puts things right has time of its own', () => {
    const fence = run(newLedger({ mode: 'InPlace' }), []).find(
      (ledger) => currentStep(ledger)?.name === 'Topics' && currentStep(ledger)?.state === 'Running',
    )!
    expect(advance(fence, { kind: 'Running', message: '7 %' }, clock(start + hour))).toHaveLength(fence.length)
    const late = advance(fence, { kind: 'Running', message: '7 %' }, clock(start + 2 * hour))
    expect(late.find(({ name }) => name === 'Topics')).toMatchObject({
      state: 'Failed',
      message: 'not done by 2026-01-01T02:00:00.000Z: 7 %',
    })
    expect(currentStep(begin(late, clock(start + 2 * hour)))).toMatchObject({
      name: 'Undo',
      deadline: '2026-01-01T02:15:00.000Z',
    })
  })

  test('can be aborted until it has switched, and not after', () => {
    for (const ledger of run(newLedger({ mode: 'InPlace' }), [])) {
      const current = currentStep(ledger)
      if (current?.state !== 'Running') continue
      const aborted = advance(ledger, { kind: 'Running', message: '' }, clock(start + 60_000, true))
      const failed = aborted.find(({ name }) => name === current.name)?.state === 'Failed'
      expect(failed, current.name).toBe(!isSwitched(ledger))
    }
  })
})

test.each([
  ['InPlace', ['Check', 'Database', 'SafetyBackup', 'Fence', 'Reapply', 'Topics', 'Switch', 'Unfence', 'Validate']],
  ['Drill', ['Check', 'Database', 'Reapply', 'Topics', 'Validate', 'CleanUp']],
] as const)(
  '%s with until goes on after the cut once nothing new can come, and before anything is switched',
  (mode, steps) =>
    expect(namesOf(last(run(newLedger({ mode, until: { auditSequence: 7 } }), [])), 'Succeeded')).toEqual(steps),
)

test('a drill never fences, never switches, and always cleans up', () =>
  fc.assert(
    fc.property(fc.subarray<RestoreStep>(['Check', 'Database', 'Topics', 'Validate']), (fails) => {
      const seen = run(newLedger({ mode: 'Drill' }), fails)
      expect(seen.some(isFenced)).toBe(false)
      expect(hasBegun(last(seen), 'Switch')).toBe(false)
      expect(namesOf(last(seen), 'Succeeded')).toContain('CleanUp')
    }),
  ))

test('whatever fails, it ends, the workers come back, and Failed means that the restored data is not in use', () =>
  fc.assert(
    fc.property(
      fc.constantFrom('InPlace' as const, 'NewSystem' as const, 'Drill' as const),
      fc.constantFrom(undefined, { auditSequence: 7 }),
      fc.subarray<RestoreStep>([
        'Check',
        'Database',
        'Fence',
        'Reapply',
        'Topics',
        'Switch',
        'Undo',
        'Unfence',
        'Validate',
      ]),
      (mode, until, fails) => {
        const seen = run(newLedger({ mode, until }), fails)
        const ledger = last(seen)
        expect(seen.length).toBeLessThan(40)
        expect(isFenced(ledger)).toBe(false)
        expect(conclusionOf(ledger, 0)?.phase === 'Failed').toBe(
          ledger.some(({ state }) => state === 'Failed') && !isSwitched(ledger),
        )
        if (hasBegun(ledger, 'Switch') && !isSwitched(ledger)) expect(hasBegun(ledger, 'Undo')).toBe(true)
      },
    ),
  ))
