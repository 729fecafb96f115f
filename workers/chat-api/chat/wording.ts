import { Temporal } from 'temporal-polyfill'
import { parseRecurrence, previewOccurrences } from '../../lib/recurrence/index.ts'
import { offsetMilliseconds } from '../../lib/task/fields.ts'
import type { Task } from '../../lib/task/task.ts'
import type { TaskVerb } from './command.ts'
import { inWords } from './rule-wording.ts'
import { describe } from './when.ts'

/** The sentences of the chat. Every reply to a change repeats what was understood, dates in full, so that a wrong guess is seen. */

/** `Tue 27 Jan 2026 09:00`. */
export const moment = (instant: string, zone: string): string =>
  describe(Temporal.Instant.from(instant).toZonedDateTimeISO(zone))

/** Instants of the next `limit` instances of a repeating task, the current one first. */
export function nextInstances(task: Task, limit = 5): string[] {
  const { recurrence } = task
  if (!recurrence) return []
  const rule = parseRecurrence(recurrence.rrule)
  const schedule = { dtstart: recurrence.recurrenceId, zone: task.timezone }
  return previewOccurrences(rule, schedule, limit).map(({ instant }) => instant)
}

/** The reply to a new task. */
export function added(task: Task): string {
  const due = task.dueAt === null ? '' : `, due ${moment(task.dueAt, task.timezone)} (${task.timezone})`
  const labels = [
    task.priority === 'NONE' ? '' : `, ${task.priority.toLowerCase()} priority`,
    task.tags.length === 0 ? '' : `, tagged ${task.tags.map((tag) => `#${tag}`).join(' ')}`,
  ].join('')
  return `Added "${task.title}"${due}${labels}.${repetition(task)}${reminders(task)}`
}

function repetition(task: Task): string {
  if (!task.recurrence) return ''
  const next = nextInstances(task).map((instant) => moment(instant, task.timezone))
  const anchor = task.recurrence.anchor === 'completion' ? ', counted from completion' : ''
  const words = inWords(task.recurrence.rrule)
  return ` It repeats${words === undefined ? '' : ` ${words}`} (${task.recurrence.rrule}${anchor}); the next are ${next.join(', ')}.`
}

function reminders(task: Task): string {
  if (task.reminders.length === 0) return ''
  const texts = task.reminders.map((reminder) =>
    reminder.type === 'absolute' ? moment(reminder.at, task.timezone) : distance(offsetMilliseconds(reminder.offset)),
  )
  return ` I will remind you ${texts.join(' and ')}.`
}

function distance(offset: number): string {
  if (offset === 0) return 'when it is due'
  const minutes = Math.abs(offset) / 60_000
  const [amount, unit] =
    minutes % 1440 === 0 ? [minutes / 1440, 'day'] : minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute']
  return `${amount} ${unit}${amount === 1 ? '' : 's'} ${offset < 0 ? 'before' : 'after'} it is due`
}

/** `1. buy milk — due Tue 27 Jan 2026 09:00`, one line per task. */
export function numbered(tasks: readonly Task[], zone: string): string {
  return tasks
    .map((task, index) => {
      const due = task.dueAt === null ? '' : ` — due ${moment(task.dueAt, zone)}`
      const marks = `${task.recurrence ? ' (repeats)' : ''}${task.status === 'completed' ? ' (completed)' : ''}`
      return `${index + 1}. ${task.title}${due}${marks}`
    })
    .join('\n')
}

/** Past tense of a verb. */
export const done: Readonly<Record<TaskVerb, string>> = { complete: 'Completed', reopen: 'Reopened', delete: 'Deleted' }

/** `"a", "b" and "c"`. */
export function titles(tasks: readonly Task[]): string {
  const quoted = tasks.map(({ title }) => `"${title}"`)
  const last = quoted.at(-1) ?? ''
  return quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} and ${last}`
}

/** The reply to "help". */
export const help = [
  'You can say, for example:',
  '- add buy milk tomorrow at 5pm #home p1',
  '- add pay rent every month on the 1st at 9am, remind me 1 day before',
  '- remind me to call mom in 2 hours',
  '- list, list today, list overdue, list #home, list about milk',
  '- complete 2, complete the second one, complete "buy milk"',
  '- delete 1 and 3 (I ask before I delete several)',
  'Put a title in "quotes" when it contains words that look like a date.',
].join('\n')
