import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { instantField, offsetField, offsetMilliseconds, tagsField, titleField, zoneField } from './fields.ts'

const accepts = (field: z.ZodType, value: unknown): boolean => field.safeParse(value).success

describe('instants', () => {
  it.each([
    ['2026-01-27T10:00:00+01:00', '2026-01-27T09:00:00.000Z'],
    ['2026-01-27T09:00:00Z', '2026-01-27T09:00:00.000Z'],
    ['2026-01-27T09:00:00.1234567Z', '2026-01-27T09:00:00.123Z'],
  ])('of any offset become UTC: %s', (given, stored) => {
    expect(instantField.parse(given)).toBe(stored)
  })

  it.each([
    '2026-01-27',
    '2026-01-27T09:00:00',
    '2026-02-30T09:00:00Z',
    'tomorrow',
    '1969-12-31T00:00:00Z',
    1_700_000_000,
    null,
    '',
  ])('refuse %j', (value) => {
    expect(accepts(instantField, value)).toBe(false)
  })
})

describe('zones', () => {
  it.each(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Asia/Kolkata'])('accept %s', (zone) => {
    expect(accepts(zoneField, zone)).toBe(true)
  })

  it.each(['Mars/Olympus', '+02:00', '', 'Europe/Berlin; DROP TABLE users', '../etc/passwd', 'x'.repeat(65)])(
    'refuse %j',
    (zone) => {
      expect(accepts(zoneField, zone)).toBe(false)
    },
  )
})

describe('reminder offsets', () => {
  it.each([
    ['-PT30M', -1_800_000],
    ['PT0S', 0],
    ['-P1D', -86_400_000],
    ['-P1DT2H30M', -95_400_000],
    ['P2W', 1_209_600_000],
    ['+PT1H', 3_600_000],
  ])('read %s', (text, milliseconds) => {
    expect(accepts(offsetField, text)).toBe(true)
    expect(offsetMilliseconds(text)).toBe(milliseconds)
  })

  it.each(['P', 'PT', '-P', '30m', 'P1M', 'P1Y', 'PT1.5H', 'P1D1H', '-P1WT1H', 'P400D', 'PT99999999S', 'p1d', ''])(
    'refuse %j',
    (text) => {
      expect(accepts(offsetField, text)).toBe(false)
    },
  )
})

describe('texts', () => {
  it('trims titles and refuses what is no single line of text', () => {
    expect(titleField.parse('  buy milk ')).toBe('buy milk')
    for (const bad of ['', '   ', 'a\nb', 'a\u0000b', '\ud800', 'x'.repeat(256)])
      expect(accepts(titleField, bad)).toBe(false)
    expect(accepts(titleField, '🥛 Milch kaufen — žluťoučký')).toBe(true)
  })

  it('refuses tags with blanks, twice the same, and too many', () => {
    expect(accepts(tagsField, ['home', 'work'])).toBe(true)
    for (const bad of [
      ['a b'],
      ['a', 'a'],
      [''],
      ['x'.repeat(51)],
      Array.from({ length: 21 }, (_, index) => `t${index}`),
    ]) {
      expect(accepts(tagsField, bad)).toBe(false)
    }
  })
})
