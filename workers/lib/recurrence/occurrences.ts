import { atPositions, selectsDay, timesOf, weekStartOf, withStartParts } from './expand.ts'
import { civilOf, DAY_SECONDS, dayOf, modulo } from './local-time.ts'
import type { RecurrenceRule } from './rule.ts'

/**
 * Steps between two occurrences before a rule counts as having none. A step is one day looked at (or one hour, minute,
 * second that lies on a selected day). 146,097 days are one whole Gregorian cycle, after which the calendar repeats with
 * the same weekdays: an empty cycle at INTERVAL=1 proves the rule empty.
 */
export const MAX_STEPS = 150_000

const unitSeconds = { HOURLY: 3600, MINUTELY: 60, SECONDLY: 1 } as const
/** Far enough from the year 10000 that every zone's instant still has a year of four digits. */
const lastDay = dayOf(9999, 12, 29)

/**
 * The floating occurrences of the rule later than `after`, ascending, as seconds since 1970 (local-time.ts). Neither COUNT
 * nor UNTIL is applied here. The first period looked at is computed, not walked to: the cost does not depend on how
 * far `after` lies from `start`. Ends at the year 9999, or after {@link MAX_STEPS} steps without an occurrence.
 */
export function* occurrences(rule: RecurrenceRule, start: number, after: number): Generator<number, void> {
  const filled = withStartParts(rule, start)
  const from = Math.max(after, start - 1)
  if (rule.frequency === 'HOURLY' || rule.frequency === 'MINUTELY' || rule.frequency === 'SECONDLY') {
    yield* withinDays(filled, unitSeconds[rule.frequency], start, from)
  } else yield* overDays(filled, start, from)
}

/** YEARLY to DAILY: each period is a run of days. */
function* overDays(rule: RecurrenceRule, start: number, after: number): Generator<number, void> {
  const times = timesOf(rule.byHour, rule.byMinute, rule.bySecond)
  const origin = periodOf(rule, Math.floor(start / DAY_SECONDS))
  const reached = periodOf(rule, Math.floor(after / DAY_SECONDS))
  const behind = Math.max(0, Math.floor((reached - origin) / rule.interval))
  let steps = 0
  for (let period = origin + behind * rule.interval; ; period += rule.interval) {
    const [first, beyond] = daysOfPeriod(rule, period)
    if (first > lastDay) return
    const set: number[] = []
    for (let day = first; day < beyond; day += 1) {
      steps += 1
      if (selectsDay(rule, day)) for (const time of times) set.push(day * DAY_SECONDS + time)
    }
    for (const occurrence of atPositions(rule, set)) {
      if (occurrence <= after) continue
      if (occurrence >= (lastDay + 1) * DAY_SECONDS) return
      steps = 0
      yield occurrence
    }
    if (steps > MAX_STEPS) return
  }
}

/** Number of the period that holds the day; INTERVAL counts in these. Weeks are numbered by their first day. */
function periodOf(rule: RecurrenceRule, day: number): number {
  const { year, month } = civilOf(day)
  if (rule.frequency === 'YEARLY') return year
  if (rule.frequency === 'MONTHLY') return year * 12 + month - 1
  if (rule.frequency === 'WEEKLY') return Math.floor((weekStartOf(rule, day) - weekStartOf(rule, 0)) / 7)
  return day
}

/** First day of the period and the first day after it. */
function daysOfPeriod(rule: RecurrenceRule, period: number): [number, number] {
  if (rule.frequency === 'YEARLY') return [dayOf(period, 1, 1), dayOf(period + 1, 1, 1)]
  if (rule.frequency === 'MONTHLY') return [dayOf(0, period + 1, 1), dayOf(0, period + 2, 1)]
  if (rule.frequency === 'WEEKLY') {
    const first = weekStartOf(rule, 0) + period * 7
    return [first, first + 7]
  }
  return [period, period + 1]
}

/** HOURLY and finer: each period is one unit within a day; days and hours that cannot match are jumped over, not walked. */
function* withinDays(rule: RecurrenceRule, unit: number, start: number, after: number): Generator<number, void> {
  const stride = unit * rule.interval
  const origin = Math.floor(start / unit) * unit
  const behind = Math.max(0, Math.floor((after - origin) / stride))
  /** The first period of this rule that begins at or after the given second. */
  const alignedFrom = (second: number): number => origin + Math.ceil((second - origin) / stride) * stride
  let steps = 0
  let period = origin + behind * stride
  while (steps <= MAX_STEPS) {
    steps += 1
    const day = Math.floor(period / DAY_SECONDS)
    if (day > lastDay) return
    const midnight = day * DAY_SECONDS
    const hour = Math.floor((period - midnight) / 3600)
    if (!selectsDay(rule, day)) {
      period = alignedFrom(midnight + DAY_SECONDS)
    } else if (rule.byHour.length > 0 && !rule.byHour.includes(hour)) {
      period = alignedFrom(midnight + (hour + 1) * 3600)
    } else {
      for (const occurrence of atPositions(rule, unitSet(rule, unit, period))) {
        if (occurrence <= after) continue
        steps = 0
        yield occurrence
      }
      period += stride
    }
  }
}

/** The seconds one hour, minute or second selects; BYMINUTE and BYSECOND expand coarser units and limit their own. */
function unitSet(rule: RecurrenceRule, unit: number, period: number): number[] {
  if (unit === 3600) return timesOf([0], rule.byMinute, rule.bySecond).map((time) => period + time)
  if (rule.byMinute.length > 0 && !rule.byMinute.includes(modulo(Math.floor(period / 60), 60))) return []
  if (unit === 60) return rule.bySecond.map((second) => period + second)
  return rule.bySecond.length > 0 && !rule.bySecond.includes(modulo(period, 60)) ? [] : [period]
}
