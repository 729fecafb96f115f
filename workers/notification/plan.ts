import { offsetMilliseconds } from '../lib/task/fields.ts'
import type { Reminder, Task } from '../lib/task/task.ts'

/** A reminder as it is stored. `scheduledFor` is RFC 3339 UTC with milliseconds, so that texts compare as instants. */
export interface StoredReminder {
  id: string
  scheduledFor: string
  state: 'pending' | 'fired' | 'cancelled'
}

/** What has to change in the store: reminders that will fire (new or at another time), and pending ones that will not. */
export interface ReminderPlan {
  schedule: { id: string; scheduledFor: string }[]
  cancel: { id: string; scheduledFor: string }[]
}

/**
 * Compares the newest state of a task with what is stored of its reminders.
 *
 * A new reminder is stored whatever its time: one that lies in the past fires at once, marked late, because the alternative is
 * to lose it. One that has fired or was cancelled is scheduled again only for a time after `changedAt`, the moment of the
 * change: moving a due time about, or reopening a task, must not repeat what the user has seen.
 */
export function planReminders(task: Task, stored: readonly StoredReminder[], changedAt: string): ReminderPlan {
  const wanted = new Map(isActive(task) ? task.reminders.flatMap((reminder) => timeOf(reminder, task)) : [])
  const known = new Map(stored.map((reminder) => [reminder.id, reminder]))
  const schedule = [...wanted].flatMap(([id, scheduledFor]) => {
    const before = known.get(id)
    if (before?.state === 'pending' && before.scheduledFor === scheduledFor) return []
    if (before?.state === 'fired' && before.scheduledFor === scheduledFor) return []
    if (before && before.state !== 'pending' && scheduledFor <= changedAt) return []
    return [{ id, scheduledFor }]
  })
  const cancel = stored
    .filter(({ id, state }) => state === 'pending' && !wanted.has(id))
    .map(({ id, scheduledFor }) => ({ id, scheduledFor }))
  return { schedule, cancel }
}

/**
 * The plan of a muted event: what would fire at once is silenced instead, that is stored as cancelled. One that is cancelled for that time
 * already is left alone, so that doing it again changes nothing. Times are RFC 3339 UTC with milliseconds.
 */
export function silencePast(
  { schedule, cancel }: ReminderPlan,
  stored: readonly StoredReminder[],
  now: string,
): ReminderPlan & { silence: { id: string; scheduledFor: string }[] } {
  const isSilent = ({ id, scheduledFor }: { id: string; scheduledFor: string }): boolean =>
    stored.some((known) => known.id === id && known.state === 'cancelled' && known.scheduledFor === scheduledFor)
  const past = schedule.filter(({ scheduledFor }) => scheduledFor <= now)
  return {
    schedule: schedule.filter(({ scheduledFor }) => scheduledFor > now),
    cancel,
    silence: past.filter((reminder) => !isSilent(reminder)),
  }
}

function isActive(task: Task): boolean {
  return task.status === 'open' && task.deletedAt === null
}

/** At most one entry: a relative reminder of a task without due time has no time. */
function timeOf(reminder: Reminder, task: Task): [string, string][] {
  if (reminder.type === 'absolute') return [[reminder.id, reminder.at]]
  if (task.dueAt === null) return []
  const time = Date.parse(task.dueAt) + offsetMilliseconds(reminder.offset)
  return [[reminder.id, new Date(time).toISOString()]]
}
