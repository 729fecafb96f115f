/**
 * Tells admins what happened, as `events.k8s.io/v1` Events, without ever getting in the way of what happens.
 *
 * - `record` returns at once. Events are written in the background, one at a time, in order; what cannot be written after a few
 *   tries, or does not fit into the queue, is dropped and counted. Nothing waits for an event and nothing fails because of one.
 * - The same event again (same object, type, reason, action, note) becomes a *series* on the first Event: count and last time,
 *   written at most once per `seriesMs`. A state that lasts for a day costs a few writes, not one per reconcile.
 * - Different notes under one reason (a message with a number in it) are a flood, too: beyond `burst` per object and reason,
 *   refilled one per `refillMs`, they count into the last Event's series.
 * - A series that has not grown for `forgetMs` is forgotten: the next occurrence is a new Event.
 *
 * Proof: events.test.ts; operator/test/runtime.integration.test.ts against a real API server, which validates Events strictly.
 */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { fullJitter, sleep } from '../kube/backoff.ts'
import type { KubeClient } from '../kube/client.ts'
import { kinds } from '../kube/kinds.ts'
import { hasReason, isNotFound, isTransient } from '../kube/kube-error.ts'
import { describe } from '../kube/object.ts'
import type { KubeObject } from '../kube/object.ts'
import { eventOf, seriesOf } from './event-object.ts'
import type { EventInput, EventSource } from './event-object.ts'
import type { Metrics } from './metrics.ts'

export type { EventInput } from './event-object.ts'

/** Writes Kubernetes Events in the background: never throws, never blocks, never floods. */
export interface EventRecorder<Reason extends string> {
  record: (regarding: KubeObject, event: EventInput<Reason>) => void
}

/** Who reports, through what, and bounds; times in ms. */
export interface EventRecorderOptions extends EventSource {
  readonly client: KubeClient
  readonly logger: Logger
  readonly metrics?: Metrics
  /** Default 300 000. */
  readonly seriesMs?: number
  /** Default 10. */
  readonly burst?: number
  /** Default 60 000. */
  readonly refillMs?: number
  /** Default 1 800 000. */
  readonly forgetMs?: number
  /** Events waiting to be written. Default 1000. */
  readonly capacity?: number
  /** Unix time. */
  readonly now?: () => number
}

interface Series {
  readonly name: string
  readonly namespace: string
  count: number
  lastAt: number
  /** Last count told to the API server, and when. */
  toldCount: number
  toldAt: number
}

interface Budget {
  tokens: number
  at: number
  last: Series | undefined
}

const MAX_TRIES = 4

/** Makes a recorder; nothing is written before `run`, which writes until the signal aborts and then what is left, for two seconds. */
export const createEventRecorder = <Reason extends string>(
  options: EventRecorderOptions,
): EventRecorder<Reason> & { readonly run: (signal: AbortSignal) => Promise<void> } => {
  const { client, metrics } = options
  const { seriesMs = 300_000, burst = 10, refillMs = 60_000, forgetMs = 1_800_000, capacity = 1000 } = options
  const { now = () => Date.now() } = options
  const logger = options.logger.child({ component: 'events' })
  const series = new Map<string, Series>()
  const budgets = new Map<string, Budget>()
  const queue: (() => Promise<unknown>)[] = []
  let wake = Promise.withResolvers<undefined>()

  const enqueue = (write: () => Promise<unknown>): void => {
    if (queue.length >= capacity) {
      metrics?.eventsDropped.inc()
      return
    }
    queue.push(write)
    wake.resolve(undefined)
  }

  /** One more of a series: told to the API server now or, if that was a moment ago, by a later one. */
  const grow = (known: Series): void => {
    known.count += 1
    known.lastAt = now()
    if (known.lastAt - known.toldAt >= seriesMs) tell(known)
  }
  const tell = (known: Series): void => {
    known.toldAt = now()
    known.toldCount = known.count
    const { name, namespace } = known
    const patch = seriesOf(known.count, known.lastAt)
    enqueue(() => client.patch(kinds.Event, { namespace, name }, patch, { fieldManager: options.controller }))
  }

  /** Budget of an object and reason, refilled for the time that passed. */
  const budgetOf = (key: string): Budget => {
    const present = now()
    const budget = budgets.get(key) ?? { tokens: burst, at: present, last: undefined }
    const refilled = Math.floor((present - budget.at) / refillMs)
    budget.tokens = Math.min(burst, budget.tokens + refilled)
    budget.at += refilled * refillMs
    budgets.set(key, budget)
    return budget
  }

  const forgetOld = (): void => {
    const before = now() - forgetMs
    for (const [key, { lastAt }] of series) if (lastAt < before) series.delete(key)
    for (const [key, { at, last }] of budgets) if (at < before && (last?.lastAt ?? 0) < before) budgets.delete(key)
  }

  const record = (regarding: KubeObject, event: EventInput<Reason>): void => {
    forgetOld()
    const { uid = '' } = regarding.metadata
    const related = event.related === undefined ? '' : describe(event.related)
    const budget = budgetOf(`${uid} ${event.type} ${event.reason} ${event.action} ${related}`)
    const key = `${uid} ${event.type} ${event.reason} ${event.action} ${related} ${event.note}`
    const known = series.get(key) ?? (budget.tokens < 1 ? budget.last : undefined)
    if (known !== undefined) {
      grow(known)
      return
    }
    budget.tokens -= 1
    const object = eventOf(options, regarding, event, { at: now(), unique: randomUUID().slice(0, 13) })
    const { name, namespace = 'default' } = object.metadata
    const fresh: Series = { name, namespace, count: 1, lastAt: now(), toldCount: 1, toldAt: now() }
    series.set(key, fresh)
    budget.last = fresh
    enqueue(() => client.create(object, { fieldManager: options.controller }))
  }

  const write = async (job: () => Promise<unknown>, signal: AbortSignal): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await job()
        return
      } catch (error) {
        // The Event of a series expires after an hour by default; its namespace may be gone. Neither is worth a line.
        if (isNotFound(error) || hasReason(error, 'AlreadyExists')) return
        if (isTransient(error) && attempt + 1 < MAX_TRIES && !signal.aborted) {
          await sleep(fullJitter(attempt, { baseMs: 200, maxMs: 5000 }, Math.random), signal)
          continue
        }
        metrics?.eventsDropped.inc()
        logger.debug({ err: error }, 'event dropped')
        return
      }
    }
  }

  return {
    record,
    run: async (signal) => {
      const stop = (): void => wake.resolve(undefined)
      signal.addEventListener('abort', stop, { once: true })
      while (!signal.aborted) {
        for (let job = queue.shift(); job !== undefined; job = queue.shift()) await write(job, signal)
        wake = Promise.withResolvers()
        if (queue.length === 0 && !isAborted(signal)) await wake.promise
      }
      signal.removeEventListener('abort', stop)
      for (const known of series.values()) if (known.count > known.toldCount) tell(known)
      const deadline = AbortSignal.timeout(2000)
      for (let job = queue.shift(); job !== undefined && !deadline.aborted; job = queue.shift())
        await write(job, deadline)
    },
  }
}

/** Read through a function: control flow analysis believes that a property cannot change across awaits. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted
