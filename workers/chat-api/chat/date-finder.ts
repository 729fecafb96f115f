import * as chrono from 'chrono-node'
import { Temporal } from 'temporal-polyfill'
import { ownDates } from './own-dates.ts'
import { cutMark } from './text.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { monthPattern, partsOfDay, weekdayPattern } from './vocabulary.ts'
import type { ChatClock } from './when.ts'

/** A date, a time or both, with the place they were found at. `instant` is set instead when the words name an exact moment. */
export interface FoundDate {
  readonly index: number
  readonly length: number
  readonly said: string
  readonly date?: Temporal.PlainDate
  readonly time?: Temporal.PlainTime
  readonly instant?: Temporal.Instant
}

const leadBefore = /(?:^|\s)((?:is\s+)?due(?:\s+(?:on|by|at|in))?|by|on|at|before)\s*$/i
const articleBefore = /(?:^|\s)(?:the|a|an|of|for|with|in|my|your|our|this|that|to)\s*$/i
const loneMonth = new RegExp(`^(?:in\\s+)?${monthPattern}$`, 'i')
const loneWeekday = new RegExp(`^(?:on\\s+)?${weekdayPattern}$`, 'i')
const loneAbbreviation = /^(?:mon|tues?|wed|thur?s?|fri|sat|sun|now|second)$/i
const slashDate = /(?<![\d/])(\d{1,2})\/(\d{1,2})(?![\d/])/
const dateLike = new RegExp(
  `\\b\\d{4}-\\d{1,2}-\\d{1,2}\\b|\\b${monthPattern}\\s+\\d{1,2}(?:st|nd|rd|th)?\\b|\\b\\d{1,2}(?:st|nd|rd|th)?\\s+${monthPattern}\\b`,
  'i',
)
const clockLike = /\bat\s+\d{1,2}(?:[:.]\d{2})?(?!\d)/i

/** Every date in `text` that is to be believed, in order of appearance, or the question about the first that is in doubt. */
export function findDates(text: string, clock: ChatClock): FoundDate[] | Unclear {
  const slash = slashDate.exec(text)
  if (slash && Number(slash[1]) <= 12 && Number(slash[2]) <= 12 && slash[1] !== slash[2]) {
    return unclear(`"${slash[0]}" can be read as day/month or month/day. Write it as 2026-01-27 or "27 jan".`)
  }
  const own = ownDates(text, clock)
  if (isUnclear(own)) return own
  const masked = own.reduce((left, { index, length }) => blank(left, index, length), text)
  const proposals = chrono.casual.parse(
    masked,
    { instant: new Date(clock.now.epochMilliseconds), timezone: offsetMinutes(clock) },
    { forwardDate: true },
  )
  const found: FoundDate[] = [...own]
  let left = masked
  for (const proposal of proposals) {
    const verdict = judge(masked, proposal)
    if (isUnclear(verdict)) return verdict
    if (!verdict) continue
    found.push(verdict)
    left = blank(left, verdict.index, verdict.length)
  }
  const odd = dateLike.exec(left)?.[0] ?? clockLike.exec(left)?.[0]
  if (odd && !proposals.some(({ text: seen }) => seen.includes(odd))) {
    return unclear(`"${odd}" is not a date or time I can find in the calendar. When is it due?`)
  }
  return found.sort((a, b) => a.index - b.index)
}

const blank = (text: string, index: number, length: number): string =>
  text.slice(0, index) + cutMark.repeat(length) + text.slice(index + length)

const offsetMinutes = ({ now, zone }: ChatClock): number =>
  now.toZonedDateTimeISO(zone).offsetNanoseconds / 60_000_000_000

function judge(text: string, proposal: chrono.ParsedResult): FoundDate | Unclear | undefined {
  const said = proposal.text.trim()
  const before = text.slice(0, proposal.index)
  const after = text.slice(proposal.index + proposal.text.length)
  const lead = leadBefore.exec(before)
  const hasLead = lead !== null || /^(?:on|at|by|next)\b/i.test(said)
  if (/^['’]s?\w/.test(after)) return undefined
  const standsLast = /^[\s.,!]*$/.test(after.replaceAll(cutMark, ''))
  if (loneMonth.test(said) || /^(?:now|second)$/i.test(said)) {
    if (!lead) return undefined
  } else if (loneWeekday.test(said) && !hasLead) {
    const nearMark = new RegExp(`^\\s*${cutMark}`).test(after) || standsLast
    if (articleBefore.test(before)) return undefined
    if (!nearMark && loneAbbreviation.test(said)) return undefined
    if (!nearMark) {
      return unclear(
        `Is "${said}" when it is due, or part of the title? Write "on ${said}", or put the title in quotes.`,
      )
    }
  }
  if (proposal.end) return unclear(`"${said}" is a span of time. Name the one moment it is due.`)
  const { start } = proposal
  if (start.isCertain('hour') && bareHour(said)) {
    const hour = start.get('hour') ?? 0
    return unclear(`In "${said}", is it ${hour}am or ${hour}pm?`)
  }
  const leadLength = lead ? before.length - before.search(leadBefore) : 0
  const place = { index: proposal.index - leadLength, length: proposal.text.length + leadLength, said }
  if (start.isCertain('timezoneOffset')) {
    return { ...place, instant: Temporal.Instant.fromEpochMilliseconds(start.date().getTime()) }
  }
  const time = timeOf(start, said)
  const onlyTime = !start.isCertain('day') && !start.isCertain('weekday') && !start.isCertain('month')
  if (onlyTime && time) return { ...place, time }
  const date = Temporal.PlainDate.from({
    year: start.get('year') ?? 1970,
    month: start.get('month') ?? 1,
    day: start.get('day') ?? 1,
  })
  return { ...place, date, ...(time ? { time } : {}) }
}

/** "at 5" without am, pm or minutes, outside the 24-hour spelling. */
const bareHour = (said: string): boolean => /(?:^|\s)at\s+(?:[1-9]|1[0-2])$/i.test(said)

function timeOf(start: chrono.ParsedComponents, said: string): Temporal.PlainTime | undefined {
  const part = /\b(morning|afternoon|evening|night|noon|midnight)\b|\b(tonight)\b/i.exec(said)
  if (start.isCertain('hour')) {
    return Temporal.PlainTime.from({ hour: start.get('hour') ?? 0, minute: start.get('minute') ?? 0 })
  }
  if (!part) return undefined
  return Temporal.PlainTime.from({ hour: partsOfDay[part[2] ? 'night' : (part[1] ?? '').toLowerCase()] ?? 0 })
}
