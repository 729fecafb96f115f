import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from './durations.ts'

describe('a duration', () => {
  test.each([
    ['5s', 5000],
    ['200ms', 200],
    ['168h', 604_800_000],
    ['30d', 2_592_000_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
  ])('%s is %i ms', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds))

  test.each(['', '5', 's', '5 s', '-5s', '1.5h', '5w', '5S', '1h 30m', '9999999s'])(
    '%j is refused with the grammar',
    (text) => expect(() => parseDuration(text)).toThrow(/whole numbers with the units ms, s, m, h or d/),
  )

  test('keeps its length when it is written as text and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
      }),
    )
  })
})
