/**
 * Recurring phrases: "every 2 weeks on tue at 5pm until june 1" becomes the parts of an RRULE, the time of day, the words of a
 * start date, and the text without the phrase. The phrase decides nothing about dates already past: see first-occurrence.ts.
 */
import type { Temporal } from 'temporal-polyfill'
import { recurrenceCore } from './recurrence-core.ts'
import type { RecurrenceCore } from './recurrence-core.ts'
import type { RuleParts } from './rule-parts.ts'
import { cut } from './text.ts'
import { timeAtStart } from './time-of-day.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { numberOf, numberPattern } from './vocabulary.ts'

/** How a series ends. `span` counts from its first occurrence, which is not known yet. */
export type PhraseEnd =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'until'; readonly words: string }
  | { readonly kind: 'span'; readonly amount: number; readonly unit: 'day' | 'week' | 'month' | 'year' }

/** A recurring phrase as it was written. */
export interface RecurrencePhrase {
  readonly parts: RuleParts
  /** `every!` repeats from the completion instead of from the due date. */
  readonly anchor: 'due' | 'completion'
  readonly time?: Temporal.PlainTime
  readonly end?: PhraseEnd
  /** Words after "starting", to be read as a date. */
  readonly startWords?: string
  readonly said: string
  readonly rest: string
}

const introduction = /(?<![\w'’-])(every|each|ev)(!?)\s+/gi
const adverb =
  /(?<![\w'’-])(hourly|daily|weekly|monthly|quarterly|yearly|annually|fortnightly|biweekly|bimonthly)(?![\w-])/gi
const adverbParts: Readonly<Record<string, RuleParts>> = {
  hourly: { frequency: 'HOURLY' },
  daily: { frequency: 'DAILY' },
  weekly: { frequency: 'WEEKLY' },
  fortnightly: { frequency: 'WEEKLY', interval: 2 },
  monthly: { frequency: 'MONTHLY' },
  quarterly: { frequency: 'MONTHLY', interval: 3 },
  yearly: { frequency: 'YEARLY' },
  annually: { frequency: 'YEARLY' },
}
const dateWords =
  '(.+?)(?=$|\\s+(?:starting|beginning|from|until|till|ending|for|at|remind|and\\s+remind|except)\\b|[,;\\uE000])'
const startSuffix = new RegExp(`^(?:starting|beginning|from)(?:\\s+(?:on|from))?\\s+${dateWords}`, 'i')
const untilSuffix = new RegExp(`^(?:until|till|ending)(?:\\s+on)?\\s+${dateWords}`, 'i')
const timesSuffix = new RegExp(`^(?:for\\s+)?(${numberPattern})\\s+times\\b`, 'i')
const spanSuffix = new RegExp(`^for\\s+(${numberPattern})\\s+(day|week|month|year)s?\\b`, 'i')

/** The recurring phrase in `text`, undefined when there is none, {@link Unclear} when "every" is followed by words it cannot read. */
export function findRecurrence(text: string): RecurrencePhrase | Unclear | undefined {
  const found: { start: number; head: number; core: RecurrenceCore; anchor: 'due' | 'completion' }[] = []
  for (const match of text.matchAll(introduction)) {
    const [intro, word = '', bang] = match
    if (found.some(({ head, core }) => match.index < head + core.length)) continue // "… of each month"
    const head = match.index + intro.length
    const core = recurrenceCore(text.slice(head).toLowerCase())
    if (isUnclear(core)) return core
    const anchor = bang === '!' ? 'completion' : 'due'
    if (core) found.push({ start: match.index, head, core, anchor })
    else if (word.toLowerCase() === 'every') return notUnderstood(text.slice(match.index))
  }
  for (const match of text.matchAll(adverb)) {
    const word = match[0].toLowerCase()
    const after = text.slice(match.index + word.length)
    if (
      !/^\s*(?:$|[,;\uE000]|(?:at|in the|on|starting|beginning|from|until|till|ending|for|remind|and remind)\b|\d|[#@!])/i.test(
        after,
      )
    )
      continue
    const parts = adverbParts[word]
    if (!parts)
      return unclear(
        `"${word}" can mean twice in the period or every second one. Write "every 2 weeks" or the days, for example "every mon and thu".`,
      )
    found.push({ start: match.index, head: match.index, core: { parts, length: word.length }, anchor: 'due' })
  }
  const [first, ...others] = found
  if (!first) return undefined
  if (others.length > 0) return unclear('I found more than one repetition. Add one task for each, please.')
  return readSuffixes(text, first)
}

function notUnderstood(tail: string): Unclear {
  const words = tail
    .split(/\s+/)
    .slice(0, 4)
    .join(' ')
    .replace(/[\uE000-\uF8FF]/g, '…')
  return unclear(
    `I do not understand "${words}" as a repetition. Say for example "every day", "every mon, fri at 9am", "every 3rd friday" or "every 2 weeks"; if it belongs to the title, put the title in "quotes".`,
  )
}

function readSuffixes(
  text: string,
  { start, head, core, anchor }: { start: number; head: number; core: RecurrenceCore; anchor: 'due' | 'completion' },
): RecurrencePhrase | Unclear {
  let position = head + core.length
  let time = core.time
  let end: PhraseEnd | undefined
  let startWords: string | undefined
  for (;;) {
    const gap = /^\s*(?:,\s*)?/.exec(text.slice(position))?.[0].length ?? 0
    const tail = text.slice(position + gap)
    const clock = timeAtStart(tail)
    if (isUnclear(clock)) return clock
    const from = startSuffix.exec(tail)
    const until = untilSuffix.exec(tail)
    const times = timesSuffix.exec(tail)
    const span = spanSuffix.exec(tail)
    if (/^except\b/i.test(tail))
      return unclear('I cannot leave out single dates of a repetition yet. Add it without "except", please.')
    if (clock) time = clock.time
    else if (from?.[1]) startWords = from[1]
    else if (until?.[1]) end = { kind: 'until', words: until[1] }
    else if (times) end = { kind: 'count', count: numberOf((times[1] ?? '').toLowerCase()) }
    else if (span) end = spanEnd(span)
    else break
    position += gap + (clock?.length ?? (from ?? until ?? times ?? span)?.[0].length ?? 0)
  }
  if (end?.kind === 'count' && (end.count < 1 || end.count > 1000))
    return unclear('A repetition may have 1 to 1000 times.')
  return {
    parts: core.parts,
    anchor,
    ...(time ? { time } : {}),
    ...(end ? { end } : {}),
    ...(startWords === undefined ? {} : { startWords }),
    said: text.slice(start, position).trim(),
    rest: cut(text, start, position - start),
  }
}

function spanEnd(match: RegExpExecArray): PhraseEnd {
  const unit = (match[2] ?? 'day').toLowerCase() as 'day' | 'week' | 'month' | 'year'
  return { kind: 'span', amount: numberOf((match[1] ?? '1').toLowerCase()), unit }
}
