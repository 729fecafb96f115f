/**
 * Fires reminders on time without asking the database all the time.
 *
 * Each round fires what is due, then looks one poll interval ahead and sleeps until the earliest reminder it sees there. The
 * timer decides nothing: when it rings, the claim asks the database again, so a reminder that was cancelled, moved or fired
 * by another replica meanwhile is simply not found. A reminder stored by this process ends the sleep (commit notification);
 * one stored by another replica is noticed there, or here at the next poll.
 *
 * Nothing is remembered between rounds: after a crash or an outage the first round finds everything that is overdue.
 * Failure modes: the database is away: one warning, a retry per poll interval, one line when it is back.
 * Proof: workers/test/notification.integration.test.ts (two replicas, late firing, cancellation races).
 */
import type { Logger } from '../lib/logger.ts'
import type { Database } from '../lib/postgres.ts'
import { fireDue } from './fire.ts'
import type { FiredReminder, FireOptions } from './fire.ts'
import { remindersChannel } from './intake.ts'

/** What {@link runScheduler} needs. Durations in milliseconds. */
export interface SchedulerOptions extends FireOptions {
  database: Database
  logger: Logger
  pollInterval: number
  onFired: (fired: FiredReminder) => void
}

/** Runs until `signal` is aborted; a transaction that is under way is finished first. Never rejects. */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { database, logger } = options
  const alarm = createAlarm(signal)
  const stopListening = database.listen(remindersChannel, alarm.ring)
  let failing = false
  try {
    while (!signal.aborted) {
      try {
        await fireAll(options, signal)
        const next = await nextDue(options)
        if (failing) logger.info('reminders are fired again')
        failing = false
        await alarm.wait(next)
      } catch (err) {
        if (!failing) logger.warn({ err }, 'firing reminders failed; trying again')
        failing = true
        await alarm.wait(options.pollInterval)
      }
    }
  } finally {
    stopListening()
  }
}

async function fireAll(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { claimed, fired } = await fireDue(options.database, options)
    for (const reminder of fired) options.onFired(reminder)
    if (claimed < options.batchSize || signal.aborted) return
  }
}

/** An overdue reminder that the claim left alone is in another replica's hands: look again soon, but do not spin. */
const busyDelay = 50

/** Milliseconds until the earliest pending reminder within the poll interval, else the poll interval. */
async function nextDue({ database, pollInterval, now }: SchedulerOptions): Promise<number> {
  const seen = now().getTime()
  const { rows } = await database.query<{ next: Date | null }>(
    `SELECT min(scheduled_for) AS next FROM reminders WHERE state = 'pending' AND scheduled_for <= $1`,
    [new Date(seen + pollInterval)],
  )
  const next = rows[0]?.next
  if (!next) return pollInterval
  return next.getTime() <= seen ? busyDelay : Math.max(1, next.getTime() - now().getTime())
}

/** One timer that can be ended early; a ring while nobody waits is kept for the next wait, so none is missed. */
function createAlarm(signal: AbortSignal): { ring: () => void; wait: (ms: number) => Promise<void> } {
  let rung = false
  let wake: (() => void) | undefined
  const ring = (): void => {
    rung = true
    wake?.()
  }
  signal.addEventListener('abort', ring)
  return {
    ring,
    wait: async (ms) => {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        wake = resolve
        timer = setTimeout(resolve, ms)
        if (rung || signal.aborted) resolve()
      })
      clearTimeout(timer)
      wake = undefined
      rung = false
    },
  }
}
