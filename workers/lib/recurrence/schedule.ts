import { RecurrenceInvalid } from './errors.ts'
import { localSeconds, localText } from './local-time.ts'
import { occurrences } from './occurrences.ts'
import type { RecurrenceRule, Until } from './rule.ts'
import { toInstant } from './zone.ts'

/** Where a rule starts and in which IANA zone its wall-clock times are meant. */
export interface Schedule {
  /** DTSTART as local date-time. */
  dtstart: string
  zone: string
}

/** One occurrence: its slot (RFC 5545 RECURRENCE-ID, local) and the instant (RFC 3339 UTC) it falls on. */
export interface Occurrence {
  local: string
  instant: string
}

/**
 * Occurrences at or after DTSTART and later than `after` (local), until UNTIL; COUNT is held against a series, not here.
 * Instants strictly increase: of two slots that a daylight-saving gap moves onto one instant, the first is given.
 * DTSTART itself is an occurrence only when the rule selects it.
 * @throws {RangeError} unknown zone, or dtstart or after is not a local date-time
 */
export function* occurrencesAfter(
  rule: RecurrenceRule,
  schedule: Schedule,
  after?: string,
): Generator<Occurrence, void> {
  const start = seconds(schedule.dtstart)
  let latest = after === undefined ? '' : toInstant(after, schedule.zone)
  for (const occurrence of occurrences(rule, start, after === undefined ? start - 1 : seconds(after))) {
    const local = localText(occurrence)
    const instant = toInstant(local, schedule.zone)
    if (rule.until && isPast(rule.until, local, instant)) return
    if (instant <= latest) continue
    latest = instant
    yield { local, instant }
  }
}

/** The first occurrence at or after DTSTART; undefined when there is none. */
export function firstOccurrence(rule: RecurrenceRule, schedule: Schedule): Occurrence | undefined {
  return occurrencesAfter(rule, schedule).next().value ?? undefined
}

/** The next `limit` occurrences, at most COUNT of them; for showing a user what a rule means. */
export function previewOccurrences(rule: RecurrenceRule, schedule: Schedule, limit: number): Occurrence[] {
  const wanted = Math.min(limit, rule.count ?? limit)
  const found: Occurrence[] = []
  for (const occurrence of occurrencesAfter(rule, schedule)) {
    if (found.length >= wanted) break
    found.push(occurrence)
  }
  return found
}

/**
 * Refuses a rule that selects nothing from DTSTART on: impossible dates (30 February), contradictory parts, UNTIL in the past.
 * @throws {RecurrenceInvalid}
 */
export function assertOccurs(rule: RecurrenceRule, schedule: Schedule): void {
  if (firstOccurrence(rule, schedule)) return
  const { until, ...endless } = rule
  const ended = until !== undefined && firstOccurrence(endless, schedule) !== undefined
  throw new RecurrenceInvalid([
    ended
      ? { part: 'UNTIL', problem: 'lies before the first occurrence', allowed: `a time from ${schedule.dtstart} on` }
      : { part: 'RRULE', problem: 'never occurs', allowed: 'parts that select at least one date together' },
  ])
}

function isPast(until: Until, local: string, instant: string): boolean {
  return until.form === 'instant' ? instant > until.instant : local > until.local
}

function seconds(local: string): number {
  const value = localSeconds(local)
  if (Number.isNaN(value)) throw new RangeError(`"${local}" is not a local date-time`)
  return value
}
