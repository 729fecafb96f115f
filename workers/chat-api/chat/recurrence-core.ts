import { Temporal } from 'temporal-polyfill'
import { onMonthDay } from './rule-parts.ts'
import type { RuleParts } from './rule-parts.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import {
  longestMonth,
  monthOf,
  monthPattern,
  numberOf,
  numberPattern,
  ordinalOf,
  ordinalPattern,
  partsOfDay,
  weekdayOf,
  weekdayPattern,
} from './vocabulary.ts'
import type { Weekday } from './vocabulary.ts'

/** What follows "every": the rule without its end, a time of day if the words imply one, and how many characters were read. */
export interface RecurrenceCore {
  readonly parts: RuleParts
  readonly time?: Temporal.PlainTime
  readonly length: number
}

const workdays: readonly Weekday[] = ['MO', 'TU', 'WE', 'TH', 'FR']
const separator = '(?:\\s*,\\s*(?:and\\s+)?|\\s+and\\s+|\\s*&\\s*|\\s*\\/\\s*)'
const end = '(?![\\w-])'
const unit = new RegExp(
  `^(?:(other|second|alternate|${numberPattern}|\\d{1,2}(?:st|nd|rd|th))\\s+)?(second|minute|min|hour|day|week|fortnight|month|quarter|year)s?${end}`,
)
const named = new RegExp(
  `^(weekday|workday|work\\s?day|business\\s+day|weekend|morning|afternoon|evening|night|noon|midnight)s?${end}`,
)
const weekdayList = new RegExp(
  `^(?:(other|alternate|second)\\s+)?(${weekdayPattern}(?:(?:${separator}|\\s+)${weekdayPattern})*)${end}`,
)
const dayWord = `(?:${weekdayPattern}|work\\s?day|weekday|business\\s+day|day)`
const ordinalItem = `(?:the\\s+)?${ordinalPattern}(?:\\s+${dayWord})?`
const ordinalList = new RegExp(
  `^(${ordinalItem}(?:${separator}${ordinalItem})*)${end}(?:\\s+(?:day\\s+)?(?:of|in)\\s+(?:each|every|the)\\s+month${end})?`,
)
const monthDay = new RegExp(
  `^(?:${monthPattern}\\s+(?:the\\s+)?\\d{1,2}(?:st|nd|rd|th)?|(?:the\\s+)?\\d{1,2}(?:st|nd|rd|th)?\\s+(?:of\\s+)?${monthPattern})${end}`,
)

/** Reads the words after "every" at the start of `text` (lower case); undefined when they name no period. */
export function recurrenceCore(text: string): RecurrenceCore | Unclear | undefined {
  return monthDayCore(text) ?? namedCore(text) ?? weekdayCore(text) ?? unitCore(text) ?? ordinalCore(text)
}

function namedCore(text: string): RecurrenceCore | undefined {
  const match = named.exec(text)
  if (!match) return undefined
  const word = (match[1] ?? '').replace(/\s+/g, '')
  const { length } = match[0]
  const hour = partsOfDay[word]
  if (hour !== undefined) return { parts: { frequency: 'DAILY' }, time: Temporal.PlainTime.from({ hour }), length }
  return { parts: { frequency: 'WEEKLY', weekdays: word === 'weekend' ? ['SA'] : workdays }, length }
}

function unitCore(text: string): RecurrenceCore | Unclear | undefined {
  const match = unit.exec(text)
  if (!match) return undefined
  const [whole, amount, word = ''] = match
  if (/^\d+(?:st|nd|rd|th)$/.test(amount ?? '')) {
    if (word !== 'day') return undefined
    const number = Number.parseInt(amount ?? '', 10)
    return unclear(`Does "every ${whole}" mean "every ${number} days", or "every ${amount ?? ''} of the month"?`)
  }
  if (word === 'second' || word === 'minute' || word === 'min') {
    return unclear(`"every ${whole}" is too often: the shortest interval is one hour.`)
  }
  const factor = word === 'quarter' ? 3 : word === 'fortnight' ? 2 : 1
  const every = amount === undefined ? 1 : /^(?:other|second|alternate)$/.test(amount) ? 2 : numberOf(amount)
  const interval = every * factor
  if (every < 1 || interval > 999) return unclear(`"every ${whole}" is out of range: an interval is between 1 and 999.`)
  const frequency = frequencies[word] ?? 'DAILY'
  return withDays({ parts: { frequency, interval }, length: whole.length }, text)
}

const frequencies: Readonly<Record<string, RuleParts['frequency']>> = {
  hour: 'HOURLY',
  day: 'DAILY',
  week: 'WEEKLY',
  fortnight: 'WEEKLY',
  month: 'MONTHLY',
  quarter: 'MONTHLY',
  year: 'YEARLY',
}

/** "… on tue and fri", "… on the 15th", "… on jan 27" after a unit. */
function withDays(core: RecurrenceCore, text: string): RecurrenceCore | Unclear {
  const { parts, length } = core
  const on = /^\s+on\s+(?:the\s+)?/.exec(text.slice(length))
  if (!on) return core
  const start = length + on[0].length
  const tail = text.slice(start)
  const days =
    parts.frequency === 'WEEKLY'
      ? weekdayCore(tail)
      : parts.frequency === 'MONTHLY'
        ? ordinalCore(tail)
        : parts.frequency === 'YEARLY'
          ? monthDayCore(tail)
          : undefined
  if (days === undefined || isUnclear(days)) return days ?? core
  const interval = parts.interval === undefined ? {} : { interval: parts.interval }
  return { parts: { ...days.parts, ...interval }, length: start + days.length }
}

function weekdayCore(text: string): RecurrenceCore | Unclear | undefined {
  const match = weekdayList.exec(text)
  if (!match) return undefined
  const [whole, other, list = ''] = match
  const words = list.match(new RegExp(weekdayPattern, 'g')) ?? []
  if (other === 'second') {
    return unclear(`Does "every ${whole}" mean "every other ${list}", or "every 2nd ${list}" of the month?`)
  }
  const parts: RuleParts = { frequency: 'WEEKLY', weekdays: words.map(weekdayOf) }
  return { parts: other === undefined ? parts : { ...parts, interval: 2 }, length: whole.length }
}

function ordinalCore(text: string): RecurrenceCore | Unclear | undefined {
  const match = ordinalList.exec(text)
  if (!match) return undefined
  const [whole, list = ''] = match
  const items = list.split(new RegExp(separator)).map((item) => item.trim().replace(/^the\s+/, ''))
  const monthDays: number[] = []
  const ordinalWeekdays: string[] = []
  const workdayPositions: number[] = []
  for (const item of items) {
    const [, ordinal = '', day = 'day'] = new RegExp(`^(${ordinalPattern})(?:\\s+(${dayWord}))?$`).exec(item) ?? []
    const number = ordinalOf(ordinal)
    if (day === 'day') monthDays.push(number)
    else if (/^(?:work|week|business)/.test(day)) workdayPositions.push(number)
    else ordinalWeekdays.push(`${number}${weekdayOf(day)}`)
    const most = day === 'day' ? 31 : /^(?:work|week|business)/.test(day) ? 23 : 5
    if (number === 0 || number > most) return unclear(`A month has no "${item}". Which day do you mean?`)
  }
  const kinds = [monthDays, ordinalWeekdays, workdayPositions].filter((kind) => kind.length > 0)
  if (kinds.length !== 1) return unclear(`I cannot put "${whole}" into one rule. Add one task for each, please.`)
  const base: RuleParts = { frequency: 'MONTHLY' }
  const { length } = whole
  if (workdayPositions.length > 0) {
    return { parts: { ...base, weekdays: workdays, setPositions: workdayPositions }, length }
  }
  if (ordinalWeekdays.length > 0) return { parts: { ...base, ordinalWeekdays }, length }
  const only = monthDays.length === 1 ? monthDays[0] : undefined
  return { parts: only === undefined ? { ...base, monthDays } : onMonthDay(base, only), length }
}

function monthDayCore(text: string): RecurrenceCore | Unclear | undefined {
  const match = monthDay.exec(text)
  if (!match) return undefined
  const month = monthOf(new RegExp(monthPattern).exec(match[0])?.[0] ?? 'jan')
  const day = Number(/\d+/.exec(match[0])?.[0])
  if (day < 1 || day > longestMonth(month))
    return unclear(`"${match[0]}" is not in the calendar. Which day do you mean?`)
  return { parts: onMonthDay({ frequency: 'YEARLY', month }, day), length: match[0].length }
}
