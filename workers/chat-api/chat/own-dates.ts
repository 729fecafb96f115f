import { Temporal } from 'temporal-polyfill'
import type { FoundDate } from './date-finder.ts'
import { unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { numberOf, numberPattern } from './vocabulary.ts'
import type { ChatClock } from './when.ts'

/**
 * Phrases chrono reads differently from how task lists use them: "day after tomorrow" (it sees tomorrow), "next week"
 * (Monday, not in seven days), "next month" (the first), ends of periods (23:59 of their last day), and exact delays
 * ("in 2h", which must be added to the instant and not to the wall clock).
 */
const lead = '(?:(?:due|by|on|at|before)\\s+)*'
const delay = new RegExp(
  `(?:^|\\s)((?:due\\s+)?in\\s+(half\\s+an|${numberPattern})\\s*(m|mins?|minutes?|h|hrs?|hours?))\\b(?!\\s+before)`,
  'i',
)
const phrases: readonly (readonly [
  RegExp,
  (today: Temporal.PlainDate) => Omit<FoundDate, 'index' | 'length' | 'said'>,
])[] = [
  [phrase('(?:the\\s+)?day\\s+after\\s+tomorrow'), (today) => ({ date: today.add({ days: 2 }) })],
  [phrase('next\\s+week'), (today) => ({ date: today.add({ days: 8 - today.dayOfWeek }) })],
  [phrase('next\\s+month'), (today) => ({ date: today.add({ months: 1 }).with({ day: 1 }) })],
  [phrase('(?:this|the)\\s+weekend'), (today) => ({ date: today.add({ days: Math.max(0, 6 - today.dayOfWeek) }) })],
  [phrase('(?:the\\s+)?end\\s+of\\s+(?:the\\s+)?day|eod'), (today) => ({ date: today, time: lastMinute })],
  [
    phrase('(?:the\\s+)?end\\s+of\\s+(?:the\\s+)?week|eow'),
    (today) => ({ date: today.add({ days: 7 - today.dayOfWeek }), time: lastMinute }),
  ],
  [
    phrase('(?:the\\s+)?end\\s+of\\s+(?:the\\s+)?month|eom'),
    (today) => ({ date: today.with({ day: today.daysInMonth }), time: lastMinute }),
  ],
  [
    phrase('(?:the\\s+)?end\\s+of\\s+(?:the\\s+)?year|eoy'),
    (today) => ({ date: today.with({ month: 12, day: 31 }), time: lastMinute }),
  ],
]
const lastMinute = Temporal.PlainTime.from('23:59')

function phrase(source: string): RegExp {
  return new RegExp(`(?:^|\\s)(${lead}(?:${source}))(?![\\w'’])`, 'i')
}

/** The phrases above that occur in `text`, in no particular order. */
export function ownDates(text: string, clock: ChatClock): FoundDate[] | Unclear {
  const today = clock.now.toZonedDateTimeISO(clock.zone).toPlainDate()
  const found: FoundDate[] = []
  for (const [pattern, read] of phrases) {
    const match = pattern.exec(text)
    if (match) found.push({ ...place(match), ...read(today) })
  }
  const match = delay.exec(text)
  if (match) {
    const [, , amount = '', unit = ''] = match
    const minutes =
      (amount.toLowerCase().startsWith('half') ? 0.5 : numberOf(amount.toLowerCase())) * (/^h/i.test(unit) ? 60 : 1)
    if (minutes <= 0) return unclear(`"${match[0].trim()}" is no time from now. When is it due?`)
    found.push({ ...place(match), instant: clock.now.add({ seconds: Math.round(minutes * 60) }) })
  }
  return found
}

function place(match: RegExpExecArray): { index: number; length: number; said: string } {
  const words = match[1] ?? ''
  return { index: match.index + match[0].length - words.length, length: words.length, said: words.trim() }
}
