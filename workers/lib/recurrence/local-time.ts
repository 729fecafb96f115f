/**
 * Floating time (RFC 5545 3.3.5 FORM #1) as plain integers: no zone, no Date in local mode, hence the same result on every
 * host. A day is counted from 1970-01-01, a second from its midnight. Proleptic Gregorian, years 1 to 9999.
 */

/** Seconds of a floating day; floating time has no daylight saving, so this is exact. */
export const DAY_SECONDS = 86_400

/** Year, month 1–12 and day of the month 1–31. */
export interface CivilDate {
  year: number
  month: number
  day: number
}

/** Days from 1970-01-01 to the date; months outside 1–12 carry into the year. */
export function dayOf(year: number, month: number, day: number): number {
  const months = year * 12 + (month - 1)
  const y = Math.floor(months / 12)
  const m = months - y * 12
  // Years that begin in March put the leap day last, so that the day of the year is a linear function of the month.
  const shifted = m < 2 ? y - 1 : y
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((m + 10) % 12) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

/** The inverse of {@link dayOf}. */
export function civilOf(day: number): CivilDate {
  const z = day + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  }
}

/** 0 = Monday … 6 = Sunday. */
export function weekdayOf(day: number): number {
  return modulo(day + 3, 7)
}

/** Length of a month in days. */
export function daysInMonth(year: number, month: number): number {
  return dayOf(year, month + 1, 1) - dayOf(year, month, 1)
}

/** The remainder with the sign of the divisor, unlike `%`. */
export function modulo(value: number, divisor: number): number {
  return value - Math.floor(value / divisor) * divisor
}

/** Floating seconds since 1970-01-01T00:00:00 of `YYYY-MM-DDTHH:MM:SS`; NaN when the text is not a real local date-time. */
export function localSeconds(text: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/.exec(text)
  if (!match) return Number.NaN
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return Number.NaN
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN
  return dayOf(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second
}

/** The inverse of {@link localSeconds}. */
export function localText(seconds: number): string {
  const day = Math.floor(seconds / DAY_SECONDS)
  const rest = seconds - day * DAY_SECONDS
  const date = civilOf(day)
  const time = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60]
  return `${pad(date.year, 4)}-${pad(date.month, 2)}-${pad(date.day, 2)}T${time.map((part) => pad(part, 2)).join(':')}`
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
