/**
 * How events come in: Dapr's delivery contract over Fastify.
 *
 * The answer decides what becomes of a message, and the dangerous answers are the quiet ones. `SUCCESS` (and any 2xx
 * without a status) acknowledges it for good; a 404 or `DROP` sends it to the dead-letter topic; everything else has the
 * sidecar deliver it again as the Resiliency policy says, then dead-letter it.
 *
 * Invariants
 * - SUCCESS is answered only after the handler resolved, and a handler resolves only after its transaction committed.
 * - What cannot be understood (not JSON, no CloudEvent, data the schema refuses, text the database cannot hold) is DROPped
 *   at once: trying again cannot help, and a partition must not wait for it. It is in the dead-letter topic, not lost.
 * - Whatever a handler throws is RETRY; the handler decides by throwing, never by swallowing.
 * - A replayed event comes in on a route of its own and carries its mark (replay.ts); the answer then also says what became of it.
 * - Event types a subscription does not name are acknowledged unread: a newer producer must not fill dead letters.
 *
 * Proof: consumer.test.ts (each answer, bulk fallback), workers/test/audit.integration.test.ts (redelivery stores once).
 */
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { sidecarGuard } from './auth.ts'
import type { CloudEvent } from './cloud-event.ts'
import {
  asText,
  bodyLimit,
  createDeliverer,
  handlerTimeout,
  maxDepth,
  parseJson,
  PoisonError,
  positionOf,
  toEvent,
} from './delivery.ts'
import type { ConsumerOptions, Delivery, Position } from './delivery.ts'
import { HttpProblem, parseInput } from './http-errors.ts'
import type { Processed } from './inbox.ts'
import { jsonDepth } from './json-body.ts'
import { muted, replayedSchema, replayPath } from './replay.ts'
import type { ReplayAnswer, Replayed, ReplayMark } from './replay.ts'

/** What a worker does with the events of one topic. */
export interface Subscription<Data> {
  /** Route the Dapr Subscription names, e.g. `/events/task-events`. */
  readonly path: string
  /** Types to handle; others are acknowledged unread. Absent: all. */
  readonly types?: readonly string[]
  readonly data: z.ZodType<Data>
  /** Resolves after its effect is committed; throws to have the event delivered again. `signal` is aborted after 30 s. */
  readonly handle: (delivery: Delivery<Data>, signal: AbortSignal) => Promise<Processed>
}

/** Serves one event per request at `subscription.path`, and replayed ones at {@link replayPath} of it. */
export const registerSubscription = <Data>(
  server: FastifyInstance,
  subscription: Subscription<Data>,
  options: ConsumerOptions,
): void => {
  const { inContext, succeeded, failed, count } = createDeliverer(options)
  const guard = sidecarGuard(options.appToken)
  const topic = subscription.path.slice(subscription.path.lastIndexOf('/') + 1)
  const deliver = async (body: string, position: Position, replay?: ReplayMark): Promise<ReplayAnswer> => {
    let event: CloudEvent | undefined
    try {
      if (jsonDepth(body) > maxDepth) throw new PoisonError(`nested deeper than ${maxDepth} levels`)
      const parsed = toEvent(subscription.data, subscription.types, parseJson(body))
      event = parsed.event
      if (!parsed.wanted) {
        count(topic, 'ignored')
        return { status: 'SUCCESS', outcome: 'ignored' }
      }
      const wanted = replay?.muted === true ? muted(parsed.event) : parsed.event
      const delivery = { event: wanted, position, ...(replay === undefined ? {} : { replay }) }
      const outcome = await inContext(wanted, subscription.path, () =>
        subscription.handle(delivery, AbortSignal.timeout(handlerTimeout)),
      )
      return { status: succeeded(event, topic, outcome), outcome }
    } catch (error) {
      return { status: failed(error, topic, event), reason: error instanceof Error ? error.message : String(error) }
    }
  }
  const textOf = (body: unknown): string => (typeof body === 'string' ? body : '')
  void server.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, _reply, next) => {
      guard(request.headers)
      next()
    })
    asText(scope)
    scope.post(subscription.path, { bodyLimit }, async (request) => {
      const timer = options.metrics.inbox.duration.startTimer({ topic })
      try {
        return { status: (await deliver(textOf(request.body), positionOf(request.headers))).status }
      } finally {
        timer()
      }
    })
    scope.post(replayPath(subscription.path), { bodyLimit }, async (request) => {
      const { replay, position, event } = replayedOf(textOf(request.body))
      return deliver(event, position, replay)
    })
    done()
  })
}

/** Reads the envelope of a replay; what is wrong with it is the sender's mistake, not the event's. */
const replayedOf = (body: string): Replayed => {
  try {
    return parseInput(replayedSchema, JSON.parse(body))
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new HttpProblem('INVALID_INPUT', `the request: is no JSON: ${error.message}`)
    throw error
  }
}

/** The two routes daprd asks at start: subscriptions are declared as resources, so the app itself names none. */
export const registerDaprRoutes = (server: FastifyInstance): void => {
  server.get('/dapr/subscribe', (_request, reply) => reply.send([]))
  server.get('/dapr/config', (_request, reply) => reply.send({}))
}
