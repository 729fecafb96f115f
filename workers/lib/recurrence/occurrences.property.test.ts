import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import rrule from 'rrule'
import { RRuleTemporal } from 'rrule-temporal'
import { describe, expect, it, vi } from 'vitest'
import { formatRecurrence } from './format.ts'
import { localSeconds, localText } from './local-time.ts'
import { occurrences } from './occurrences.ts'
import { parseRecurrence } from './parse.ts'
import { RecurrenceInvalid } from './errors.ts'
import { weekdays } from './rule.ts'

/** Two independent implementations judge ours. `rrule` is safe here: UTC, no tzid, and only rules that are known to occur. */
const wanted = 12

/** The oracles walk from DTSTART, which takes seconds on a busy machine. */
vi.setConfig({ testTimeout: 60_000 })

function ours(text: string, dtstart: string, after?: string): string[] {
  const rule = parseRecurrence(text)
  const found: string[] = []
  const from = after === undefined ? localSeconds(dtstart) - 1 : localSeconds(after)
  for (const occurrence of occurrences(rule, localSeconds(dtstart), from)) {
    found.push(localText(occurrence))
    if (found.length === wanted) break
  }
  return found
}

/** rrule repeats an occurrence that two elements of BYSETPOS name: a set has no repetitions. */
function byRrule(text: string, dtstart: string): string[] {
  const rule = new rrule.RRule({ ...rrule.RRule.parseString(text), dtstart: new Date(`${dtstart}Z`) })
  const found = rule.all((_, index) => index < wanted * 3).map((date) => date.toISOString().slice(0, 19))
  return [...new Set(found)].sort().slice(0, wanted)
}

function byTemporal(text: string, dtstart: string): string[] {
  const compact = dtstart.replaceAll(/[-:]/g, '')
  const rule = new RRuleTemporal({ rruleString: `DTSTART:${compact}Z\nRRULE:${text}`, maxIterations: 1_000_000 })
  return rule
    .all((_, index) => index < wanted)
    .map((zoned) => zoned.toPlainDateTime().toString({ smallestUnit: 'second' }))
}

const dtstarts = fc
  .integer({ min: localSeconds('1996-01-01T00:00:00') / 60, max: localSeconds('2040-12-31T00:00:00') / 60 })
  .map((minutes) => localText(minutes * 60))

const some = <T>(values: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(values, { minLength: 1, maxLength })
const signed = (max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 1, max }).chain((value) => fc.constantFrom(value, -value))
const part = (name: string, values: fc.Arbitrary<unknown[]>): fc.Arbitrary<string> =>
  fc.option(values, { freq: 2, nil: undefined }).map((list) => (list ? `;${name}=${list.join(',')}` : ''))
const days = some(fc.constantFrom(...weekdays), 4)
const ordinalDays = (max: number): fc.Arbitrary<string[]> =>
  some(
    fc.tuple(signed(max), fc.constantFrom(...weekdays)).map(([n, day]) => `${n}${day}`),
    3,
  )
const interval = fc.constantFrom(1, 1, 1, 2, 3, 5, 13).map((n) => (n === 1 ? '' : `;INTERVAL=${n}`))
const weekStart = fc.constantFrom('', ';WKST=SU', ';WKST=WE')
const months = part('BYMONTH', some(fc.integer({ min: 1, max: 12 }), 3))
const monthDays = part('BYMONTHDAY', some(signed(31), 3))
const hours = part('BYHOUR', some(fc.integer({ min: 0, max: 23 }), 3))
const minutes = part('BYMINUTE', some(fc.integer({ min: 0, max: 59 }), 2))

const join = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''))
const rules: Record<string, fc.Arbitrary<string>> = {
  yearly: join(fc.constant('FREQ=YEARLY'), interval, months, monthDays, part('BYDAY', days), hours),
  'yearly with ordinal weekdays': join(fc.constant('FREQ=YEARLY'), interval, part('BYDAY', ordinalDays(53)), hours),
  'yearly with ordinal weekdays of months': fc
    .tuple(interval, some(fc.integer({ min: 1, max: 12 }), 3), ordinalDays(5))
    .map(([every, of, on]) => `FREQ=YEARLY${every};BYMONTH=${of.join(',')};BYDAY=${on.join(',')}`),
  'yearly with year days': join(fc.constant('FREQ=YEARLY'), interval, part('BYYEARDAY', some(signed(366), 3)), hours),
  'yearly with week numbers': fc
    .tuple(weekStart, some(signed(53), 3), days)
    .map(([start, weeks, on]) => `FREQ=YEARLY${start};BYWEEKNO=${weeks.join(',')};BYDAY=${on.join(',')}`),
  monthly: join(fc.constant('FREQ=MONTHLY'), interval, months, monthDays, part('BYDAY', days), hours, minutes),
  'monthly with ordinal weekdays': join(fc.constant('FREQ=MONTHLY'), interval, part('BYDAY', ordinalDays(5)), hours),
  'monthly with positions': fc
    .tuple(interval, days, some(signed(5), 2))
    .map(([every, on, at]) => `FREQ=MONTHLY${every};BYDAY=${on.join(',')};BYSETPOS=${at.join(',')}`),
  weekly: join(fc.constant('FREQ=WEEKLY'), interval, weekStart, months, part('BYDAY', days), hours, minutes),
  daily: join(fc.constant('FREQ=DAILY'), interval, months, monthDays, part('BYDAY', days), hours, minutes),
  hourly: join(fc.constant('FREQ=HOURLY'), interval, months, part('BYDAY', days), hours, minutes),
}

/** Where one of the two is wrong (cases below), the other one judges. */
const judges: Record<string, ('rrule' | 'rrule-temporal')[]> = {
  'yearly with ordinal weekdays': ['rrule'],
  'yearly with week numbers': ['rrule-temporal'],
  'monthly with positions': ['rrule-temporal'],
}

describe('the floating occurrences of a rule', () => {
  for (const [name, texts] of Object.entries(rules)) {
    const by = judges[name] ?? ['rrule', 'rrule-temporal']
    it(`agree with ${by.join(' and ')}: ${name}`, () => {
      fc.assert(
        fc.property(texts, dtstarts, (text, dtstart) => {
          const found = ours(text, dtstart)
          fc.pre(found.length === wanted && (found.at(-1) ?? '') < '2300')
          // The oracles expect sorted lists.
          const canonical = formatRecurrence(parseRecurrence(text))
          if (by.includes('rrule')) expect(found, 'rrule differs').toEqual(byRrule(canonical, dtstart))
          // rrule-temporal leaves out a first week of January that counts as the last one of the year before DTSTART.
          const second = canonical.includes('BYWEEKNO') ? `${Number(dtstart.slice(0, 4)) + 1}` : ''
          // Both lists end somewhere: they are held against each other up to where ours ends.
          const last = found.at(-1) ?? ''
          const comparable = (locals: string[]): string[] =>
            locals.filter((local) => local >= second && local <= last).slice(0, 6)
          if (by.includes('rrule-temporal')) {
            expect(comparable(found), 'rrule-temporal differs').toEqual(comparable(byTemporal(canonical, dtstart)))
          }
        }),
        { numRuns: 60 },
      )
    })
  }

  it('are the same whether the rule starts at DTSTART or anew at any of its occurrences', () => {
    fc.assert(
      fc.property(fc.oneof(...Object.values(rules)), dtstarts, fc.nat(wanted - 2), (text, dtstart, at) => {
        const found = ours(text, dtstart)
        fc.pre(found.length === wanted)
        const slot = found[at] ?? ''
        const rest = found.slice(at + 1)
        expect(ours(text, dtstart, slot).slice(0, rest.length)).toEqual(rest)
        expect(ours(text, slot, slot).slice(0, rest.length)).toEqual(rest)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    // rrule-temporal takes the first Monday of the next year when a year has no 53rd.
    ['FREQ=YEARLY;BYDAY=53MO', '1996-01-01T00:00:00', ['1996-12-30', '2001-12-31', '2007-12-31']],
    // 2010 has 52 weeks, so 1 January 2011 lies in week 52 of 2010; rrule says 53.
    ['FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA', '2009-01-01T00:00:00', ['2010-01-02', '2016-01-02', '2021-01-02']],
    // A month with four Mondays has no fifth from the end; rrule takes the first.
    ['FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-5', '1996-01-01T00:00:00', ['1996-01-01', '1996-04-01', '1996-07-01']],
    // BYWEEKNO without BYDAY takes the weekday of DTSTART (a Thursday); rrule takes all seven days.
    ['FREQ=YEARLY;BYWEEKNO=20', '1997-05-15T09:00:00', ['1997-05-15', '1998-05-14', '1999-05-20']],
  ])('are right where a library is wrong: %s', (text, dtstart, expected) => {
    expect(
      ours(text, dtstart)
        .slice(0, 3)
        .map((local) => local.slice(0, 10)),
    ).toEqual(expected)
  })

  it('never take long, whatever the rule selects', () => {
    const anyRule = join(fc.oneof(...Object.values(rules)), fc.constantFrom('', ';BYSECOND=59', ';BYSECOND=0,30'))
    fc.assert(
      fc.property(anyRule, dtstarts, (text, dtstart) => {
        const started = performance.now()
        try {
          ours(text, dtstart)
        } catch (error) {
          expect(error).toBeInstanceOf(RecurrenceInvalid)
        }
        // The bound is work, not time: this only tells bounded from endless on a busy machine.
        expect(performance.now() - started).toBeLessThan(5000)
      }),
      { numRuns: 500 },
    )
  })

  it('cost as much a thousand years after DTSTART as at DTSTART', () => {
    expect(ours('FREQ=HOURLY;INTERVAL=7', '1970-01-01T00:00:00', '2969-12-31T00:00:00')[0]).toBe('2969-12-31T05:00:00')
    expect(ours('FREQ=WEEKLY;INTERVAL=3;BYDAY=SA', '1970-01-01T09:00:00', '2970-01-01T00:00:00')[0]).toBe(
      ours('FREQ=WEEKLY;INTERVAL=3;BYDAY=SA', '2969-12-20T09:00:00', '2970-01-01T00:00:00')[0],
    )
  })
})

describe('the canonical text', () => {
  it('parses to the rule it was made from', () => {
    fc.assert(
      fc.property(fc.oneof(...Object.values(rules)), (text) => {
        const rule = parseRecurrence(text)
        expect(parseRecurrence(formatRecurrence(rule))).toEqual(rule)
      }),
    )
  })
})
