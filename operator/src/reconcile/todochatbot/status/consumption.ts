/** `status.lag`, `services[].lag` and `services[].deadLetters`: what a status shows of a Kafka report. Pure. */
import { deadLetterSuffix } from '../../../api/v1alpha1/names.ts'
import type { WorkerField } from '../../../api/v1alpha1/schema/services.ts'
import type { ServiceStatus, TodoChatbotStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { TodoChatbot } from '../../../api/v1alpha1/todochatbot.ts'
import { consumers } from '../../../desired/consumers.ts'
import type { KafkaReport } from '../../kafka/kafka-report.ts'

/** The part of a worker's status that Kafka tells. */
export type Consumption = Pick<ServiceStatus, 'lag' | 'deadLetters'>

/** By worker, consumers only. While the brokers do not answer nothing is said: old figures would pass for present ones. */
export function consumptionOf(
  bot: TodoChatbot,
  report: KafkaReport | undefined,
): Readonly<Partial<Record<WorkerField, Consumption>>> {
  if (report?.at === undefined || report.unreachable !== undefined) return {}
  return Object.fromEntries(
    consumers(bot).map(({ worker, topics }) => {
      const dead = report.deadLetters.filter(({ topic }) => topics.some((name) => name + deadLetterSuffix === topic))
      const lag = (report.consumers[worker]?.topics ?? []).map(({ topic, shown }) => ({ topic, lag: shown }))
      return [
        worker,
        {
          ...(lag.length === 0 ? {} : { lag }),
          ...(dead.length === 0 ? {} : { deadLetters: sum(dead.map(({ shown }) => shown)) }),
        },
      ]
    }),
  )
}

/** `status.lag`: one figure for `kubectl get`. */
export function lagSummary(report: KafkaReport | undefined): Pick<TodoChatbotStatus, 'lag'> {
  if (report?.at === undefined || report.unreachable !== undefined) return {}
  const shown = Object.values(report.consumers).flatMap(({ topics }) => topics.map((topic) => topic.shown))
  return shown.length === 0 ? {} : { lag: String(sum(shown)) }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
