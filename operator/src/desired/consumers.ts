import { names, workerNames } from '../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { topicAliases } from '../api/v1alpha1/schema/kafka.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { deadLetterName, topicName } from './topics.ts'

/** One worker as a consumer of Kafka. */
export interface Consumer {
  readonly worker: WorkerField
  readonly group: string
  /** Actual names of the topics it subscribes to, one or more. */
  readonly topics: readonly string[]
}

/**
 * Kafka consumer group of a worker. It carries the namespace, so that no two systems on one cluster ever share one.
 * @param appId Dapr app id of the worker, or Dapr's placeholder for it
 */
export const consumerGroup = (namespace: string, appId: string): string => `${namespace}.${appId}`

/** The workers that consume, with their groups and topics. */
export const consumers = (bot: Pick<TodoChatbot, 'metadata' | 'spec'>): readonly Consumer[] =>
  workerFields
    .filter((worker) => subscriptionsOf[worker].length > 0)
    .map((worker) => ({
      worker,
      group: consumerGroup(bot.metadata.namespace, names.worker(bot.metadata.name, workerNames[worker])),
      topics: subscriptionsOf[worker].map((alias) => topicName(bot, alias)),
    }))

/** Actual names of the dead-letter topics of every topic. */
export const deadLetterTopics = (bot: Pick<TodoChatbot, 'spec'>): readonly string[] =>
  topicAliases.map((alias) => deadLetterName(bot, alias))
