import type { Temporal } from 'temporal-polyfill'
import type { ListCommand } from './command.ts'
import { findDates } from './date-finder.ts'
import { cut, remainder } from './text.ts'
import type { MaskedText } from './text.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import type { ChatClock } from './when.ts'

interface Filter {
  status: ListCommand['status']
  due?: { from?: string; to?: string }
  tag?: string
  priority?: NonNullable<ListCommand['priority']>
  words?: string
  labels: string[]
}

type Reader = readonly [RegExp, (filter: Filter, match: RegExpExecArray, clock: ChatClock) => void]

const filler =
  /^(?:(?:all|my|me|the|of|tasks?|todos?|to-?dos?|items?|list|is|are|on|for|due|that|with|have|do|i|to|what|there|open|pending|left|still|by|everything)\s+)+/i

const readers: readonly Reader[] = [
  [/\b(?:completed|done|finished|closed)\b/i, (filter) => set(filter, { status: 'completed' }, 'completed')],
  [
    /\b(?:open and completed|including completed|all tasks|everything)\b/i,
    (filter) => set(filter, { status: 'all' }, 'all'),
  ],
  [/\b(?:overdue|late)\b/i, (filter, _, clock) => set(filter, { due: { to: instant(clock.now) } }, 'overdue')],
  [/\bthis\s+week\b/i, (filter, _, clock) => dueDays(filter, clock, 0, 8 - today(clock).dayOfWeek, 'due this week')],
  [
    /\bnext\s+week\b/i,
    (filter, _, clock) =>
      dueDays(filter, clock, 8 - today(clock).dayOfWeek, 15 - today(clock).dayOfWeek, 'due next week'),
  ],
  [/\b(?:today|tonight)\b/i, (filter, _, clock) => dueDays(filter, clock, 0, 1, 'due today')],
  [/(?<!after\s)\btomorrow\b/i, (filter, _, clock) => dueDays(filter, clock, 1, 2, 'due tomorrow')],
  [
    /(?<!\S)!?(high|medium|low)(?:\s+priority)?(?!\S)/i,
    (filter, match) => {
      const priority = (match[1] ?? '').toUpperCase() as 'HIGH' | 'MEDIUM' | 'LOW'
      set(filter, { priority }, `${priority.toLowerCase()} priority`)
    },
  ],
  [
    /(?:\b(?:tagged|tag|with\s+tag)\s+)?(?<!\S)[#@]([\p{L}\p{N}_/-]+)/iu,
    (filter, match) => set(filter, { tag: match[1] ?? '' }, `tagged #${match[1] ?? ''}`),
  ],
]

/** Reads the words after "list", "show" or "what is". */
export function readList(body: string, mask: MaskedText, clock: ChatClock): ListCommand | Unclear {
  let text = body
  const filter: Filter = {
    status: /\ball\b/i.test(body) && /\b(?:status|states?)\b/i.test(body) ? 'all' : 'open',
    labels: [],
  }
  for (const [pattern, apply] of readers) {
    const match = pattern.exec(text)
    if (!match) continue
    apply(filter, match, clock)
    text = cut(text, match.index, match[0].length)
  }
  const search = /\b(?:about|containing|matching|named|called)\s+(.+)$/i.exec(text)
  if (search) {
    filter.words = mask.restore(remainder(search[1] ?? ''))
    text = cut(text, search.index, search[0].length)
  } else if (!filter.due) {
    const dates = findDates(text, clock)
    if (isUnclear(dates)) return dates
    const day = dates[0]?.date
    if (dates.length > 1) return unclear('Which one day shall I list?')
    if (day && dates[0]) {
      set(filter, { due: range(day, day.add({ days: 1 }), clock) }, `due ${day.toString()}`)
      text = cut(text, dates[0].index, dates[0].length)
    }
  }
  const rest = mask.restore(remainder(`${text} `.replace(filler, '').replace(/^[?.!\s]+|[?.!\s]+$/g, '')))
  const unread = rest
    .replace(new RegExp(filler, 'i'), '')
    .replace(/^(?:tasks?|todos?|items?|all|open|left|due|on|for|my|the)$/i, '')
    .trim()
  if (unread !== '' && filter.words === undefined) {
    if (body.trim().length > 0 && !/^[\p{L}\p{N}\s'"-]+$/u.test(unread))
      return unclear(
        `I do not understand "${unread}" as a filter. Try "list today", "list overdue", "list #tag" or "list about milk".`,
      )
    filter.words = unread
  }
  if (filter.words !== undefined) filter.labels.push(`about "${filter.words}"`)
  const { labels, ...rest_ } = filter
  return { intent: 'list', ...rest_, label: labels.join(', ') }
}

function set(filter: Filter, fields: Partial<Filter>, label: string): void {
  Object.assign(filter, fields)
  filter.labels.push(label)
}

function dueDays(filter: Filter, clock: ChatClock, from: number, to: number, label: string): void {
  set(filter, { due: range(today(clock).add({ days: from }), today(clock).add({ days: to }), clock) }, label)
}

function range(from: Temporal.PlainDate, to: Temporal.PlainDate, { zone }: ChatClock): { from: string; to: string } {
  return { from: instant(from.toZonedDateTime(zone).toInstant()), to: instant(to.toZonedDateTime(zone).toInstant()) }
}

const today = ({ now, zone }: ChatClock): Temporal.PlainDate => now.toZonedDateTimeISO(zone).toPlainDate()
const instant = (moment: Temporal.Instant): string => moment.toString({ smallestUnit: 'millisecond' })
