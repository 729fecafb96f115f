import { names, topicBases, workerNames } from '../api/v1alpha1/names.ts'
import type { TopicAlias } from '../api/v1alpha1/schema/kafka.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import { owned } from './object.ts'
import type { Json } from './object.ts'
import { deadLetterName, topicName } from './topics.ts'
import type { Desire } from './types.ts'

/** Which worker consumes which topics; the publishing and subscribing rights of the Component follow from it. */
export const subscriptionsOf: Readonly<Record<WorkerField, readonly TopicAlias[]>> = {
  audit: ['taskEvents', 'taskReminders'],
  recurringTask: ['taskEvents'],
  notification: ['taskEvents'],
  chatApi: [],
}

/**
 * Workers that take events by the batch, on one route of their own. Audit appends a batch in one transaction; an event waits at most
 * maxAwaitDurationMs for others.
 */
const bulk: Readonly<Partial<Record<WorkerField, Json>>> = {
  audit: { enabled: true, maxMessagesCount: 100, maxAwaitDurationMs: 50 },
}

const delivery = (field: WorkerField, alias: TopicAlias): Json =>
  bulk[field] === undefined
    ? { routes: { default: `/events/${topicBases[alias]}` } }
    : { routes: { default: '/events/bulk' }, bulkSubscribe: bulk[field] }

/**
 * One Subscription per worker and topic, always with a dead-letter topic: without one, an event that no worker can take would be retried for
 * ever and block its partition (components-contrib#2223).
 */
export const daprSubscriptions: Desire = (input) => {
  const system = input.bot.metadata.name
  return workerFields.flatMap((field) =>
    subscriptionsOf[field].map((alias) =>
      owned(input, {
        apiVersion: 'dapr.io/v2alpha1',
        kind: 'Subscription',
        name: names.subscription(system, workerNames[field], alias),
        app: workerNames[field],
        component: 'dapr',
        stage: 'Dapr',
        body: {
          scopes: [names.worker(system, workerNames[field])],
          spec: {
            pubsubname: names.pubsub(system),
            topic: topicName(input.bot, alias),
            ...delivery(field, alias),
            deadLetterTopic: deadLetterName(input.bot, alias),
          },
        },
      }),
    ),
  )
}
