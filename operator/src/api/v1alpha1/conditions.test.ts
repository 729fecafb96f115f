import { describe, expect, test } from 'vitest'
import { findCondition, mergeConditions } from './conditions.ts'

const earlier = '2026-01-01T00:00:00Z'
const later = '2026-01-02T00:00:00Z'
const ready = { type: 'Ready', status: 'False', reason: 'Waiting', message: 'waits for Kafka' } as const

describe('merging conditions', () => {
  test('moves the transition time when the status changes', () => {
    const before = mergeConditions([], [ready], 1, earlier)
    const [after] = mergeConditions(before, [{ ...ready, status: 'True' }], 2, later)
    expect(after).toMatchObject({ status: 'True', lastTransitionTime: later, observedGeneration: 2 })
  })

  test('keeps the transition time when only reason, message or generation change', () => {
    const before = mergeConditions([], [ready], 1, earlier)
    const [after] = mergeConditions(before, [{ ...ready, reason: 'Other', message: 'other' }], 2, later)
    expect(after).toMatchObject({ reason: 'Other', lastTransitionTime: earlier, observedGeneration: 2 })
  })

  test('keeps conditions that were not updated, unknown ones last', () => {
    const foreign = { ...ready, type: 'Foreign', observedGeneration: 1, lastTransitionTime: earlier }
    const merged = mergeConditions([foreign], [{ ...ready, type: 'Paused' }, ready], 1, later)
    expect(merged.map(({ type }) => type)).toEqual(['Ready', 'Paused', 'Foreign'])
  })

  test('finds a condition by its type', () => {
    expect(findCondition(mergeConditions([], [ready], 1, earlier), 'Ready')?.reason).toBe('Waiting')
    expect(findCondition(undefined, 'Ready')).toBeUndefined()
  })
})
