import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { kafkaCluster } from './kafka-cluster.ts'
import { desiredTopics } from './topics.ts'

/**
 * Two systems may name the same topics on the same brokers. One owner is decided without asking anybody: the oldest resource, then the
 * smaller uid. The rule is a total order over all systems, so every replica of the operator decides alike, and the owner only changes when
 * it is deleted. Proof: topic-claims.test.ts (properties).
 */

/** A system that lost a topic to another one. */
export interface TopicConflict {
  readonly topic: string
  /** `namespace/name` of the system that owns the topic. */
  readonly owner: string
}

type Claimant = Pick<TodoChatbot, 'apiVersion' | 'kind' | 'metadata' | 'spec'>

const keyOf = ({ metadata }: Claimant): string => `${metadata.namespace}/${metadata.name}`

const isOlder = (a: Claimant, b: Claimant): boolean => {
  const [createdA, createdB] = [a, b].map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') || 0)
  return createdA === createdB ? a.metadata.uid < b.metadata.uid : (createdA ?? 0) < (createdB ?? 0)
}

const brokersOf = (bot: Claimant): ReadonlySet<string> =>
  new Set(kafkaCluster(bot).brokers.map((broker) => broker.toLowerCase()))

const share = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((broker) => b.has(broker))

/**
 * The topics of `bot` that an older system on the same cluster owns; empty means that every topic is its own.
 * @param others every TodoChatbot known to the operator; `bot` itself may be among them
 * @param sameCluster whether two systems talk to the same Kafka; by default, whether they share a bootstrap server
 */
export const topicConflicts = (
  bot: Claimant,
  others: readonly Claimant[],
  sameCluster: (a: Claimant, b: Claimant) => boolean = (a, b) => share(brokersOf(a), brokersOf(b)),
): readonly TopicConflict[] => {
  const rivals = others.filter(
    (other) => other.metadata.uid !== bot.metadata.uid && isOlder(other, bot) && sameCluster(bot, other),
  )
  rivals.sort((a, b) => (isOlder(a, b) ? -1 : 1))
  const owners = new Map<string, string>()
  for (const rival of rivals) {
    for (const { name } of desiredTopics(rival)) if (!owners.has(name)) owners.set(name, keyOf(rival))
  }
  return desiredTopics(bot).flatMap(({ name }) => {
    const owner = owners.get(name)
    return owner === undefined ? [] : [{ topic: name, owner }]
  })
}
