/** FREQ values of RFC 5545 3.3.10, coarsest first. */
export const frequencies = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'] as const

/** See {@link frequencies}. */
export type Frequency = (typeof frequencies)[number]

/** Two-letter weekdays of RFC 5545, Monday first: the index is the day's number in this module (0 = Monday). */
export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const

/** See {@link weekdays}. */
export type Weekday = (typeof weekdays)[number]

/** One element of BYDAY: `MO`, or with an ordinal `2MO` (the second) and `-1FR` (the last) of the month or year. */
export interface WeekdayOccurrence {
  weekday: Weekday
  /** -53..-1 or 1..53; absent means every such weekday. */
  ordinal?: number
}

/**
 * The end named by UNTIL, always inclusive. `local` compares wall-clock times; `instant` (the form with Z) compares the
 * moment an occurrence falls on in the task's zone. A bare date includes the whole day.
 */
export type Until =
  { form: 'local'; local: string } | { form: 'date'; local: string } | { form: 'instant'; instant: string }

/** A parsed RRULE. Empty arrays mean "part absent"; lists are sorted and free of duplicates. */
export interface RecurrenceRule {
  frequency: Frequency
  /** Every n-th period, 1 when the text names none. */
  interval: number
  /** Instances of the whole series, the first included. */
  count?: number
  until?: Until
  /** WKST; decides which days form a week when INTERVAL > 1 or BYWEEKNO is used. */
  weekStart: Weekday
  byMonth: readonly number[]
  byWeekNumber: readonly number[]
  byYearDay: readonly number[]
  byMonthDay: readonly number[]
  byWeekday: readonly WeekdayOccurrence[]
  byHour: readonly number[]
  byMinute: readonly number[]
  bySecond: readonly number[]
  bySetPosition: readonly number[]
}

/** What an admin allows; each bound is named in the error of a rule that exceeds it. */
export interface RecurrenceLimits {
  /** Finest FREQ that is accepted. */
  finestFrequency: Frequency
  maxInterval: number
  maxCount: number
  /** Most times of one day that the rule may select, so that BYHOUR, BYMINUTE and BYSECOND cannot undercut FREQ. */
  maxPerDay: number
  /** Last year UNTIL may name. */
  maxUntilYear: number
  /** Longest text in characters. */
  maxLength: number
}

/** HOURLY and coarser, at most every quarter of an hour: a task that returns each minute is a load on its owner and the system. */
export const defaultLimits: RecurrenceLimits = {
  finestFrequency: 'HOURLY',
  maxInterval: 999,
  maxCount: 10_000,
  maxPerDay: 96,
  maxUntilYear: 9999,
  maxLength: 512,
}
