import { describe, expect, it } from 'vitest'
import { assertOccurs, defaultLimits, formatRecurrence, parseRecurrence, RecurrenceInvalid } from './index.ts'

function problemsOf(work: () => unknown): string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof RecurrenceInvalid) return error.problems.map(({ part, problem }) => `${part} ${problem}`)
    throw error
  }
  return []
}

describe('parseRecurrence', () => {
  it.each([
    ['', 'RRULE is empty'],
    ['RRULE:', 'RRULE is empty'],
    ['every day', 'RRULE has "EVERY DAY" without a value'],
    ['FREQ=DAILY;', 'RRULE has "" without a value'],
    ['FREQ=', 'RRULE has "FREQ" without a value'],
    ['INTERVAL=2', 'FREQ is missing'],
    ['FREQ=FORTNIGHTLY', 'FREQ is "FORTNIGHTLY"'],
    ['FREQ=SECONDLY', 'FREQ is "SECONDLY"'],
    ['FREQ=MINUTELY', 'FREQ is "MINUTELY"'],
    ['FREQ=DAILY;FREQ=WEEKLY', 'FREQ is given twice'],
    ['FREQ=DAILY;INTERVAL=0', 'INTERVAL is "0"'],
    ['FREQ=DAILY;INTERVAL=1000', 'INTERVAL is "1000"'],
    ['FREQ=DAILY;INTERVAL=-1', 'INTERVAL is "-1"'],
    ['FREQ=DAILY;INTERVAL=1.5', 'INTERVAL is "1.5"'],
    ['FREQ=DAILY;INTERVAL=1e2', 'INTERVAL is "1E2"'],
    ['FREQ=DAILY;COUNT=0', 'COUNT is "0"'],
    ['FREQ=DAILY;COUNT=10001', 'COUNT is "10001"'],
    ['FREQ=DAILY;COUNT=99999999999999999999', 'COUNT is "99999999999999999999"'],
    ['FREQ=DAILY;UNTIL=tomorrow', 'UNTIL is "TOMORROW"'],
    ['FREQ=DAILY;UNTIL=20260230', 'UNTIL is "20260230"'],
    ['FREQ=DAILY;UNTIL=20260101T250000Z', 'UNTIL is "20260101T250000Z"'],
    ['FREQ=DAILY;COUNT=3;UNTIL=20260101', 'COUNT stands beside UNTIL'],
    ['FREQ=DAILY;WKST=XX', 'WKST is "XX"'],
    ['FREQ=YEARLY;BYMONTH=0', 'BYMONTH contains "0"'],
    ['FREQ=YEARLY;BYMONTH=13', 'BYMONTH contains "13"'],
    ['FREQ=YEARLY;BYMONTH=1,,2', 'BYMONTH contains ""'],
    ['FREQ=MONTHLY;BYMONTHDAY=32', 'BYMONTHDAY contains "32"'],
    ['FREQ=MONTHLY;BYMONTHDAY=0', 'BYMONTHDAY contains "0"'],
    ['FREQ=WEEKLY;BYMONTHDAY=1', 'BYMONTHDAY stands beside FREQ=WEEKLY'],
    ['FREQ=YEARLY;BYYEARDAY=367', 'BYYEARDAY contains "367"'],
    ['FREQ=MONTHLY;BYYEARDAY=100', 'BYYEARDAY stands beside FREQ=MONTHLY'],
    ['FREQ=MONTHLY;BYWEEKNO=10', 'BYWEEKNO stands beside FREQ=MONTHLY'],
    ['FREQ=DAILY;BYHOUR=24', 'BYHOUR contains "24"'],
    ['FREQ=DAILY;BYHOUR=-1', 'BYHOUR contains "-1"'],
    ['FREQ=DAILY;BYMINUTE=60', 'BYMINUTE contains "60"'],
    ['FREQ=WEEKLY;BYDAY=MONDAY', 'BYDAY contains "MONDAY"'],
    ['FREQ=WEEKLY;BYDAY=1MO', 'BYDAY has an ordinal with FREQ=WEEKLY'],
    ['FREQ=MONTHLY;BYDAY=0MO', 'BYDAY contains "0MO"'],
    ['FREQ=MONTHLY;BYDAY=6MO', 'BYDAY counts beyond the fifth weekday of a month'],
    ['FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO', 'BYDAY has an ordinal beside BYWEEKNO'],
    ['FREQ=MONTHLY;BYSETPOS=1', 'BYSETPOS stands alone'],
    ['FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367', 'BYSETPOS contains "367"'],
    ['FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD', 'RRULE has the unknown part "RSCALE"'],
    ['FREQ=DAILY\nDTSTART:20260101', 'FREQ is "DAILY\\nDTSTART:20260101"'],
    [`FREQ=DAILY;BYHOUR=${'1,'.repeat(300)}1`, 'RRULE has 619 characters'],
    [`FREQ=HOURLY;BYMINUTE=0,10,20,30,40,50`, 'RRULE selects 144 times of a day'],
  ])('refuses %j and names the part', (text, problem) => {
    expect(problemsOf(() => parseRecurrence(text))[0]).toBe(problem)
  })

  it('names every wrong part at once, with what is allowed', () => {
    const work = (): unknown => parseRecurrence('FREQ=DAILY;INTERVAL=0;BYMONTH=13')
    expect(problemsOf(work)).toEqual(['INTERVAL is "0"', 'BYMONTH contains "13"'])
    expect(work).toThrow('allowed: a whole number from 1 to 999')
  })

  it.each([
    ['rrule:freq=weekly;byday=we,mo,mo;interval=1', 'FREQ=WEEKLY;BYDAY=MO,WE'],
    ['FREQ=MONTHLY;BYMONTHDAY=+15,-1,1', 'FREQ=MONTHLY;BYMONTHDAY=-1,1,15'],
    ['FREQ=YEARLY;UNTIL=20301231', 'FREQ=YEARLY;UNTIL=20301231'],
    ['FREQ=DAILY;UNTIL=20301231T120000Z', 'FREQ=DAILY;UNTIL=20301231T120000Z'],
    ['FREQ=DAILY;WKST=MO;COUNT=007', 'FREQ=DAILY;COUNT=7'],
    ['FREQ=MONTHLY;BYDAY=-1FR,+2TU', 'FREQ=MONTHLY;BYDAY=-1FR,2TU'],
  ])('reads %s as %s', (text, canonical) => {
    expect(formatRecurrence(parseRecurrence(text))).toBe(canonical)
  })

  it('accepts finer rules when the limits say so', () => {
    const limits = { ...defaultLimits, finestFrequency: 'MINUTELY', maxPerDay: 1440 } as const
    expect(parseRecurrence('FREQ=MINUTELY;INTERVAL=15', limits).interval).toBe(15)
    expect(problemsOf(() => parseRecurrence('FREQ=SECONDLY', limits))).toEqual(['FREQ is "SECONDLY"'])
  })
})

describe('assertOccurs', () => {
  const schedule = { dtstart: '2026-01-05T09:00:00', zone: 'Europe/Berlin' }

  it.each([
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=HOURLY;INTERVAL=24;BYHOUR=5',
    'FREQ=DAILY;INTERVAL=7;BYDAY=TU',
    'FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7;BYDAY=MO',
    'FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6',
    'FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1',
  ])('refuses %s because it never occurs', (text) => {
    expect(problemsOf(() => assertOccurs(parseRecurrence(text), schedule))).toEqual(['RRULE never occurs'])
  })

  it.each([
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO',
    'FREQ=YEARLY;INTERVAL=999',
  ])('accepts %s, however rare', (text) => {
    expect(problemsOf(() => assertOccurs(parseRecurrence(text), schedule))).toEqual([])
  })

  it('tells an end in the past from a rule that is impossible', () => {
    const rule = parseRecurrence('FREQ=DAILY;UNTIL=20251231')
    expect(problemsOf(() => assertOccurs(rule, schedule))).toEqual(['UNTIL lies before the first occurrence'])
  })
})
