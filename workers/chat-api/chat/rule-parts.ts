import { longestMonth, weekdays } from './vocabulary.ts'
import type { Weekday } from './vocabulary.ts'

/** The parts of an RRULE a phrase can name, before it has an end. */
export interface RuleParts {
  readonly frequency: 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY'
  readonly interval?: number
  readonly weekdays?: readonly Weekday[]
  /** BYDAY with ordinals, e.g. `3FR`, `-1MO`. */
  readonly ordinalWeekdays?: readonly string[]
  readonly monthDays?: readonly number[]
  readonly month?: number
  readonly setPositions?: readonly number[]
}

/** RRULE text in the order RFC 5545 lists the parts; `end` is a COUNT or UNTIL part. */
export function ruleText(parts: RuleParts, end?: string): string {
  const days = [...weekdays.filter((day) => parts.weekdays?.includes(day)), ...(parts.ordinalWeekdays ?? [])]
  return [
    `FREQ=${parts.frequency}`,
    parts.interval === undefined || parts.interval === 1 ? '' : `INTERVAL=${parts.interval}`,
    end ?? '',
    parts.month === undefined ? '' : `BYMONTH=${parts.month}`,
    parts.monthDays?.length ? `BYMONTHDAY=${parts.monthDays.join(',')}` : '',
    days.length > 0 ? `BYDAY=${days.join(',')}` : '',
    parts.setPositions?.length ? `BYSETPOS=${parts.setPositions.join(',')}` : '',
  ]
    .filter((part) => part !== '')
    .join(';')
}

/**
 * "The 31st" of every month means the last day where there is no 31st (RFC 7529 calls it SKIP=BACKWARD); a plain
 * BYMONTHDAY=31 would leave those months out. The same is said here in RFC 5545 alone: the last of the days 28 to 31 that exist.
 */
export function onMonthDay(parts: RuleParts, day: number): RuleParts {
  const longest = parts.month === undefined ? 31 : longestMonth(parts.month)
  const everExists = parts.month === undefined ? 28 : parts.month === 2 ? 28 : longest
  if (day <= everExists) return { ...parts, monthDays: [day] }
  if (day >= longest) return { ...parts, monthDays: [-1] }
  const candidates = Array.from({ length: day - 27 }, (_, index) => 28 + index)
  return { ...parts, monthDays: candidates, setPositions: [-1] }
}
