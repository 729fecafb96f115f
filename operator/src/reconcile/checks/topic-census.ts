/** Which topics a Kafka holds and who uses them, for the clean-up. One session per cluster and minute, shared by all systems on it. */
import type { WithKafkaAdmin } from '../../apply/kafka-admin.ts'
import { clusterId, type KafkaConnection } from '../../apply/kafka-connection.ts'
import { desiredTopics } from '../../desired/topics.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { CheckSubject } from './check.ts'
import type { TopicCensus } from './leftovers.ts'

/** Makes the census. @param systems every TodoChatbot that is known @param now ms, monotonic */
export function topicCensus(options: {
  readonly withAdmin: WithKafkaAdmin
  readonly systems: () => readonly TodoChatbot[]
  readonly now: () => number
}): {
  readonly look: (subject: CheckSubject, signal: AbortSignal) => Promise<TopicCensus | undefined>
  /** Topics of this cluster were removed: the next look asks again. */
  readonly changed: (connection: KafkaConnection) => void
} {
  const maxAge = 60_000
  const lists = new Map<string, { readonly at: number; readonly topics: Promise<readonly string[]> }>()

  const listed = (connection: KafkaConnection, signal: AbortSignal): Promise<readonly string[]> => {
    const id = clusterId(connection)
    for (const [other, { at }] of lists) if (options.now() - at > maxAge) lists.delete(other)
    const known = lists.get(id)
    if (known !== undefined) return known.topics
    const topics = options.withAdmin(connection, (admin) => admin.list(), signal)
    lists.set(id, { at: options.now(), topics })
    topics.catch(() => lists.delete(id))
    return topics
  }

  const look = async ({ observed: { seen } }: CheckSubject, signal: AbortSignal): Promise<TopicCensus | undefined> => {
    const { bot, connection } = seen
    if (connection === undefined || seen.problems.length > 0) return undefined
    const all = await listed(connection, signal).catch(() => undefined)
    if (all === undefined) return undefined
    const others = options.systems().filter(({ metadata }) => metadata.uid !== bot.metadata.uid)
    return {
      all,
      prefix: bot.spec.kafka.topicPrefix,
      own: bot.spec.kafka.mode === 'Embedded',
      used: new Set([bot, ...others].flatMap((system) => desiredTopics(system).map(({ name }) => name))),
      otherPrefixes: others.map(({ spec }) => spec.kafka.topicPrefix),
    }
  }
  return { look, changed: (connection) => lists.delete(clusterId(connection)) }
}
