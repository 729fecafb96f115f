/**
 * Which systems name the same topics of the same brokers. An index, so that a reconcile does not compare itself with every other system;
 * who wins is decided by desired/topic-claims.ts. Fed by the informer of TodoChatbots.
 */
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { kafkaCluster } from '../../desired/kafka-cluster.ts'
import { desiredTopics } from '../../desired/topics.ts'

/** See the header of this file. */
export interface TopicClaims {
  /** Records what a system claims now. Returns the keys of the others whose standing may have changed. */
  update: (bot: TodoChatbot) => readonly string[]
  /** Forgets a system that is gone; returns as {@link TopicClaims.update}. */
  remove: (key: string) => readonly string[]
  /** The other systems that claim at least one topic this one claims. */
  rivals: (bot: TodoChatbot) => readonly TodoChatbot[]
}

interface Entry {
  readonly bot: TodoChatbot
  readonly claims: readonly string[]
}

/** Makes an empty index. */
export function topicClaims(): TopicClaims {
  const entries = new Map<string, Entry>()
  const claimants = new Map<string, Set<string>>()

  const othersOn = (claims: readonly string[], self: string): string[] => [
    ...new Set(claims.flatMap((claim) => [...(claimants.get(claim) ?? [])]).filter((key) => key !== self)),
  ]
  const withdraw = (key: string): readonly string[] => {
    const claims = entries.get(key)?.claims ?? []
    entries.delete(key)
    for (const claim of claims) {
      const holders = claimants.get(claim)
      holders?.delete(key)
      if (holders?.size === 0) claimants.delete(claim)
    }
    return claims
  }

  return {
    update: (bot) => {
      const key = keyOf(bot)
      const known = entries.get(key)
      if (known?.bot.metadata.uid === bot.metadata.uid && known.bot.metadata.generation === bot.metadata.generation)
        return []
      const before = withdraw(key)
      const claims = claimsOf(bot)
      entries.set(key, { bot, claims })
      for (const claim of claims) claimants.set(claim, (claimants.get(claim) ?? new Set()).add(key))
      return othersOn([...before, ...claims], key)
    },
    remove: (key) => othersOn(withdraw(key), key),
    rivals: (bot) =>
      othersOn(claimsOf(bot), keyOf(bot)).flatMap((key) => {
        const entry = entries.get(key)
        return entry === undefined ? [] : [entry.bot]
      }),
  }
}

const keyOf = ({ metadata }: TodoChatbot): string => `${metadata.namespace}/${metadata.name}`

/** `broker topic` for every pair. The brokers of an Embedded Kafka are its own, so such a system has no rivals. */
function claimsOf(bot: TodoChatbot): readonly string[] {
  if (bot.spec.kafka.mode === 'Embedded') return []
  const topics = desiredTopics(bot).map(({ name }) => name)
  return kafkaCluster(bot).brokers.flatMap((broker) => topics.map((topic) => `${broker.toLowerCase()} ${topic}`))
}
