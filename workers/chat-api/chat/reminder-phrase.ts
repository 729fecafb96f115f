import { Temporal } from 'temporal-polyfill'
import { cut } from './text.ts'
import { timeAtStart } from './time-of-day.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { numberOf, numberPattern } from './vocabulary.ts'
import { describe, findWhen, zoned } from './when.ts'
import type { ChatClock } from './when.ts'

/** A reminder as it was asked for, before the due time is known. */
export type ReminderPhrase =
  | { readonly kind: 'before'; readonly offset: string }
  | { readonly kind: 'time'; readonly time: Temporal.PlainTime; readonly said: string }
  | { readonly kind: 'moment'; readonly words: string }

/** A reminder without its id, as the task will hold it. */
export type ReminderDraft = { type: 'relative'; offset: string } | { type: 'absolute'; at: string }

const opening = "(?<![\\w'’-])(?:and\\s+|with\\s+(?:a\\s+)?)?remind(?:er)?(?:\\s+me)?\\s+"
const before = new RegExp(
  `${opening}(half\\s+an|${numberPattern})\\s*(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\\b(?:\\s+(?:before(?:hand)?|earlier|ahead|in\\s+advance))?`,
  'i',
)
const moment = new RegExp(
  `${opening}((?:at|on|in|by|tomorrow|today|tonight)\\b[^,;\uE000]*?)(?=$|[,;\\uE000]|\\s+(?:and\\s+)?(?:remind|due|every)\\b|\\s[#@!])`,
  'i',
)

/** Takes every "remind …" out of `text`. Run before dates are looked for, so that "remind at 9am" is not taken for the due time. */
export function findReminders(text: string): { reminders: ReminderPhrase[]; rest: string } | Unclear {
  const reminders: ReminderPhrase[] = []
  let rest = text
  for (;;) {
    const match = before.exec(rest)
    if (!match) break
    const offset = offsetOf((match[1] ?? '').toLowerCase(), (match[2] ?? '').toLowerCase())
    if (isUnclear(offset)) return offset
    reminders.push({ kind: 'before', offset })
    rest = cut(rest, match.index, match[0].length)
  }
  for (;;) {
    const match = moment.exec(rest)
    if (!match) break
    const words = (match[1] ?? '').trim()
    const time = timeAtStart(words)
    if (isUnclear(time)) return time
    if (time?.length === words.length) reminders.push({ kind: 'time', time: time.time, said: words })
    else reminders.push({ kind: 'moment', words })
    rest = cut(rest, match.index, match[0].length)
  }
  return reminders.length > 20 ? unclear('A task may have up to 20 reminders.') : { reminders, rest }
}

function offsetOf(amount: string, unit: string): string | Unclear {
  const short = unit.charAt(0)
  const minutes =
    (amount.startsWith('half') ? 0.5 : numberOf(amount)) * ({ m: 1, h: 60, d: 1440, w: 10_080 }[short] ?? 1)
  if (minutes > 366 * 1440) return unclear('A reminder may be at most 366 days before the task.')
  if (short === 'w') return `-P${numberOf(amount)}W`
  if (short === 'd') return `-P${numberOf(amount)}D`
  return minutes % 60 === 0 ? `-PT${minutes / 60}H` : `-PT${Math.round(minutes)}M`
}

/**
 * The reminder of a task due at `due` (undefined: no due time). Reminders of a repeating task become relative, because each
 * instance takes them along; "at 9am" of a single task is that time on its day.
 */
export function draftReminder(
  phrase: ReminderPhrase,
  due: Temporal.ZonedDateTime | undefined,
  repeats: boolean,
  clock: ChatClock,
): ReminderDraft | Unclear {
  if (phrase.kind === 'before') {
    if (!due) return unclear('A reminder "before" needs a due time. When is the task due?')
    return { type: 'relative', offset: phrase.offset }
  }
  if (phrase.kind === 'moment' || !due) {
    const when = findWhen(phrase.kind === 'moment' ? phrase.words : phrase.said, clock)
    if (isUnclear(when)) return when
    if (!when)
      return unclear(`I do not understand when to remind: "${phrase.kind === 'moment' ? phrase.words : phrase.said}".`)
    if (repeats) return unclear('A reminder of a repeating task must be "… before" or "at" a time of its day.')
    return { type: 'absolute', at: when.at.toInstant().toString({ smallestUnit: 'millisecond' }) }
  }
  const at = zoned(due.toPlainDate(), phrase.time, due.timeZoneId)
  if (Temporal.ZonedDateTime.compare(at, due) > 0) {
    return unclear(
      `The reminder (${describe(at)}) would come after the task is due (${describe(due)}). When shall I remind you?`,
    )
  }
  const minutes = Math.round((due.epochMilliseconds - at.epochMilliseconds) / 60_000)
  if (repeats) return { type: 'relative', offset: minutes === 0 ? 'PT0S' : `-PT${minutes}M` }
  return { type: 'absolute', at: at.toInstant().toString({ smallestUnit: 'millisecond' }) }
}
