/**
 * Requests to tasks, purely: ids, time and defaults come in as arguments. Throws INVALID_INPUT with the path of the field when
 * fields contradict each other or a rule is not one.
 */
import { HttpProblem } from '../../lib/http-errors.ts'
import {
  assertOccurs,
  firstOccurrence,
  formatRecurrence,
  parseRecurrence,
  RecurrenceInvalid,
  toLocal,
} from '../../lib/recurrence/index.ts'
import type { RecurrenceRule } from '../../lib/recurrence/index.ts'
import type { Reminder, Task, TaskRecurrence } from '../../lib/task/task.ts'
import type { TaskInput, TaskPatch } from './requests.ts'

/** What a new task needs beyond the request. */
export interface DraftContext {
  readonly userId: string
  /** RFC 3339 UTC. */
  readonly now: string
  /** Zone of the account. */
  readonly timezone: string
  readonly newId: () => string
  readonly source: Task['source']
}

type RecurrenceWish = TaskInput['recurrence']
type ReminderWish = TaskInput['reminders'][number]

/** A task that does not exist yet. */
export function draftTask(input: TaskInput, context: DraftContext): Task {
  const { now, newId } = context
  const timezone = input.timezone ?? context.timezone
  const series = input.recurrence && openSeries(input.recurrence, input.dueAt, timezone, newId)
  return {
    id: newId(),
    userId: context.userId,
    title: input.title,
    description: input.description,
    status: 'open',
    completedAt: null,
    priority: input.priority,
    tags: input.tags,
    dueAt: series ? series.dueAt : input.dueAt,
    timezone,
    recurrence: series ? series.recurrence : null,
    reminders: mergeReminders([], input.reminders, newId),
    version: 1,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
    source: context.source,
  }
}

/**
 * The task with a patch applied. A rule that is the same rule keeps its series, so that moving the due time moves this
 * instance only; another rule, or another anchor, opens a new series at the due time.
 */
export function patchTask(task: Task, patch: TaskPatch, newId: () => string): Task {
  const { recurrence: wish, reminders, ...plain } = patch
  const changed: Task = { ...task, ...definedOnly(plain) }
  if (reminders !== undefined) changed.reminders = mergeReminders(task.reminders, reminders, newId)
  if (wish === null) changed.recurrence = null
  else if (wish && !isSameRule(task.recurrence, wish)) {
    const series = openSeries(wish, changed.dueAt, changed.timezone, newId)
    changed.recurrence = series.recurrence
    changed.dueAt = series.dueAt
  }
  if (changed.recurrence && changed.dueAt === null) throw needsDue()
  return changed
}

/** PUT: every field the client may set is set; what it leaves out falls back to the default. */
export function replaceTask(task: Task, input: TaskInput, context: Pick<DraftContext, 'timezone' | 'newId'>): Task {
  return patchTask(task, { ...input, timezone: input.timezone ?? context.timezone }, context.newId)
}

/** Reads an RRULE text of a request. */
export function readRule(text: string): RecurrenceRule {
  try {
    return parseRecurrence(text)
  } catch (error) {
    throw error instanceof RecurrenceInvalid ? invalidRule(error) : error
  }
}

function openSeries(
  wish: NonNullable<RecurrenceWish>,
  dueAt: string | null,
  zone: string,
  newId: () => string,
): { recurrence: TaskRecurrence; dueAt: string } {
  const rule = readRule(wish.rrule)
  if (dueAt === null) throw needsDue()
  const schedule = { dtstart: toLocal(dueAt, zone), zone }
  const first = firstOccurrence(rule, schedule)
  if (!first) {
    try {
      assertOccurs(rule, schedule)
    } catch (error) {
      throw error instanceof RecurrenceInvalid ? invalidRule(error) : error
    }
    throw new TypeError('a rule without a first occurrence passed assertOccurs')
  }
  // A rule that selects the due time itself keeps its seconds and milliseconds; otherwise the first occurrence is the due time.
  const due = first.local === schedule.dtstart ? dueAt : first.instant
  return {
    recurrence: {
      rrule: formatRecurrence(rule),
      anchor: wish.anchor,
      seriesId: newId(),
      recurrenceId: first.local,
      count: 1,
    },
    dueAt: due,
  }
}

function isSameRule(current: TaskRecurrence | null, wish: NonNullable<RecurrenceWish>): boolean {
  return current?.anchor === wish.anchor && current.rrule === formatRecurrence(readRule(wish.rrule))
}

/** Keeps the id of every reminder that is there already: "fired once" is decided by the id. */
function mergeReminders(
  current: readonly Reminder[],
  wishes: readonly ReminderWish[],
  newId: () => string,
): Reminder[] {
  const key = (reminder: ReminderWish): string =>
    reminder.type === 'relative' ? `relative ${reminder.offset}` : `absolute ${reminder.at}`
  const ids = new Map(current.map((reminder) => [key(reminder), reminder.id]))
  const distinct = new Map(wishes.map((wish) => [key(wish), wish]))
  return [...distinct].map(([name, wish]) => ({ id: ids.get(name) ?? newId(), ...wish }))
}

function definedOnly<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

function invalidRule(error: RecurrenceInvalid): HttpProblem {
  const errors = error.problems.map(({ part, problem, allowed }) => ({
    path: 'recurrence.rrule',
    message: `${part} ${problem}; allowed: ${allowed}`,
  }))
  return new HttpProblem('INVALID_INPUT', `recurrence.rrule: ${error.message}`, { errors })
}

function needsDue(): HttpProblem {
  const message = 'a repeating task needs the due time of its first instance'
  return new HttpProblem('INVALID_INPUT', `dueAt: ${message}`, { errors: [{ path: 'dueAt', message }] })
}
