/** What Kafka's figures say about one worker as a consumer, as the signals want it. Pure. */
import { deadLetterSuffix } from '../../../api/v1alpha1/names.ts'
import type { WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../../api/v1alpha1/todochatbot.ts'
import { consumers } from '../../../desired/consumers.ts'
import type { KafkaReport } from '../../kafka/kafka-report.ts'
import type { WorkerSeen } from './signals.ts'

/** Since when a worker takes no events although some wait, and since when dead letters of its topics grow. */
export function consumptionSeen(
  bot: TodoChatbot,
  report: KafkaReport | undefined,
  field: WorkerField,
): WorkerSeen['consumer'] {
  const consumer = report?.consumers[field]
  if (report === undefined || report.unreachable !== undefined || consumer === undefined) return { detail: '' }
  const still = consumer.topics.filter(({ stillSince }) => stillSince !== undefined)
  const mine = consumers(bot).find(({ worker }) => worker === field)?.topics ?? []
  const growing = report.deadLetters.filter(
    ({ topic, growth }) => growth !== undefined && mine.some((name) => name + deadLetterSuffix === topic),
  )
  const standing = earliest(still.map(({ stillSince }) => stillSince))
  const dead = earliest(growing.map(({ growth }) => growth?.since))
  return {
    ...(standing === undefined ? {} : { stuckSince: standing }),
    ...(dead === undefined ? {} : { deadLettersSince: dead }),
    detail:
      standing === undefined
        ? `events arrive in ${growing.map(({ topic }) => topic).join(', ')}`
        : still.map(({ topic, shown }) => `${shown} of ${topic}`).join(', '),
  }
}

const earliest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
