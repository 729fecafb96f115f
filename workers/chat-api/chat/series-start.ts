import { Temporal } from 'temporal-polyfill'
import { firstOccurrence, formatRecurrence, parseRecurrence, RecurrenceInvalid } from '../../lib/recurrence/index.ts'
import type { PhraseEnd, RecurrencePhrase } from './recurrence-phrase.ts'
import { onMonthDay, ruleText } from './rule-parts.ts'
import type { RuleParts } from './rule-parts.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { defaultHour } from './vocabulary.ts'
import { findWhen, zoned } from './when.ts'
import type { ChatClock, FoundWhen } from './when.ts'

/** A series that has not begun: its canonical rule and its first occurrence, which is DTSTART and the first due time. */
export interface SeriesStart {
  readonly rrule: string
  /** DTSTART in local time; differs from `first` when the clocks skip it. */
  readonly dtstart: string
  readonly first: Temporal.ZonedDateTime
}

/**
 * Puts a phrase on the calendar. `date` is a date found elsewhere in the message ("every 2 weeks … due 1 feb"): it starts the
 * series. Without one the series starts at its first occurrence from now on, never in the past.
 */
export function startSeries(
  phrase: RecurrencePhrase,
  date: FoundWhen | undefined,
  clock: ChatClock,
): SeriesStart | Unclear {
  if (phrase.startWords !== undefined && date?.hasDate === true) {
    return unclear(`Does it start "${phrase.startWords}" or "${date.said}"?`)
  }
  const named = phrase.startWords === undefined ? date : findWhen(phrase.startWords, clock)
  if (isUnclear(named)) return named
  if (phrase.startWords !== undefined && !named)
    return unclear(`I do not understand the start "${phrase.startWords}". Write it as 2026-01-27.`)
  const earliest = earliestStart(phrase, named, clock)
  const parts = withDayOfMonth(phrase.parts, earliest)
  try {
    // Every second Tuesday begins on the next Tuesday: which period counts as the first is not said, so the earliest does.
    const start = firstOccurrence(parseRecurrence(ruleText({ ...parts, interval: 1 })), {
      dtstart: earliest.toString({ smallestUnit: 'second' }),
      zone: clock.zone,
    })
    if (start === undefined) return unclear(`"${phrase.said}" never occurs. Which days do you mean?`)
    const first = Temporal.Instant.from(start.instant).toZonedDateTimeISO(clock.zone)
    const end = endPart(phrase.end, first, clock)
    if (isUnclear(end)) return end
    return { rrule: formatRecurrence(parseRecurrence(ruleText(parts, end))), dtstart: start.local, first }
  } catch (error) {
    if (error instanceof RecurrenceInvalid) return unclear(`"${phrase.said}" cannot be repeated: ${error.message}.`)
    throw error
  }
}

/** In wall-clock time: a time the clocks skip on its first day is still the time of the series. */
function earliestStart(
  phrase: RecurrencePhrase,
  named: FoundWhen | undefined,
  clock: ChatClock,
): Temporal.PlainDateTime {
  const here = clock.now.toZonedDateTimeISO(clock.zone)
  const time = phrase.time ?? (named?.hasTime === true ? named.at.toPlainTime() : undefined)
  if (phrase.parts.frequency === 'HOURLY' && !time && !named) {
    return here.round({ smallestUnit: 'hour', roundingMode: 'ceil' }).toPlainDateTime()
  }
  const plainTime = time ?? Temporal.PlainTime.from({ hour: defaultHour })
  if (named?.hasDate === true) return named.at.toPlainDate().toPlainDateTime(plainTime)
  const today = here.toPlainDate()
  const over = Temporal.ZonedDateTime.compare(zoned(today, plainTime, clock.zone), here) < 0
  return today.add({ days: over ? 1 : 0 }).toPlainDateTime(plainTime)
}

/** "every month" from the 31st means the last day of shorter months, which the bare rule would leave out. */
function withDayOfMonth(parts: RuleParts, start: Temporal.PlainDateTime): RuleParts {
  const named = parts.monthDays ?? parts.ordinalWeekdays ?? parts.weekdays
  if (named || start.day <= 28) return parts
  if (parts.frequency === 'MONTHLY') return onMonthDay(parts, start.day)
  return parts.frequency === 'YEARLY' && start.month === 2 ? onMonthDay({ ...parts, month: 2 }, start.day) : parts
}

function endPart(
  end: PhraseEnd | undefined,
  first: Temporal.ZonedDateTime,
  clock: ChatClock,
): string | undefined | Unclear {
  if (!end) return undefined
  if (end.kind === 'count') return `COUNT=${end.count}`
  if (end.kind === 'span') {
    const last = first
      .toPlainDate()
      .add({ [`${end.unit}s`]: end.amount })
      .subtract({ days: 1 })
    return `UNTIL=${last.toString().replaceAll('-', '')}`
  }
  const until = findWhen(end.words, clock)
  if (isUnclear(until)) return until
  if (!until) return unclear(`I do not understand the end "${end.words}". Write it as 2026-06-30.`)
  const lastDay = until.at.toPlainDate()
  if (Temporal.PlainDate.compare(lastDay, first.toPlainDate()) < 0) {
    return unclear(
      `It would end (${lastDay.toString()}) before it first occurs (${first.toPlainDate().toString()}). When does it end?`,
    )
  }
  return `UNTIL=${lastDay.toString().replaceAll('-', '')}`
}
