import { civilOf, DAY_SECONDS, dayOf, daysInMonth, modulo, weekdayOf } from './local-time.ts'
import { frequencies, weekdays } from './rule.ts'
import type { Frequency, RecurrenceRule } from './rule.ts'

/**
 * Which days and times of one period a rule selects (the table of RFC 5545 3.3.10). Every part is a filter over the days of
 * the period, which equals "expand" and "limit" of the table, once the parts that are absent are taken from DTSTART.
 */

/** The rule with the parts that RFC 5545 derives from DTSTART filled in: "information, not contained in the rule". */
export function withStartParts(rule: RecurrenceRule, start: number): RecurrenceRule {
  const day = Math.floor(start / DAY_SECONDS)
  const rest = start - day * DAY_SECONDS
  const date = civilOf(day)
  const weekday = weekdays[weekdayOf(day)] ?? 'MO'
  /** Units at least as long as the period are part of the period itself and stay open. */
  const given = (part: readonly number[], unit: Frequency, value: number): readonly number[] =>
    part.length > 0 || frequencies.indexOf(rule.frequency) >= frequencies.indexOf(unit) ? part : [value]
  const timed = {
    ...rule,
    byHour: given(rule.byHour, 'HOURLY', Math.floor(rest / 3600)),
    byMinute: given(rule.byMinute, 'MINUTELY', Math.floor(rest / 60) % 60),
    bySecond: given(rule.bySecond, 'SECONDLY', rest % 60),
  }
  if (rule.byYearDay.length > 0 || rule.byMonthDay.length > 0 || rule.byWeekday.length > 0) return timed
  if (rule.frequency === 'WEEKLY' || rule.byWeekNumber.length > 0) return { ...timed, byWeekday: [{ weekday }] }
  if (rule.frequency === 'MONTHLY') return { ...timed, byMonthDay: [date.day] }
  if (rule.frequency !== 'YEARLY') return timed
  return { ...timed, byMonthDay: [date.day], byMonth: rule.byMonth.length > 0 ? rule.byMonth : [date.month] }
}

/** True when every day-level part of the rule selects this day. */
export function selectsDay(rule: RecurrenceRule, day: number): boolean {
  const { year, month, day: dayOfMonth } = civilOf(day)
  if (rule.byMonth.length > 0 && !rule.byMonth.includes(month)) return false
  if (rule.byMonthDay.length > 0) {
    const fromEnd = dayOfMonth - daysInMonth(year, month) - 1
    if (!rule.byMonthDay.includes(dayOfMonth) && !rule.byMonthDay.includes(fromEnd)) return false
  }
  if (rule.byYearDay.length > 0) {
    const ofYear = day - dayOf(year, 1, 1) + 1
    const fromEnd = day - dayOf(year + 1, 1, 1)
    if (!rule.byYearDay.includes(ofYear) && !rule.byYearDay.includes(fromEnd)) return false
  }
  if (rule.byWeekNumber.length > 0 && !selectsWeek(rule, day)) return false
  return rule.byWeekday.length === 0 || selectsWeekday(rule, day, year, month)
}

function selectsWeekday(rule: RecurrenceRule, day: number, year: number, month: number): boolean {
  const weekday = weekdays[weekdayOf(day)]
  const monthly = rule.frequency === 'MONTHLY' || rule.byMonth.length > 0
  const first = monthly ? dayOf(year, month, 1) : dayOf(year, 1, 1)
  const beyond = monthly ? dayOf(year, month + 1, 1) : dayOf(year + 1, 1, 1)
  const nth = Math.floor((day - first) / 7) + 1
  const nthFromEnd = -Math.floor((beyond - 1 - day) / 7) - 1
  return rule.byWeekday.some(
    (wanted) =>
      wanted.weekday === weekday &&
      (wanted.ordinal === undefined || wanted.ordinal === nth || wanted.ordinal === nthFromEnd),
  )
}

/** BYWEEKNO by the week a day lies in: the last days of December may be in week 1 of the next year, and are then selected by 1. */
function selectsWeek(rule: RecurrenceRule, day: number): boolean {
  const start = weekStartOf(rule, day)
  // A week belongs to the year that holds its fourth day (ISO 8601 2.2.10, with WKST as the first day).
  const { year } = civilOf(start + 3)
  const first = weekStartOf(rule, dayOf(year, 1, 4))
  const next = weekStartOf(rule, dayOf(year + 1, 1, 4))
  return rule.byWeekNumber.includes((start - first) / 7 + 1) || rule.byWeekNumber.includes((start - next) / 7)
}

/** First day of the week (as WKST has it) that holds the day. */
export function weekStartOf(rule: RecurrenceRule, day: number): number {
  return day - modulo(weekdayOf(day) - weekdays.indexOf(rule.weekStart), 7)
}

/** All combinations as seconds of the day, ascending. */
export function timesOf(hours: readonly number[], minutes: readonly number[], seconds: readonly number[]): number[] {
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => hour * 3600 + minute * 60 + second)),
  )
}

/** BYSETPOS over the ascending set of one period; absent means all. */
export function atPositions(rule: RecurrenceRule, set: readonly number[]): readonly number[] {
  if (rule.bySetPosition.length === 0) return set
  return set.filter(
    (_, index) => rule.bySetPosition.includes(index + 1) || rule.bySetPosition.includes(index - set.length),
  )
}
