import { civilOf, DAY_SECONDS, localSeconds } from './local-time.ts'
import { frequencies } from './rule.ts'
import type { RecurrenceRule } from './rule.ts'
import { occurrencesAfter } from './schedule.ts'
import type { Occurrence } from './schedule.ts'
import { toLocal } from './zone.ts'

/** A completed instance of a series, as the completion event describes it. */
export interface CompletedInstance {
  rule: RecurrenceRule
  /** `due`: the next slot of the rule. `completion`: the rule starts anew on the day of completion. */
  anchor: 'due' | 'completion'
  /** Slot of the completed instance, local date-time. It stays when a user moves the due time: that is why nothing drifts. */
  recurrenceId: string
  /** 1-based position in the series. */
  position: number
  /** RFC 3339 instant. */
  completedAt: string
  /** IANA zone of the task. */
  zone: string
  /** With anchor `due`: whether slots that had passed before the completion are used (`Every`) or left out (`NextFuture`). */
  catchUp: 'Every' | 'NextFuture'
}

/** The slot that follows a completed instance. */
export interface NextInstance extends Occurrence {
  position: number
}

/**
 * The successor of a completed instance, or undefined when the series has ended (COUNT, UNTIL, no further occurrence).
 * A pure function of its argument: whoever evaluates it, when, how often and on which host gets the same slot. Always later
 * than the completed slot, hence no slot is ever used twice.
 */
export function nextInstance(completed: CompletedInstance): NextInstance | undefined {
  const { rule, position } = completed
  if (rule.count !== undefined && position >= rule.count) return undefined
  const next = completed.anchor === 'due' ? afterDue(completed) : afterCompletion(completed)
  return next && { ...next, position: position + 1 }
}

/**
 * A slot is an occurrence of its series, so it lies in an on-period and carries the day and time of DTSTART: starting the
 * rule at the slot selects the same future as starting it at DTSTART. That spares the walk through the past.
 */
function afterDue({ rule, recurrenceId, zone, catchUp, completedAt }: CompletedInstance): Occurrence | undefined {
  const schedule = { dtstart: recurrenceId, zone }
  const overdue = catchUp === 'NextFuture'
  const searchFrom = overdue ? later(recurrenceId, toLocal(dayBefore(completedAt), zone)) : recurrenceId
  for (const occurrence of occurrencesAfter(rule, schedule, searchFrom)) {
    if (!overdue || occurrence.instant > completedAt) return occurrence
  }
  return undefined
}

/** DTSTART becomes the day of completion at the slot's time of day; rules finer than a day start at the completion itself. */
function afterCompletion({ rule, recurrenceId, zone, completedAt }: CompletedInstance): Occurrence | undefined {
  const done = toLocal(completedAt, zone)
  const withinDay = frequencies.indexOf(rule.frequency) >= frequencies.indexOf('HOURLY')
  const dtstart = withinDay ? done : `${done.slice(0, 10)}${recurrenceId.slice(10)}`
  const schedule = { dtstart, zone }
  return occurrencesAfter(withMonthEnd(rule, dtstart), schedule, later(dtstart, recurrenceId)).next().value ?? undefined
}

/**
 * A month after 31 January is the last day of February: a completion has no fixed day that could be missed. Written as
 * RFC 5545 can say it, BYMONTHDAY=28,…,31;BYSETPOS=-1. Rules that name days or several times are left as they are.
 */
function withMonthEnd(rule: RecurrenceRule, dtstart: string): RecurrenceRule {
  const named = [rule.byMonth, rule.byWeekNumber, rule.byYearDay, rule.byMonthDay, rule.byWeekday]
  const times = [rule.byHour, rule.byMinute, rule.bySecond]
  if (rule.frequency !== 'MONTHLY' && rule.frequency !== 'YEARLY') return rule
  if (named.some((part) => part.length > 0) || times.some((part) => part.length > 1)) return rule
  if (rule.bySetPosition.length > 0) return rule
  const { month, day } = civilOf(Math.floor(localSeconds(dtstart) / DAY_SECONDS))
  if (day <= 28) return rule
  const byMonthDay = Array.from({ length: day - 27 }, (_, index) => 28 + index)
  return { ...rule, byMonthDay, bySetPosition: [-1], byMonth: rule.frequency === 'YEARLY' ? [month] : [] }
}

/** A day is more than any zone's shift, so no slot after the completion is missed. */
function dayBefore(instant: string): string {
  return new Date(Date.parse(instant) - DAY_SECONDS * 1000).toISOString()
}

function later(a: string, b: string): string {
  return a > b ? a : b
}
