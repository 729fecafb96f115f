import type { Task } from '../../lib/task/task.ts'
import { descriptionField, tagsField, titleField } from '../../lib/task/fields.ts'
import type { AddCommand } from './command.ts'
import { findRecurrence } from './recurrence-phrase.ts'
import { draftReminder, findReminders } from './reminder-phrase.ts'
import type { ReminderDraft, ReminderPhrase } from './reminder-phrase.ts'
import { startSeries } from './series-start.ts'
import { cut, remainder } from './text.ts'
import type { MaskedText } from './text.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'
import { findWhen } from './when.ts'
import type { ChatClock } from './when.ts'

const tagToken = /(?<!\S)[#@](?=[^\s#@]*\p{L})([\p{L}\p{N}][\p{L}\p{N}_/-]*)(?=[\s,;.!]|$)/u
const priorityToken = /(?<!\S)(?:p([1-4])|!(high|medium|med|low|none))(?=[\s,;.]|$)/i
const priorities: Readonly<Record<string, Task['priority']>> = {
  1: 'HIGH',
  2: 'MEDIUM',
  3: 'LOW',
  4: 'NONE',
  high: 'HIGH',
  medium: 'MEDIUM',
  med: 'MEDIUM',
  low: 'LOW',
  none: 'NONE',
}

/**
 * Reads the words after "add". Order matters: what could be mistaken for something else is taken out first (quotes are already
 * masked, then description, tags, priority, reminders, the repetition, and the date last). What remains is the title.
 * `remindAtDue` is set for "remind me to …", which asks for a reminder without saying when.
 */
export function readAdd(body: string, mask: MaskedText, clock: ChatClock, remindAtDue: boolean): AddCommand | Unclear {
  const comment = /(?:^|\s)\/\/\s*(.*)$/s.exec(body)
  const description = comment ? mask.restore(comment[1] ?? '').trim() : ''
  let text = comment ? body.slice(0, comment.index) : body
  const tags: string[] = []
  let priority: Task['priority'] = 'NONE'
  for (let match = tagToken.exec(text); match; match = tagToken.exec(text)) {
    if (!tags.includes(match[1] ?? '')) tags.push(match[1] ?? '')
    text = cut(text, match.index, match[0].length)
  }
  const marked = priorityToken.exec(text)
  if (marked) {
    priority = priorities[(marked[1] ?? marked[2] ?? '').toLowerCase()] ?? 'NONE'
    text = cut(text, marked.index, marked[0].length)
  }
  const reminded = findReminders(text)
  if (isUnclear(reminded)) return reminded
  const phrase = findRecurrence(reminded.rest)
  if (isUnclear(phrase)) return phrase
  const when = findWhen(phrase?.rest ?? reminded.rest, clock)
  if (isUnclear(when)) return when
  const series = phrase ? startSeries(phrase, when, clock) : undefined
  if (isUnclear(series)) return series
  const due = series?.first ?? when?.at
  const asked: ReminderPhrase[] = [...reminded.reminders]
  if (remindAtDue && asked.length === 0) {
    if (!due) return unclear('When shall I remind you? Say for example "tomorrow at 9am" or "in 2 hours".')
    asked.push({ kind: 'before', offset: 'PT0S' })
  }
  const reminders: ReminderDraft[] = []
  for (const wish of asked) {
    const reminder = draftReminder(wish, due, series !== undefined, clock)
    if (isUnclear(reminder)) return reminder
    reminders.push(reminder)
  }
  const title = titleField.safeParse(mask.restore(remainder(when?.rest ?? phrase?.rest ?? reminded.rest)))
  if (!title.success) {
    return unclear(
      title.error.issues.some(({ code }) => code === 'too_small')
        ? 'What is the task called? Say for example: add buy milk tomorrow at 5pm.'
        : 'A title is one line of 1 to 255 characters. Put details after " // ".',
    )
  }
  if (!descriptionField.safeParse(description).success || !tagsField.safeParse(tags).success) {
    return unclear('A task has at most 20 tags of 50 characters and a description of 10,000 characters.')
  }
  return {
    intent: 'add',
    title: title.data,
    description,
    priority,
    tags,
    dueAt: due ? due.toInstant().toString({ smallestUnit: 'millisecond' }) : null,
    recurrence: series && phrase ? { rrule: series.rrule, anchor: phrase.anchor, dtstart: series.dtstart } : null,
    reminders,
  }
}
