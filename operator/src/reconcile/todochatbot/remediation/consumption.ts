/**
 * What Kafka's figures say about one worker as a consumer, as the signals want it. Events that wait at one look are what a busy consumer looks
 * like, too: it stands still when a second look finds it at the same place, and has done so for a while. Pure. Proof: consumption.test.ts.
 */
import { parseDuration } from '../../../api/v1alpha1/durations.ts'
import { deadLetterSuffix } from '../../../api/v1alpha1/names.ts'
import type { WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../../api/v1alpha1/todochatbot.ts'
import { consumers } from '../../../desired/consumers.ts'
import type { ConsumedTopic, KafkaReport } from '../../kafka/kafka-report.ts'
import type { WorkerSeen } from './signals.ts'

/** See {@link consumptionSeen}. */
export type Consumption = WorkerSeen['consumer'] & {
  /** When a consumer that has just not moved would count as standing still, in ms since the epoch. */
  readonly lookAt?: number
}

/** How long something that passes by itself may last before it is a signal, in ms. */
export const standingAfter = (unhealthyAfter: number): number => Math.min(30_000, unhealthyAfter / 2)

/** Since when a worker takes no events although some wait, and since when dead letters of its topics grow. */
export function consumptionSeen(
  bot: TodoChatbot,
  report: KafkaReport | undefined,
  field: WorkerField,
  now: number,
): Consumption {
  const consumer = report?.consumers[field]
  if (report === undefined || report.unreachable !== undefined || consumer === undefined) return {}
  const grace = standingAfter(parseDuration(bot.spec.remediation.unhealthyAfter))
  const seenAt = report.at ?? 0
  const standsSince = ({ stillSince }: ConsumedTopic): number => stillSince ?? Infinity
  const still = consumer.topics.filter((topic) => standsSince(topic) <= now - grace && standsSince(topic) < seenAt)
  const next = Math.min(...consumer.topics.filter((topic) => !still.includes(topic)).map(standsSince)) + grace
  const mine = consumers(bot).find(({ worker }) => worker === field)?.topics ?? []
  const growing = report.deadLetters.filter(
    ({ topic, growth }) => growth !== undefined && mine.some((name) => name + deadLetterSuffix === topic),
  )
  const standing = earliest(still.map(({ stillSince }) => stillSince))
  const dead = earliest(growing.map(({ growth }) => growth?.since))
  return {
    ...(standing === undefined
      ? {}
      : {
          stuck: {
            since: standing,
            seenAt,
            detail: still.map(({ topic, shown }) => `${shown} of ${topic}`).join(', '),
          },
        }),
    ...(dead === undefined
      ? {}
      : { deadLetters: { since: dead, detail: `events arrive in ${growing.map(({ topic }) => topic).join(', ')}` } }),
    ...(Number.isFinite(next) ? { lookAt: next } : {}),
  }
}

const earliest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
