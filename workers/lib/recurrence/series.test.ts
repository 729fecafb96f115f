import { describe, expect, it } from 'vitest'
import { nextInstance, parseRecurrence } from './index.ts'
import type { CompletedInstance, NextInstance } from './index.ts'

function next(rrule: string, change: Partial<CompletedInstance> = {}): NextInstance | undefined {
  return nextInstance({
    rule: parseRecurrence(rrule),
    anchor: 'due',
    recurrenceId: '2026-01-05T09:00:00',
    position: 1,
    completedAt: '2026-01-05T12:00:00.000Z',
    zone: 'Europe/Berlin',
    catchUp: 'Every',
    ...change,
  })
}

/** Completes instance after instance, each at the given delay after its due time (milliseconds). */
function slots(rrule: string, change: Partial<CompletedInstance>, limit: number, delay = 0): string[] {
  const found: string[] = []
  let at = next(rrule, change)
  while (at && found.length < limit) {
    found.push(at.local)
    const completedAt = new Date(Date.parse(at.instant) + delay).toISOString()
    at = next(rrule, { ...change, recurrenceId: at.local, position: at.position, completedAt })
  }
  return found
}

describe('the successor of a completed instance', () => {
  it('follows the slot, not the moment of completion, when anchored at the due date', () => {
    const late = { completedAt: '2026-01-09T22:00:00.000Z' }
    expect(next('FREQ=WEEKLY', late)).toEqual({
      local: '2026-01-12T09:00:00',
      instant: '2026-01-12T08:00:00.000Z',
      position: 2,
    })
  })

  it('does not drift at month ends, however often it is evaluated', () => {
    const ends = slots('FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1', { recurrenceId: '2026-01-31T09:00:00' }, 5)
    expect(ends.map((local) => local.slice(0, 10))).toEqual([
      '2026-02-28',
      '2026-03-31',
      '2026-04-30',
      '2026-05-31',
      '2026-06-30',
    ])
    const odd = slots('FREQ=MONTHLY', { recurrenceId: '2026-01-31T09:00:00' }, 4)
    expect(odd.map((local) => local.slice(5, 10))).toEqual(['03-31', '05-31', '07-31', '08-31'])
  })

  it.each([
    ['COUNT', 'FREQ=DAILY;COUNT=4', 3],
    ['UNTIL', 'FREQ=DAILY;UNTIL=20260108T080000Z', 3],
    ['UNTIL a second earlier', 'FREQ=DAILY;UNTIL=20260108T075959Z', 2],
    ['COUNT=1', 'FREQ=DAILY;COUNT=1', 0],
  ])('ends with %s, the first instance counted', (_, rrule, successors) => {
    expect(slots(rrule, {}, 10)).toHaveLength(successors)
  })

  it('counts over the series with either anchor', () => {
    expect(slots('FREQ=DAILY;COUNT=4', { anchor: 'completion' }, 10, 3 * 86_400_000)).toHaveLength(3)
  })

  it('uses every slot that passed, or the next one in the future, as told', () => {
    const overdue = { completedAt: '2026-01-20T12:00:00.000Z' }
    expect(next('FREQ=DAILY', overdue)?.local).toBe('2026-01-06T09:00:00')
    expect(next('FREQ=DAILY', { ...overdue, catchUp: 'NextFuture' })?.local).toBe('2026-01-21T09:00:00')
    expect(next('FREQ=DAILY', { catchUp: 'NextFuture', completedAt: '2025-12-01T12:00:00.000Z' })?.local).toBe(
      '2026-01-06T09:00:00',
    )
  })

  it('keeps the on-weeks of the series over an overdue completion', () => {
    const overdue = { completedAt: '2026-01-14T12:00:00.000Z', catchUp: 'NextFuture' } as const
    expect(next('FREQ=WEEKLY;INTERVAL=2', overdue)?.local).toBe('2026-01-19T09:00:00')
  })

  it.each([
    ['FREQ=DAILY;INTERVAL=3', '2026-01-07T15:00:00.000Z', '2026-01-10T09:00:00'],
    ['FREQ=WEEKLY', '2026-01-07T15:00:00.000Z', '2026-01-14T09:00:00'],
    ['FREQ=WEEKLY;BYDAY=MO', '2026-01-07T15:00:00.000Z', '2026-01-12T09:00:00'],
    ['FREQ=MONTHLY', '2026-01-31T15:00:00.000Z', '2026-02-28T09:00:00'],
    ['FREQ=YEARLY', '2028-02-29T15:00:00.000Z', '2029-02-28T09:00:00'],
    ['FREQ=HOURLY;INTERVAL=4', '2026-01-05T15:20:30.000Z', '2026-01-05T20:20:30'],
    // The day is the one in the task's zone: 23:30 UTC is the next day in Berlin.
    ['FREQ=DAILY', '2026-01-07T23:30:00.000Z', '2026-01-09T09:00:00'],
  ])('starts anew at the completion when anchored there: %s', (rrule, completedAt, expected) => {
    expect(next(rrule, { anchor: 'completion', completedAt })?.local).toBe(expected)
  })

  it('is later than the completed slot even when that was completed ahead of its time', () => {
    const early = {
      anchor: 'completion',
      recurrenceId: '2026-01-09T09:00:00',
      completedAt: '2026-01-07T12:00:00.000Z',
    } as const
    expect(next('FREQ=DAILY', early)?.local).toBe('2026-01-10T09:00:00')
  })

  it('is the same however often it is asked', () => {
    expect(next('FREQ=MONTHLY;BYDAY=-1FR')).toEqual(next('FREQ=MONTHLY;BYDAY=-1FR'))
  })
})
