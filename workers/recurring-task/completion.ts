/**
 * What a completed instance of a series leads to: exactly one successor, or the end of the series.
 *
 * Invariants
 * - The inbox mark, the successor's row, its slot and its event are one transaction: a crash leaves all or none of them.
 * - The successor is a pure function of the completion event. The current state of the task is not looked at, so it makes no
 *   difference how late an event is handled, or whether the task has been reopened, changed or deleted since.
 * - Slot and position of a series are unique in the database, which holds where the inbox cannot: two different events for
 *   one instance (completed, reopened, completed again), an inbox that was cleaned, a replay under a new consumer name.
 *
 * Failure modes: the database is away: the handler throws and the sidecar delivers again. A rule that cannot be evaluated
 * or a series the database does not know: PoisonError, the event is kept in the dead-letter topic.
 * Proof: workers/test/recurring-task.integration.test.ts.
 */
import type { Counter } from 'prom-client'
import type { CloudEvent } from '../lib/cloud-event.ts'
import { PoisonError } from '../lib/delivery.ts'
import { processOnce } from '../lib/inbox.ts'
import type { Processed } from '../lib/inbox.ts'
import type { Logger } from '../lib/logger.ts'
import { StorageError } from '../lib/postgres-errors.ts'
import type { Database } from '../lib/postgres.ts'
import { nextInstance, parseRecurrence } from '../lib/recurrence/index.ts'
import type { RecurrenceLimits } from '../lib/recurrence/index.ts'
import type { ReplayMark } from '../lib/replay.ts'
import { currentContext } from '../lib/request-context.ts'
import type { TaskEventData } from '../lib/task/event.ts'
import { insertNextInstance } from '../lib/task/store.ts'
import type { ChangeCause } from '../lib/task/store.ts'
import { isRecurring, successorOf } from './successor.ts'
import type { RecurringTask } from './successor.ts'

/** Name in the inbox: one effect per event for all replicas of this worker. */
export const consumer = 'recurring-task'

/** What became of a completion. */
export type Outcome = 'created' | 'ended' | 'exists'

/** What {@link createCompletionHandler} needs. */
export interface CompletionOptions {
  database: Database
  logger: Logger
  /** Dapr app id; becomes the source of the successor's event. */
  producer: string
  /** Asked for each event. */
  limits: () => RecurrenceLimits
  /** Asked for each event. */
  catchUp: () => 'Every' | 'NextFuture'
  now: () => Date
  outcomes: Pick<Counter<'outcome'>, 'inc'>
}

/** Handles `com.todo.task.completed`; resolves once the effect is committed. */
export function createCompletionHandler(
  options: CompletionOptions,
): (event: CloudEvent<TaskEventData>, signal?: AbortSignal, replay?: ReplayMark) => Promise<Processed> {
  const { database, logger } = options
  return async (event, signal, replay) => {
    const { task } = event.data
    if (!isRecurring(task)) return 'ignored'
    const now = options.now().toISOString()
    const successor = evaluate(task, options, now)
    let outcome: Outcome = 'ended'
    const processed = await processOnce(
      database,
      { consumer, eventId: event.id, replay },
      async (tx) => {
        if (!successor) return
        const made = await insertNextInstance(tx, successor, cause(event, options.producer, now))
        outcome = made ? 'created' : 'exists'
      },
      signal && { signal },
    ).catch((error: unknown) => {
      throw unknownSeries(error) ? new PoisonError(`the series of task ${task.id} is not in this database`) : error
    })
    if (processed === 'processed') {
      options.outcomes.inc({ outcome })
      logger.info({ taskId: task.id, successorId: successor?.id, outcome }, 'an instance of a series was completed')
    }
    return processed
  }
}

/** The successor, or undefined when the series has ended. Whatever cannot be evaluated now never can be. */
function evaluate(task: RecurringTask, options: CompletionOptions, now: string): RecurringTask | undefined {
  const { rrule, anchor, recurrenceId, count } = task.recurrence
  if (task.completedAt === null) throw new PoisonError('data.task.completedAt: is null in a completion')
  try {
    const next = nextInstance({
      rule: parseRecurrence(rrule, options.limits()),
      anchor,
      recurrenceId,
      position: count,
      completedAt: task.completedAt,
      zone: task.timezone,
      catchUp: options.catchUp(),
    })
    return next && successorOf(task, next, now)
  } catch (error) {
    throw new PoisonError(`data.task.recurrence: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function cause(event: CloudEvent<TaskEventData>, producer: string, now: string): ChangeCause {
  const traceparent = currentContext()?.traceparent
  return {
    actor: { type: 'recurrence', id: consumer },
    correlationId: event.data.correlationId,
    causationId: event.id,
    ...(traceparent === undefined ? {} : { traceparent }),
    producer,
    now,
  }
}

/** SQLSTATE 23503, foreign_key_violation: no delivery will make the series or the user appear. */
function unknownSeries(error: unknown): boolean {
  return error instanceof StorageError && error.sqlState === '23503'
}
