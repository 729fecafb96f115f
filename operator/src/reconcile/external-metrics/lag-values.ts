import { workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import type { KafkaReport } from '../kafka/kafka-report.ts'
import type { MetricValue } from './api.ts'

/** Exact lag of one system, one value per worker and topic; none while the brokers do not answer, so that nobody scales by old figures. */
export function lagValues(system: string, report: KafkaReport | undefined): readonly MetricValue[] {
  const { at } = report ?? {}
  if (report === undefined || at === undefined || report.unreachable !== undefined) return []
  return workerFields.flatMap((field) =>
    (report.consumers[field]?.topics ?? []).map(({ topic, lag }) => ({
      labels: { system, worker: workerNames[field], topic },
      value: lag,
      at,
    })),
  )
}
