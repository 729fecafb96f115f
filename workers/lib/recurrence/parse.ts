import { RecurrenceInvalid } from './errors.ts'
import type { RecurrenceProblem } from './errors.ts'
import { localSeconds, localText } from './local-time.ts'
import { defaultLimits, frequencies, weekdays } from './rule.ts'
import type { Frequency, RecurrenceLimits, RecurrenceRule, Until, Weekday, WeekdayOccurrence } from './rule.ts'
import { combinationProblems } from './combinations.ts'

/** Value of one part, or what is wrong with it. */
type Read<T> = { value: T } | { problem: string; allowed: string }

/** Bounds of the numeric lists; `negative` allows counting from the end, zero is then excluded. */
const lists = {
  BYMONTH: { min: 1, max: 12, negative: false },
  BYWEEKNO: { min: 1, max: 53, negative: true },
  BYYEARDAY: { min: 1, max: 366, negative: true },
  BYMONTHDAY: { min: 1, max: 31, negative: true },
  BYHOUR: { min: 0, max: 23, negative: false },
  BYMINUTE: { min: 0, max: 59, negative: false },
  BYSECOND: { min: 0, max: 59, negative: false },
  BYSETPOS: { min: 1, max: 366, negative: true },
} as const

const partNames = ['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'WKST', 'BYDAY', ...Object.keys(lists)]

/**
 * Reads the value of an RRULE property (RFC 5545 3.3.10), with or without the leading `RRULE:`, in any letter case.
 * Everything is checked before anything is used: unknown, repeated and contradictory parts, ranges, and `limits`.
 * @throws {RecurrenceInvalid} naming every part that is wrong
 */
export function parseRecurrence(text: string, limits: RecurrenceLimits = defaultLimits): RecurrenceRule {
  if (text.length > limits.maxLength) {
    throw invalid('RRULE', `has ${text.length} characters`, `at most ${limits.maxLength} characters`)
  }
  const problems: RecurrenceProblem[] = []
  const parts = splitParts(text, problems)
  const read = <T>(part: string, reader: (value: string) => Read<T>): T | undefined => {
    const value = parts.get(part)
    if (value === undefined) return undefined
    const result = reader(value)
    if ('value' in result) return result.value
    problems.push({ part, problem: result.problem, allowed: result.allowed })
    return undefined
  }
  const list = (part: keyof typeof lists): number[] => read(part, (value) => readList(value, lists[part])) ?? []

  const frequency = read('FREQ', (value) => readFrequency(value, limits))
  const interval = read('INTERVAL', (value) => readInteger(value, 1, limits.maxInterval))
  const count = read('COUNT', (value) => readInteger(value, 1, limits.maxCount))
  const until = read('UNTIL', (value) => readUntil(value, limits))
  const weekStart = read('WKST', readWeekday)
  if (!parts.has('FREQ')) problems.push({ part: 'FREQ', problem: 'is missing', allowed: allowedFrequencies(limits) })
  const rule: RecurrenceRule = {
    frequency: frequency ?? 'DAILY',
    interval: interval ?? 1,
    ...(count === undefined ? {} : { count }),
    ...(until === undefined ? {} : { until }),
    weekStart: weekStart ?? 'MO',
    byMonth: list('BYMONTH'),
    byWeekNumber: list('BYWEEKNO'),
    byYearDay: list('BYYEARDAY'),
    byMonthDay: list('BYMONTHDAY'),
    byWeekday: read('BYDAY', readWeekdays) ?? [],
    byHour: list('BYHOUR'),
    byMinute: list('BYMINUTE'),
    bySecond: list('BYSECOND'),
    bySetPosition: list('BYSETPOS'),
  }
  if (frequency !== undefined) problems.push(...combinationProblems(rule), ...tooOften(rule, limits))
  if (problems.length > 0) throw new RecurrenceInvalid(problems)
  return rule
}

function tooOften(rule: RecurrenceRule, limits: RecurrenceLimits): RecurrenceProblem[] {
  const fineness = frequencies.indexOf(rule.frequency) - frequencies.indexOf('DAILY')
  const times = [rule.byHour, rule.byMinute, rule.bySecond]
    .map((part, index) => part.length || (fineness > index ? [24, 60, 60][index] : 1) || 1)
    .reduce((product, size) => product * size, 1)
  if (times <= limits.maxPerDay) return []
  return [
    { part: 'RRULE', problem: `selects ${times} times of a day`, allowed: `at most ${limits.maxPerDay} of a day` },
  ]
}

function splitParts(text: string, problems: RecurrenceProblem[]): Map<string, string> {
  const parts = new Map<string, string>()
  const body = text
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
  if (body === '') throw invalid('RRULE', 'is empty', 'parts such as FREQ=WEEKLY;BYDAY=MO')
  for (const part of body.split(';')) {
    const at = part.indexOf('=')
    const name = at < 0 ? part : part.slice(0, at)
    const shown = JSON.stringify(name.slice(0, 20))
    if (at < 1 || at === part.length - 1) {
      problems.push({ part: 'RRULE', problem: `has ${shown} without a value`, allowed: 'NAME=value parts between ";"' })
    } else if (!partNames.includes(name)) {
      problems.push({ part: 'RRULE', problem: `has the unknown part ${shown}`, allowed: partNames.join(', ') })
    } else if (parts.has(name)) {
      problems.push({ part: name, problem: 'is given twice', allowed: 'each part once' })
    } else parts.set(name, part.slice(at + 1))
  }
  return parts
}

function readInteger(text: string, min: number, max: number): Read<number> {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return { value }
  return { problem: `is ${quoted(text)}`, allowed: `a whole number from ${min} to ${max}` }
}

function readList(text: string, bounds: { min: number; max: number; negative: boolean }): Read<number[]> {
  const allowed = bounds.negative
    ? `${bounds.min} to ${bounds.max} or -${bounds.max} to -${bounds.min}, separated by ","`
    : `${bounds.min} to ${bounds.max}, separated by ","`
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const value = /^[+-]?\d{1,3}$/.test(item) ? Number(item) : Number.NaN
    const size = bounds.negative ? Math.abs(value) : value
    if (!(size >= bounds.min && size <= bounds.max)) return { problem: `contains ${quoted(item)}`, allowed }
    values.add(value)
  }
  return { value: [...values].sort((a, b) => a - b) }
}

function readFrequency(text: string, limits: RecurrenceLimits): Read<Frequency> {
  const value = frequencies.find((name) => name === text)
  if (value && frequencies.indexOf(value) <= frequencies.indexOf(limits.finestFrequency)) return { value }
  return { problem: `is ${quoted(text)}`, allowed: allowedFrequencies(limits) }
}

function allowedFrequencies(limits: RecurrenceLimits): string {
  return frequencies.slice(0, frequencies.indexOf(limits.finestFrequency) + 1).join(', ')
}

function readWeekday(text: string): Read<Weekday> {
  const value = weekdays.find((name) => name === text)
  return value ? { value } : { problem: `is ${quoted(text)}`, allowed: weekdays.join(', ') }
}

function readWeekdays(text: string): Read<WeekdayOccurrence[]> {
  const found = new Map<string, WeekdayOccurrence>()
  for (const item of text.split(',')) {
    const match = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(item)
    const weekday = weekdays.find((name) => name === match?.[2])
    const ordinal = match?.[1] === undefined ? undefined : Number(match[1])
    if (!weekday || (ordinal !== undefined && (ordinal === 0 || Math.abs(ordinal) > 53))) {
      return {
        problem: `contains ${quoted(item)}`,
        allowed: `${weekdays.join(', ')}, each optionally after an ordinal 1 to 53 or -53 to -1, separated by ","`,
      }
    }
    found.set(`${ordinal ?? ''}${weekday}`, { weekday, ...(ordinal === undefined ? {} : { ordinal }) })
  }
  return { value: [...found.values()].sort(byOrdinalThenDay) }
}

function byOrdinalThenDay(a: WeekdayOccurrence, b: WeekdayOccurrence): number {
  return (a.ordinal ?? 0) - (b.ordinal ?? 0) || weekdays.indexOf(a.weekday) - weekdays.indexOf(b.weekday)
}

/** UNTIL: `20261231`, `20261231T170000` (local) or `20261231T170000Z` (UTC). */
function readUntil(text: string, limits: RecurrenceLimits): Read<Until> {
  const allowed = `a date or date-time up to the year ${limits.maxUntilYear}, such as 20261231, 20261231T170000 or 20261231T170000Z`
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z)?)?$/.exec(text)
  const [year = '', month = '', day = '', hour, minute, second, utc] = match?.slice(1) ?? []
  const time = hour === undefined ? '23:59:59' : `${hour}:${minute ?? ''}:${second ?? ''}`
  const seconds = match ? localSeconds(`${year}-${month}-${day}T${time}`) : Number.NaN
  if (Number.isNaN(seconds) || Number(year) > limits.maxUntilYear) return { problem: `is ${quoted(text)}`, allowed }
  const local = localText(seconds)
  if (utc) return { value: { form: 'instant', instant: `${local}.000Z` } }
  return { value: { form: hour === undefined ? 'date' : 'local', local } }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 30 ? `${text.slice(0, 30)}…` : text)
}

function invalid(part: string, problem: string, allowed: string): RecurrenceInvalid {
  return new RecurrenceInvalid([{ part, problem, allowed }])
}
