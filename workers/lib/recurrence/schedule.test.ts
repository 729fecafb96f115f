import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { RRuleTemporal } from 'rrule-temporal'
import { describe, expect, it, vi } from 'vitest'
import { moveAlong, occurrencesAfter, parseRecurrence, previewOccurrences, toInstant, toLocal } from './index.ts'

/** Oracles and processes of their own take seconds on a busy machine. */
vi.setConfig({ testTimeout: 60_000 })

/** Rule, DTSTART, zone, and the instants that follow. */
const cases: [string, string, string, string, string[]][] = [
  [
    'a time in the spring gap moves forward by an hour, that day only',
    'FREQ=DAILY',
    '2026-03-28T02:30:00',
    'Europe/Berlin',
    ['2026-03-28T01:30:00.000Z', '2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z'],
  ],
  [
    'a time that happens twice in autumn means the first',
    'FREQ=DAILY',
    '2026-10-24T02:30:00',
    'Europe/Berlin',
    ['2026-10-24T00:30:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
  ],
  [
    'nine in the morning stays nine in the morning',
    'FREQ=WEEKLY;BYDAY=SU',
    '2026-03-01T09:00:00',
    'America/New_York',
    ['2026-03-01T14:00:00.000Z', '2026-03-08T13:00:00.000Z', '2026-03-15T13:00:00.000Z'],
  ],
  [
    'New York: gap',
    'FREQ=DAILY',
    '2026-03-07T02:15:00',
    'America/New_York',
    ['2026-03-07T07:15:00.000Z', '2026-03-08T07:15:00.000Z', '2026-03-09T06:15:00.000Z'],
  ],
  [
    'Lord Howe shifts by half an hour: gap',
    'FREQ=DAILY',
    '2026-10-03T02:15:00',
    'Australia/Lord_Howe',
    ['2026-10-02T15:45:00.000Z', '2026-10-03T15:45:00.000Z', '2026-10-04T15:15:00.000Z'],
  ],
  [
    'Lord Howe: overlap of half an hour',
    'FREQ=DAILY',
    '2026-04-04T01:45:00',
    'Australia/Lord_Howe',
    ['2026-04-03T14:45:00.000Z', '2026-04-04T14:45:00.000Z', '2026-04-05T15:15:00.000Z'],
  ],
  [
    'Apia left out 30 December 2011: two slots on one instant are one occurrence',
    'FREQ=DAILY',
    '2011-12-29T12:00:00',
    'Pacific/Apia',
    ['2011-12-29T22:00:00.000Z', '2011-12-30T22:00:00.000Z', '2011-12-31T22:00:00.000Z'],
  ],
  [
    'hourly: the hour that is missing is not doubled',
    'FREQ=HOURLY',
    '2026-03-29T01:00:00',
    'Europe/Berlin',
    ['2026-03-29T00:00:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z'],
  ],
  [
    'the 31st leaves out short months and does not drift',
    'FREQ=MONTHLY',
    '2026-01-31T10:00:00',
    'UTC',
    ['2026-01-31T10:00:00.000Z', '2026-03-31T10:00:00.000Z', '2026-05-31T10:00:00.000Z'],
  ],
  [
    'the last day of every month',
    'FREQ=MONTHLY;BYMONTHDAY=-1',
    '2024-01-31T10:00:00',
    'UTC',
    ['2024-01-31T10:00:00.000Z', '2024-02-29T10:00:00.000Z', '2024-03-31T10:00:00.000Z'],
  ],
  [
    '29 February leaves out 2100',
    'FREQ=YEARLY',
    '2092-02-29T10:00:00',
    'UTC',
    ['2092-02-29T10:00:00.000Z', '2096-02-29T10:00:00.000Z', '2104-02-29T10:00:00.000Z'],
  ],
  [
    'UNTIL as an instant includes it',
    'FREQ=DAILY;UNTIL=20260102T080000Z',
    '2026-01-01T09:00:00',
    'Europe/Berlin',
    ['2026-01-01T08:00:00.000Z', '2026-01-02T08:00:00.000Z'],
  ],
  [
    'UNTIL as a date includes the whole day',
    'FREQ=DAILY;UNTIL=20260102',
    '2026-01-01T23:30:00',
    'America/New_York',
    ['2026-01-02T04:30:00.000Z', '2026-01-03T04:30:00.000Z'],
  ],
  ['COUNT ends a preview', 'FREQ=DAILY;COUNT=1', '2026-01-01T09:00:00', 'UTC', ['2026-01-01T09:00:00.000Z']],
  [
    'DTSTART that the rule does not select is no occurrence',
    'FREQ=WEEKLY;BYDAY=TU;COUNT=2',
    '2026-01-05T09:00:00',
    'UTC',
    ['2026-01-06T09:00:00.000Z', '2026-01-13T09:00:00.000Z'],
  ],
]

function instants(text: string, dtstart: string, zone: string, limit: number): string[] {
  return previewOccurrences(parseRecurrence(text), { dtstart, zone }, limit).map(({ instant }) => instant)
}

describe('occurrences in a time zone', () => {
  it.each(cases)('%s', (_, text, dtstart, zone, expected) => {
    expect(instants(text, dtstart, zone, 3)).toEqual(expected)
  })

  it('agree with rrule-temporal in zones with daylight saving', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Kolkata']
    const rules = ['FREQ=DAILY', 'FREQ=WEEKLY;BYDAY=SU,MO', 'FREQ=MONTHLY;BYDAY=-1SU', 'FREQ=MONTHLY;BYMONTHDAY=-1']
    const minutes = fc.integer({ min: 0, max: 4 * 60 })
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...rules),
        fc.integer({ min: 1, max: 12 }),
        minutes,
        (zone, text, month, minute) => {
          const time = new Date(Date.UTC(2026, month - 1, 20, 0, minute)).toISOString().slice(0, 19)
          const dtstart = `DTSTART;TZID=${zone}:${time.replaceAll(/[-:]/g, '')}`
          const oracle = new RRuleTemporal({ rruleString: `${dtstart}\nRRULE:${text}` })
          const expected = oracle.all((_, index) => index < 15)
          // RFC 5545 3.3.10 leaves out slots that fall into a gap and so does the oracle; we move them (docs/recurrence.md).
          const found = previewOccurrences(parseRecurrence(text), { dtstart: time, zone }, 20)
            .filter(({ local, instant }) => toLocal(instant, zone) === local)
            .map(({ instant }) => instant)
          expect(found.slice(0, 15)).toEqual(expected.map((zoned) => new Date(zoned.epochMilliseconds).toISOString()))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('end before the year 10000 in every zone', () => {
    const found = instants('FREQ=DAILY', '9999-12-27T23:00:00', 'Etc/GMT+12', 10)
    expect(found).toEqual(['9999-12-28T11:00:00.000Z', '9999-12-29T11:00:00.000Z', '9999-12-30T11:00:00.000Z'])
  })

  it('have strictly rising instants', () => {
    const found = instants('FREQ=HOURLY;BYMINUTE=0,30', '2026-03-28T20:00:00', 'Europe/Berlin', 200)
    expect(found).toEqual([...new Set(found)].sort())
  })

  it('refuse an unknown zone and a start that is no date', () => {
    const rule = parseRecurrence('FREQ=DAILY')
    expect(() => occurrencesAfter(rule, { dtstart: '2026-01-01T00:00:00', zone: 'Mars/Base' }).next()).toThrow(
      RangeError,
    )
    expect(() => occurrencesAfter(rule, { dtstart: '2026-02-30T00:00:00', zone: 'UTC' }).next()).toThrow(RangeError)
  })
})

describe('toLocal and toInstant', () => {
  it('are inverse outside of gaps and overlaps', () => {
    expect(toLocal('2026-07-01T12:00:00.999Z', 'Europe/Berlin')).toBe('2026-07-01T14:00:00')
    expect(toInstant('2026-07-01T14:00:00', 'Europe/Berlin')).toBe('2026-07-01T12:00:00.000Z')
  })
})

describe('moveAlong', () => {
  it('keeps the wall-clock distance over a change of daylight saving', () => {
    const evening = toInstant('2026-03-22T20:00:00', 'Europe/Berlin')
    const moved = moveAlong(evening, { from: '2026-03-23T09:00:00', to: '2026-03-30T09:00:00', zone: 'Europe/Berlin' })
    expect(toLocal(moved, 'Europe/Berlin')).toBe('2026-03-29T20:00:00')
  })
})

describe('the time zone of the host', () => {
  it.each(['UTC', 'America/New_York', 'Asia/Tokyo', 'Pacific/Apia'])('does not matter: TZ=%s', (hostZone) => {
    const module = new URL('./index.ts', import.meta.url).href
    const program = `
      const { parseRecurrence, previewOccurrences } = await import(${JSON.stringify(module)})
      const found = ${JSON.stringify(cases)}.map(([, text, dtstart, zone]) =>
        previewOccurrences(parseRecurrence(text), { dtstart, zone }, 3).map(({ instant }) => instant))
      process.stdout.write(JSON.stringify({ found, host: Intl.DateTimeFormat().resolvedOptions().timeZone }))`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TZ: hostZone },
      encoding: 'utf8',
    })
    const { found, host } = JSON.parse(output) as { found: string[][]; host: string }
    expect(host).toBe(hostZone)
    expect(found).toEqual(cases.map(([, , , , expected]) => expected))
  })
})
