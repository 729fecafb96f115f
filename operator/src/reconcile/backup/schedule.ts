/**
 * When a schedule of a system makes something: a backup, or a drill of one. Level-based: from the schedule, the last time of it that was answered and the clock follows
 * what is due now, so it does not matter how long the operator was away.
 *
 * Invariants
 *  - a time of the schedule is answered once: what is made is named after it, so whoever makes it a second time finds it (AlreadyExists: adopt);
 *  - of several missed times only the newest is made up for;
 *  - what was answered never moves into the future: a clock that was ahead and is set right again neither holds the schedule up until then nor
 *    makes up for what was answered already;
 *  - nothing is due while what must not run beside it is unfinished: the time is made up for afterwards.
 * Proof: schedule.test.ts.
 */
import { Cron } from 'croner'
import { label, manager } from '../../api/v1alpha1/labels.ts'
import { backupKind } from '../../api/v1alpha1/backup.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import type { BackupPolicy } from '../../api/v1alpha1/schema/backup.ts'
import { apiVersion, type TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'

/** What is asked of a schedule. Times are ms since the epoch. */
export interface ScheduleInput {
  /** Where the schedule stands, for what is said about it. */
  readonly field: 'spec.backup' | 'spec.backup.drill'
  readonly policy: Pick<BackupPolicy, 'schedule' | 'timeZone' | 'suspend' | 'immediate'>
  /** The last time of the schedule that was answered; undefined: none ever was. */
  readonly answered: number | undefined
  /** Whether something is unfinished that it must not run beside, or is missing that it needs. */
  readonly busy: boolean
  readonly now: number
}

/** What follows. Times are ms since the epoch. */
export interface SchedulePlan {
  /** The time of the schedule that is to be answered now. */
  readonly due?: number
  /** The next time after now; undefined while suspended, or when there is none. */
  readonly next?: number
  /** What counts as answered from now on, when nothing is due. */
  readonly answered?: number
  /** Why the schedule cannot be followed, such as an unknown time zone. */
  readonly problem?: string
}

/** Works out what is due. */
export function planSchedule({ field, policy, answered, busy, now }: ScheduleInput): SchedulePlan {
  const { schedule, timeZone, suspend, immediate } = policy
  if (schedule === undefined) return {}
  const cron = cronOf(schedule, timeZone)
  if ('problem' in cron) return { problem: `${field}.schedule "${schedule}" in time zone ${timeZone}: ${cron.problem}` }
  const following = cron.after(now)
  if (following === undefined) return { problem: `${field}.schedule "${schedule}" has no time that ever comes` }
  const next = suspend ? {} : { next: following }
  // The first look: what lies before the policy is not missed.
  if (answered === undefined && !immediate) return { ...next, answered: now }
  const since = Math.min(answered ?? -Infinity, now)
  const due = answered === undefined ? Math.floor(now / 60_000) * 60_000 : cron.newest(since, now)
  // Moves only with the times of the schedule: a status that changed with every look would be written with every look.
  if (suspend) return { answered: cron.newest(since, now) ?? since }
  if (due === undefined) return { ...next, answered: since }
  return busy ? { ...next, answered: since } : { ...next, due }
}

/** Name of what a time of the schedule makes: the same time always has the same. 14 characters longer than the prefix. */
export const scheduledName = (prefix: string, time: number): string =>
  `${prefix}-${new Date(time).toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-')}`

/** The Backup of a time of the schedule. It has no owner: it is what is left when the system is gone. */
export const scheduledBackup = (
  { metadata: { name, namespace } }: Pick<TodoChatbot, 'metadata'>,
  time: number,
): KubeObject => ({
  apiVersion,
  kind: backupKind,
  metadata: {
    name: scheduledName(name, time),
    namespace,
    labels: { [label.instance]: name, [label.managedBy]: manager },
  },
  spec: { system: name, trigger: 'Schedule' },
})

interface Times {
  /** The first time after `time`. */
  readonly after: (time: number) => number | undefined
  /** The newest time in (since, until]. */
  readonly newest: (since: number, until: number) => number | undefined
}

/** Working out a time costs milliseconds, and a reconcile asks again and again within the same two times of a schedule. */
const known = new Map<string, Times | { readonly problem: string }>()
/** Schedules that are remembered; more than one operator has different ones of. */
const knownLimit = 1_000

function cronOf(schedule: string, timeZone: string): Times | { readonly problem: string } {
  const key = `${schedule} ${timeZone}`
  const found = known.get(key)
  if (found !== undefined) return found
  if (known.size >= knownLimit) known.clear()
  const made = readCron(schedule, timeZone)
  known.set(key, made)
  return made
}

function readCron(schedule: string, timeZone: string): Times | { readonly problem: string } {
  try {
    const cron = new Cron(schedule, { timezone: timeZone, paused: true, mode: '5-part' })
    cron.nextRun(new Date(0))
    /** The newest time up to a moment and the first one after it. */
    let window = { from: Infinity, newest: undefined as number | undefined, next: undefined as number | undefined }
    const around = (time: number): typeof window => {
      if (time >= window.from && (window.next === undefined || time < window.next)) return window
      // One second later, because a time is only before what comes after it.
      const [run] = cron.previousRuns(1, new Date(time + 1_000))
      const before = run !== undefined && run.getTime() > time ? cron.previousRuns(1, run)[0] : run
      window = { from: time, newest: before?.getTime(), next: cron.nextRun(new Date(time))?.getTime() }
      return window
    }
    return {
      after: (time) => around(time).next,
      newest: (since, until) => {
        const { newest } = around(until)
        return newest !== undefined && newest > since ? newest : undefined
      },
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { problem: shortened(why) }
  }
}

/** croner tells a wrong zone twice in one message. */
const shortened = (message: string): string =>
  message.includes('timezone')
    ? 'the time zone is not known; name one of the IANA database, such as Europe/Berlin'
    : message

/** The newest time of the schedule up to `now` that came after its policy was first seen, whether or not it was answered. */
export const lastTime = (
  { schedule, timeZone }: Pick<ScheduleInput['policy'], 'schedule' | 'timeZone'>,
  answered: number | undefined,
  now: number,
): number | undefined => {
  if (schedule === undefined || answered === undefined) return undefined
  const cron = cronOf(schedule, timeZone)
  if ('problem' in cron) return undefined
  // Up to what was answered: a backup that was made for it and did not succeed is overdue, too.
  return cron.newest(Math.min(answered, now) - 1, now)
}
