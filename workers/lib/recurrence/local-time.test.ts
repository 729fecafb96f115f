import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { civilOf, DAY_SECONDS, dayOf, daysInMonth, localSeconds, localText, weekdayOf } from './local-time.ts'

const days = fc.integer({ min: dayOf(1, 1, 1), max: dayOf(9999, 12, 31) })

describe('floating time', () => {
  it('agrees with the UTC calendar of Date on every day', () => {
    fc.assert(
      fc.property(days, (day) => {
        const date = new Date(day * DAY_SECONDS * 1000)
        const { year, month, day: dayOfMonth } = civilOf(day)
        expect([year, month, dayOfMonth]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()])
        expect(weekdayOf(day)).toBe((date.getUTCDay() + 6) % 7)
        expect(dayOf(year, month, dayOfMonth)).toBe(day)
      }),
    )
  })

  it('writes what it reads', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 0, max: DAY_SECONDS - 1 }), (day, second) => {
        const seconds = day * DAY_SECONDS + second
        expect(localSeconds(localText(seconds))).toBe(seconds)
      }),
    )
  })

  it.each([
    [2000, 2, 29],
    [2023, 2, 28],
    [2024, 2, 29],
    [2100, 2, 28],
    [2026, 12, 31],
  ])('knows how long a month is: %i-%i has %i days', (year, month, length) => {
    expect(daysInMonth(year, month)).toBe(length)
  })

  it.each(['2026-02-29T00:00:00', '2026-13-01T00:00:00', '2026-01-01T24:00:00', '2026-01-01', 'yesterday', ''])(
    'takes %j for no date',
    (text) => {
      expect(localSeconds(text)).toBeNaN()
    },
  )
})
