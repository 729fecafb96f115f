/**
 * Finds the date and time a message means, in the user's zone. chrono-node proposes; this module decides what to believe.
 *
 * chrono finds dates in words that are none ("sun cream", "may need") and fills in what was not said. So every find is
 * either plain (taken wherever it stands), or weak (taken only where its place or a lead word such as "by" makes it a date),
 * or asked about. What chrono filled in is dropped: a date without a time is 09:00, parts of the day are those of vocabulary.ts.
 * The host's zone has no influence: chrono gets the user's offset, and its wall-clock fields are resolved by Temporal
 * (a time in a gap moves forward, the first of two equal times is taken). Proof: when.test.ts, also run under other TZ values.
 */
import { Temporal } from 'temporal-polyfill'
import { findDates } from './date-finder.ts'
import type { FoundDate } from './date-finder.ts'
import { cut } from './text.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { defaultHour } from './vocabulary.ts'

/** The moment a message arrived and the zone its words are meant in; the only clock the chat knows. */
export interface ChatClock {
  readonly now: Temporal.Instant
  /** IANA name. */
  readonly zone: string
}

/** A date found in a text, and the text with it cut out. */
export interface FoundWhen {
  readonly at: Temporal.ZonedDateTime
  /** False when only a day was named and the time is the default. */
  readonly hasTime: boolean
  /** False when only a time was named and the day is the next one it falls on. */
  readonly hasDate: boolean
  /** The words it was read from, for questions and replies. */
  readonly said: string
  readonly rest: string
}

/**
 * The one moment `text` names, or undefined when it names none. {@link Unclear} for two different dates, a range, a date that
 * does not exist, a moment in the past, an hour without am or pm, and words that may be a date or part of the title.
 */
export function findWhen(text: string, clock: ChatClock): FoundWhen | Unclear | undefined {
  const found = findDates(text, clock)
  if (isUnclear(found)) return found
  const [first, second, ...others] = found
  if (!first) return undefined
  const both = second ? merge(first, second) : first
  if (!both || others.length > 0) {
    return unclear(
      `I found two dates: ${found.map(({ said }) => `"${said}"`).join(' and ')}. Which one is it due? Put the other in "quotes" if it belongs to the title.`,
    )
  }
  const rest = [...found]
    .sort((a, b) => b.index - a.index)
    .reduce((left, { index, length }) => cut(left, index, length), text)
  const said = found.map((part) => part.said).join(' ')
  const at = resolve(both, clock)
  if (Temporal.Instant.compare(at.toInstant(), clock.now) < 0) {
    return unclear(`"${said}" would be ${describe(at)}, which is in the past. When is it due?`)
  }
  return {
    at,
    hasTime: both.instant !== undefined || both.time !== undefined,
    hasDate: both.instant !== undefined || both.date !== undefined,
    said,
    rest,
  }
}

/** The date of one part and the time of another ("tomorrow … at 5pm"); undefined when both name the same thing. */
function merge(a: FoundDate, b: FoundDate): FoundDate | undefined {
  if (a.instant ?? b.instant) return undefined
  const date = a.date ?? b.date
  const time = a.time ?? b.time
  if ((a.date && b.date) ?? (a.time && b.time)) return undefined
  return { ...a, ...(date ? { date } : {}), ...(time ? { time } : {}) }
}

function resolve(found: FoundDate, { now, zone }: ChatClock): Temporal.ZonedDateTime {
  if (found.instant) return found.instant.toZonedDateTimeISO(zone)
  const here = now.toZonedDateTimeISO(zone)
  const today = here.toPlainDate()
  if (found.date && found.time) return zoned(found.date, found.time, zone)
  if (found.date) {
    const at = zoned(found.date, Temporal.PlainTime.from({ hour: defaultHour }), zone)
    const over = found.date.equals(today) && Temporal.ZonedDateTime.compare(at, here) < 0
    return over ? zoned(today, Temporal.PlainTime.from('23:59'), zone) : at
  }
  const time = found.time ?? Temporal.PlainTime.from({ hour: defaultHour })
  const at = zoned(today, time, zone)
  return Temporal.ZonedDateTime.compare(at, here) < 0 ? zoned(today.add({ days: 1 }), time, zone) : at
}

/** Wall-clock time to moment: in a gap the later side, in an overlap the first (Temporal's `compatible`). */
export function zoned(date: Temporal.PlainDate, time: Temporal.PlainTime, zone: string): Temporal.ZonedDateTime {
  return date.toZonedDateTime({ timeZone: zone, plainTime: time })
}

/** `Tue 27 Jan 2026 09:00` in the zone of the value. */
export function describe(at: Temporal.ZonedDateTime): string {
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][at.dayOfWeek - 1] ?? ''
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][at.month - 1] ?? ''
  return `${day} ${at.day} ${month} ${at.year} ${at.toPlainTime().toString({ smallestUnit: 'minute' })}`
}
