/** What the topic keeper's reports mean for a system. Pure. */
import type { TopicReport } from '../../apply/topic-keeper.ts'
import type { TopicStatus } from '../../api/v1alpha1/schema/status.ts'
import type { TopicConflict } from '../../desired/topic-claims.ts'
import type { DesiredTopic } from '../../desired/types.ts'
import { finding, worst, type Finding } from '../errors.ts'

/** What is known of the topics of a system. */
export interface TopicsSeen {
  readonly desired: readonly DesiredTopic[]
  /** Topics an older system owns; they are not in the report. */
  readonly conflicts: readonly TopicConflict[]
  /** Undefined: nothing was ever declared, because Kafka has not been up or something the connection needs is missing. */
  readonly report: TopicReport | undefined
}

/** Why the brokers cannot be used, as far as the last session tells. `brokers` names them in messages. */
export function brokerFinding(report: TopicReport | undefined, brokers: string): Finding | undefined {
  const object = `Kafka/${brokers}`
  if (report?.unreachable !== undefined) {
    const reason = report.credentialsRefused === true ? 'BrokerCredentialsRefused' : 'BrokerUnreachable'
    return finding(reason, object, report.unreachable)
  }
  if (report === undefined || (report.pending && report.topics.size === 0))
    return finding('Checking', object, 'is being asked')
  return undefined
}

/** Why the topics are not as the spec wants them. */
export function topicsFinding(seen: TopicsSeen): Finding | undefined {
  return worst([...seen.conflicts.map(conflictFinding), ...seen.desired.map((topic) => topicFinding(topic, seen))])
}

/** Why workers could not use the topics: they are missing, or somebody else's. A topic larger than asked for is good enough. */
export function usableFinding(seen: TopicsSeen): Finding | undefined {
  const missing = seen.desired.filter(({ name }) => (seen.report?.topics.get(name)?.partitions ?? 0) === 0)
  return worst([...seen.conflicts.map(conflictFinding), ...missing.map((topic) => topicFinding(topic, seen))])
}

/** `status.topics`. */
export function topicStatuses(seen: TopicsSeen): TopicStatus[] {
  return seen.desired.map(({ alias, name }): TopicStatus => {
    const conflict = seen.conflicts.find(({ topic }) => topic === name)
    if (conflict !== undefined) return { alias, name, state: 'Conflict', message: `belongs to ${conflict.owner}` }
    const result = seen.report?.topics.get(name)
    if (result === undefined) return { alias, name, state: 'Pending' }
    return {
      alias,
      name,
      state: result.state === 'Failed' ? 'Error' : result.state,
      ...(result.partitions === 0
        ? {}
        : { partitions: result.partitions, replicationFactor: result.replicationFactor }),
      ...(result.message === undefined ? {} : { message: result.message }),
    }
  })
}

const conflictFinding = ({ topic, owner }: TopicConflict): Finding =>
  finding(
    'TopicConflict',
    `Topic/${topic}`,
    `belongs to TodoChatbot ${owner}, which is older and uses the same brokers`,
  )

function topicFinding({ name, partitions }: DesiredTopic, { report, conflicts }: TopicsSeen): Finding | undefined {
  const object = `Topic/${name}`
  if (conflicts.some(({ topic }) => topic === name)) return undefined
  if (report?.pending === true) return finding('Checking', object, 'is being compared with the spec')
  const result = report?.topics.get(name)
  if (result === undefined) return finding('Waiting', object, 'waits for the brokers')
  if (result.state === 'Failed') return finding('TopicFailed', object, result.message ?? 'no reason given')
  if (result.state === 'ShrinkRefused' && partitions < result.partitions) {
    return finding('TopicShrinkRefused', object, result.message ?? 'no reason given')
  }
  return undefined
}
