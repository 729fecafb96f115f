/** Kafka: topics, partitions, replicas, retention, groups, lag, dead letters; from what the topic keeper and the Kafka watch saw last. */
import { desiredTopics } from '../../desired/topics.ts'
import { workerNames } from '../../api/v1alpha1/names.ts'
import type { ConsumerReport, KafkaReport } from '../kafka/kafka-report.ts'
import { rounded } from '../kafka/shown-figure.ts'
import type { Observed } from '../todochatbot/assess.ts'
import { topicStatuses } from '../todochatbot/topics.ts'
import type { CheckName } from './catalogue.ts'
import { found, judged, passed, type CheckFamily, type Outcome } from './check.ts'
import { age, count, some } from './figures.ts'
import { isGrownUp, watchedWorkers, type WatchedWorker } from './watched-workers.ts'

/** Topics against the spec. */
export function judgeTopics({ topics, seen }: Observed): Outcome {
  const name = 'topics'
  const statuses = topicStatuses(topics)
  const wrong = statuses.filter(({ state }) => state !== 'Ready')
  const figure = `${statuses.length - wrong.length} of ${count(statuses.length, 'topic')}`
  if (topics.report === undefined || topics.report.unreachable !== undefined)
    return found(name, 'Unknown', topics.report?.unreachable ?? 'the brokers have not been asked yet')
  const unclear = statuses.filter(({ state }) => state === 'Pending')
  if (unclear.length > 0) return found(name, 'Unknown', `${count(unclear.length, 'topic')} not looked at yet`)
  const [first] = wrong
  if (first !== undefined)
    return found(
      name,
      'Failed',
      some(wrong.map((topic) => `Topic/${topic.name}: ${topic.message ?? topic.state}`)),
      figure,
    )
  const grown = desiredTopics(seen.bot).flatMap(({ name: topic, partitions }) => {
    const has = statuses.find((status) => status.name === topic)?.partitions ?? partitions
    return has === partitions ? [] : [`Topic/${topic} has ${has} partitions, the spec says ${partitions}`]
  })
  return grown.length > 0 ? found(name, 'Warning', some(grown), figure) : passed(name, figure)
}

type PartitionOf = KafkaReport['topics'] extends ReadonlyMap<string, infer Topic> ? Topic : never

/** Partitions without a leader, and leaders that sit on few brokers. */
export function judgeLeaders(topics: readonly PartitionOf[]): Outcome {
  const name = 'partition-leaders'
  const partitions = topics.flatMap((topic) =>
    topic.partitions.map((partition) => ({ topic: topic.name, ...partition })),
  )
  const orphaned = partitions.filter(({ leader }) => leader < 0)
  const led = new Map<number, number>()
  for (const { leader } of partitions) if (leader >= 0) led.set(leader, (led.get(leader) ?? 0) + 1)
  // Brokers that lead nothing are not told; replicas say that there are others.
  const brokers = Math.max(led.size, ...partitions.map(({ replicas }) => replicas))
  const [busiest] = [...led].sort((a, b) => b[1] - a[1])
  const figure = `${partitions.length - orphaned.length} of ${count(partitions.length, 'partition')}, ${count(led.size, 'broker')}`
  if (orphaned.length > 0)
    return found(
      name,
      'Failed',
      some(orphaned.map(({ topic, partition }) => `Topic/${topic} partition ${partition} has no leader`)),
      figure,
    )
  if (
    busiest !== undefined &&
    brokers > 1 &&
    partitions.length >= brokers * 3 &&
    busiest[1] > (2 * partitions.length) / brokers
  )
    return found(name, 'Warning', `broker ${busiest[0]} leads ${busiest[1]} of ${partitions.length} partitions`, figure)
  return passed(name, figure)
}

/** Replicas that are not in sync. */
export function judgeReplicas(topics: readonly PartitionOf[]): Outcome {
  const name = 'under-replicated-partitions'
  const behind = topics.flatMap((topic) =>
    topic.partitions
      .filter(({ inSync, replicas }) => inSync < replicas)
      .map((partition) => ({
        ...partition,
        topic: topic.name,
        refuses: partition.inSync < Number(topic.config['min.insync.replicas'] ?? 1),
      })),
  )
  if (behind.length === 0) return passed(name, '0 partitions')
  const said = behind.map(
    ({ topic, partition, inSync, replicas }) =>
      `Topic/${topic} partition ${partition}: ${inSync} of ${replicas} in sync`,
  )
  const result = behind.some(({ refuses }) => refuses) ? 'Failed' : 'Warning'
  return found(name, result, some(said), count(behind.length, 'partition'))
}

/** Consumers that are about to lose events, or have lost some, because the topic does not keep them long enough. */
export function judgeRetention(report: KafkaReport): Outcome {
  const name = 'topic-retention'
  const lost: string[] = []
  const close: string[] = []
  for (const [worker, consumer] of consumersOf(report)) {
    for (const { topic, partitions } of consumer.topics) {
      for (const { partition, position, lag } of partitions) {
        const held = report.topics.get(topic)?.partitions.find((one) => one.partition === partition)
        if (held?.beginning === undefined || held.end === undefined || lag === 0 || held.beginning === 0) continue
        const where = `${worker} at Topic/${topic} partition ${partition}`
        if (position < held.beginning) lost.push(`${where}: ${held.beginning - position} events are gone`)
        else if ((position - held.beginning) * 10 < held.end - held.beginning)
          close.push(`${where} is close to the oldest event`)
      }
    }
  }
  if (lost.length > 0) return found(name, 'Failed', some(lost))
  return close.length > 0 ? found(name, 'Warning', some(close)) : passed(name)
}

/** Groups without members although their pods are Ready. */
export function judgeGroups(report: KafkaReport, workers: readonly WatchedWorker[], now: number): Outcome {
  const name = 'consumer-groups'
  const dead: string[] = []
  const few: string[] = []
  let members = 0
  for (const { field, name: worker, pods } of workers) {
    const consumer = report.consumers[field]
    if (consumer === undefined || consumer.state === 'Unknown') continue
    members += consumer.members.length
    const expected = pods.filter((pod) => pod.ready && isGrownUp(pod, now)).length
    if (expected === 0 || consumer.state.endsWith('Rebalance')) continue
    const partitions = Math.max(0, ...consumer.topics.map((topic) => topic.partitions.length))
    const said = `${worker}: ${count(expected, 'Ready pod')}, and group ${consumer.group} has ${count(consumer.members.length, 'member')}`
    if (consumer.members.length === 0) dead.push(said)
    else if (consumer.members.length < Math.min(expected, partitions)) few.push(said)
  }
  const figure = count(members, 'member')
  if (dead.length > 0) return found(name, 'Failed', some(dead), figure)
  return few.length > 0 ? found(name, 'Warning', some(few), figure) : passed(name, figure)
}

/** Waiting without taking anything for so long (ms) is stuck. */
const stuckAfter = 5 * 60_000
/** Waiting events from here on are worth a word. */
const muchLag = 1_000

/** Lag, and whether it moves. */
export function judgeLag(report: KafkaReport, workers: readonly WatchedWorker[], now: number): Outcome {
  const name = 'consumer-lag'
  const stuck: string[] = []
  const slow: string[] = []
  let most = 0
  for (const { field, name: worker } of workers) {
    for (const { topic, lag, stillSince } of report.consumers[field]?.topics ?? []) {
      most = Math.max(most, lag)
      if (lag > 0 && stillSince !== undefined && now - stillSince >= stuckAfter)
        stuck.push(
          `${worker} has taken nothing of Topic/${topic} for ${age((now - stillSince) / 1000)}, ${count(rounded(lag), 'event')} wait`,
        )
      else if (lag > muchLag) slow.push(`${worker}: ${count(rounded(lag), 'event')} of Topic/${topic} wait`)
    }
  }
  const figure = most <= muchLag ? `at most ${count(muchLag, 'event')}` : count(rounded(most), 'event')
  if (stuck.length > 0) return found(name, 'Failed', some(stuck), figure)
  return slow.length > 0 ? found(name, 'Warning', some(slow), figure) : passed(name, figure)
}

/** Dead letters, and whether they grow. */
export function judgeDeadLetters({ deadLetters }: KafkaReport): Outcome {
  const name = 'dead-letters'
  const waiting = deadLetters.filter((letters) => letters.count > 0)
  const figure = count(rounded(waiting.reduce((sum, letters) => sum + letters.count, 0)), 'event')
  if (waiting.length === 0) return passed(name, figure)
  const growing = waiting.filter(({ growth }) => growth !== undefined)
  const said = (growing.length > 0 ? growing : waiting).map(
    (letters) =>
      `Topic/${letters.topic} holds ${count(rounded(letters.count), 'event')}${letters.growth === undefined ? '' : ' and grows'}`,
  )
  return found(name, growing.length > 0 ? 'Failed' : 'Warning', some(said), figure)
}

const consumersOf = (report: KafkaReport): (readonly [worker: string, ConsumerReport])[] =>
  Object.entries(report.consumers).map(([field, consumer]) => [
    workerNames[field as keyof typeof workerNames],
    consumer,
  ])

const ofReport = [
  ...(['partition-leaders', 'under-replicated-partitions', 'topic-retention'] as const),
  ...(['consumer-groups', 'consumer-lag', 'dead-letters'] as const),
] satisfies readonly CheckName[]

/** The family. */
export const kafkaChecks: CheckFamily = judged(['topics', ...ofReport], ({ observed }) => [
  judgeTopics(observed),
  ...judgeReport(observed),
])

function judgeReport(observed: Observed): readonly Outcome[] {
  const report = observed.kafka
  const { now } = observed.seen
  if (report?.at === undefined || report.unreachable !== undefined) {
    const why = report?.unreachable ?? 'the brokers have not been asked yet'
    return ofReport.map((name) => found(name, 'Unknown', why))
  }
  const topics = [...report.topics.values()]
  const workers = watchedWorkers(observed)
  return [
    judgeLeaders(topics),
    judgeReplicas(topics),
    judgeRetention(report),
    judgeGroups(report, workers, now),
    judgeLag(report, workers, now),
    judgeDeadLetters(report),
  ]
}
