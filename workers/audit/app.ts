import type { FastifyInstance } from 'fastify'
import { registerBulkSubscription } from '../lib/bulk-consumer.ts'
import { registerSubscription } from '../lib/consumer.ts'
import type { ConsumerOptions, Delivery } from '../lib/delivery.ts'
import { auditedDataSchema, recordOf } from '../lib/audit-trail/entry.ts'
import type { AuditedData } from '../lib/audit-trail/entry.ts'
import { groupCommit } from './group-commit.ts'
import { registerAuditRoutes } from './routes.ts'
import type { AuditRoutesOptions } from './routes.ts'
import { appendRecords } from '../lib/audit-trail/store.ts'

/** What audit is built from; `now` gives the time entries are recorded at. */
export interface AuditOptions extends AuditRoutesOptions, ConsumerOptions {
  readonly now: () => Date
}

/**
 * Wires audit's subscriptions and routes to a server. Every event of both topics is appended, of whatever type; the
 * sidecar may deliver them singly or, at `/events/bulk`, by the batch.
 */
export const registerAudit = (server: FastifyInstance, options: AuditOptions): void => {
  const append = groupCommit((records) => appendRecords(options.database, records, options.now))
  const data = auditedDataSchema
  const one = async (delivery: Delivery<AuditedData>) => {
    const records = [recordOf(delivery)]
    const { replay } = delivery
    const outcomes =
      replay === undefined ? append(records) : appendRecords(options.database, records, options.now, replay)
    return (await outcomes)[0] ?? 'processed'
  }
  registerSubscription(server, { path: '/events/task-events', data, handle: one }, options)
  registerSubscription(server, { path: '/events/task-reminders', data, handle: one }, options)
  const many = (deliveries: readonly Delivery<AuditedData>[]) => append(deliveries.map(recordOf))
  registerBulkSubscription(server, { path: '/events/bulk', data, handle: many }, options)
  registerAuditRoutes(server, options)
}
