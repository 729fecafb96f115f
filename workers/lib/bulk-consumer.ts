import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { sidecarGuard } from './auth.ts'
import type { Subscription } from './consumer.ts'
import { asText, bodyLimit, createDeliverer, handlerTimeout, parseJson, positionOf, toEvent } from './delivery.ts'
import type { ConsumerOptions, Delivery, Status } from './delivery.ts'
import type { Processed } from './inbox.ts'
import { isTransient } from './postgres-errors.ts'

/** The same for many events at once: all of them in one transaction, outcomes in the order of the deliveries. */
export interface BulkSubscription<Data> extends Omit<Subscription<Data>, 'handle'> {
  readonly handle: (deliveries: readonly Delivery<Data>[], signal: AbortSignal) => Promise<readonly Processed[]>
}

const bulkSchema = z.looseObject({
  entries: z.array(
    z.looseObject({ entryId: z.string(), event: z.unknown(), metadata: z.record(z.string(), z.unknown()).nullish() }),
  ),
})

/**
 * Serves many events per request at `subscription.path` (Dapr's bulk subscribe). A batch that fails for a reason that is
 * not the database's absence is tried again one event at a time, so that one bad event does not take its neighbours to the
 * dead-letter topic; after a failure, later events of the same key wait with it, so that order holds.
 */
export const registerBulkSubscription = <Data>(
  server: FastifyInstance,
  subscription: BulkSubscription<Data>,
  options: ConsumerOptions,
): void => {
  const { inContext, succeeded, failed, count } = createDeliverer(options)
  const guard = sidecarGuard(options.appToken)
  const topic = subscription.path.slice(subscription.path.lastIndexOf('/') + 1)
  type Entry = { readonly entryId: string; readonly delivery: Delivery<Data> }

  const oneByOne = async (entries: readonly Entry[], statuses: Map<string, Status>): Promise<void> => {
    const stuck = new Set<string>()
    for (const { entryId, delivery } of entries) {
      const key = delivery.event.partitionkey ?? delivery.event.id
      if (stuck.has(key)) {
        statuses.set(entryId, 'RETRY')
        continue
      }
      try {
        const [outcome] = await inContext(delivery.event, subscription.path, () =>
          subscription.handle([delivery], AbortSignal.timeout(handlerTimeout)),
        )
        statuses.set(entryId, succeeded(delivery.event, topic, outcome ?? 'processed'))
      } catch (error) {
        stuck.add(key)
        statuses.set(entryId, failed(error, topic, delivery.event))
      }
    }
  }

  const together = async (entries: readonly Entry[], statuses: Map<string, Status>): Promise<void> => {
    const [first] = entries
    if (first === undefined) return
    try {
      const deliveries = entries.map(({ delivery }) => delivery)
      const outcomes = await inContext(first.delivery.event, subscription.path, () =>
        subscription.handle(deliveries, AbortSignal.timeout(handlerTimeout)),
      )
      for (const [index, { entryId, delivery }] of entries.entries()) {
        statuses.set(entryId, succeeded(delivery.event, topic, outcomes[index] ?? 'processed'))
      }
    } catch (error) {
      if (isTransient(error) || entries.length === 1) {
        for (const { entryId, delivery } of entries) statuses.set(entryId, failed(error, topic, delivery.event))
      } else await oneByOne(entries, statuses)
    }
  }

  const deliver = async (body: string) => {
    const envelope = bulkSchema.parse(JSON.parse(body))
    const statuses = new Map<string, Status>()
    const entries: Entry[] = []
    for (const { entryId, event: raw, metadata } of envelope.entries) {
      try {
        const parsed = toEvent(subscription.data, subscription.types, typeof raw === 'string' ? parseJson(raw) : raw)
        if (parsed.wanted)
          entries.push({ entryId, delivery: { event: parsed.event, position: positionOf(metadata ?? {}) } })
        else {
          count(topic, 'ignored')
          statuses.set(entryId, 'SUCCESS')
        }
      } catch (error) {
        statuses.set(entryId, failed(error, topic))
      }
    }
    await together(entries, statuses)
    return { statuses: envelope.entries.map(({ entryId }) => ({ entryId, status: statuses.get(entryId) ?? 'RETRY' })) }
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
        return await deliver(typeof request.body === 'string' ? request.body : '')
      } finally {
        timer()
      }
    })
    done()
  })
}
