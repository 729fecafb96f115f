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
import type { ConsumerOptions, Delivery, Status } from './delivery.ts'
import type { Processed } from './inbox.ts'
import { jsonDepth } from './json-body.ts'

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

/** Serves one event per request at `subscription.path`. */
export const registerSubscription = <Data>(
  server: FastifyInstance,
  subscription: Subscription<Data>,
  options: ConsumerOptions,
): void => {
  const { inContext, succeeded, failed, count } = createDeliverer(options)
  const guard = sidecarGuard(options.appToken)
  const topic = subscription.path.slice(subscription.path.lastIndexOf('/') + 1)
  const deliver = async (body: string, headers: Readonly<Record<string, unknown>>): Promise<Status> => {
    let event: CloudEvent | undefined
    try {
      if (jsonDepth(body) > maxDepth) throw new PoisonError(`nested deeper than ${maxDepth} levels`)
      const parsed = toEvent(subscription.data, subscription.types, parseJson(body))
      event = parsed.event
      if (!parsed.wanted) {
        count(topic, 'ignored')
        return 'SUCCESS'
      }
      const delivery = { event: parsed.event, position: positionOf(headers) }
      const outcome = await inContext(parsed.event, subscription.path, () =>
        subscription.handle(delivery, AbortSignal.timeout(handlerTimeout)),
      )
      return succeeded(event, topic, outcome)
    } catch (error) {
      return failed(error, topic, event)
    }
  }
  void server.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, _reply, next) => {
      guard(request.headers)
      next()
    })
    asText(scope)
    scope.post(subscription.path, { bodyLimit }, async (request) => {
      const timer = options.metrics.inbox.duration.startTimer({ topic })
      try {
        return { status: await deliver(typeof request.body === 'string' ? request.body : '', request.headers) }
      } finally {
        timer()
      }
    })
    done()
  })
}

/** The two routes daprd asks at start: subscriptions are declared as resources, so the app itself names none. */
export const registerDaprRoutes = (server: FastifyInstance): void => {
  server.get('/dapr/subscribe', (_request, reply) => reply.send([]))
  server.get('/dapr/config', (_request, reply) => reply.send({}))
}
