import { Gauge, type Registry } from 'prom-client'
import { workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import type { KafkaReport } from './kafka-report.ts'

/** Publishes the exact figures of a system's newest look; no report: its series go. @param owner `namespace/name` */
export type PublishKafkaReport = (owner: string, report: KafkaReport | undefined) => void

/** Registers the gauges of consumer lag and dead letters. Series of workers and topics that are no longer there go with the next look. */
export function kafkaMetrics(registry: Registry): PublishKafkaReport {
  const registers = [registry]
  const lag = new Gauge({
    name: 'todochatbot_consumer_lag',
    help: 'Events of a topic that a worker has not taken yet.',
    labelNames: ['namespace', 'system', 'worker', 'topic'],
    registers,
  })
  const deadLetters = new Gauge({
    name: 'todochatbot_dead_letters',
    help: 'Events in a dead-letter topic.',
    labelNames: ['namespace', 'system', 'topic'],
    registers,
  })
  const lookedAt = new Gauge({
    name: 'todochatbot_kafka_last_look_timestamp_seconds',
    help: 'When the brokers of a system last answered; lag and dead letters are of that time.',
    labelNames: ['namespace', 'system'],
    registers,
  })
  const series = new Map<string, Map<string, () => void>>()

  return (owner, report) => {
    const before = series.get(owner) ?? new Map<string, () => void>()
    const now = new Map<string, () => void>()
    const set = <L extends string>(gauge: Gauge<L>, labels: Record<L, string>, value: number): void => {
      gauge.set(labels, value)
      now.set(JSON.stringify(labels), () => gauge.remove(labels))
    }
    if (report?.at !== undefined) {
      const [namespace = '', system = ''] = owner.split('/')
      const labels = { namespace, system }
      set(lookedAt, labels, report.at / 1000)
      for (const field of workerFields)
        for (const { topic, lag: waiting } of report.consumers[field]?.topics ?? [])
          set(lag, { ...labels, worker: workerNames[field], topic }, waiting)
      for (const { topic, count } of report.deadLetters) set(deadLetters, { ...labels, topic }, count)
    }
    for (const [labels, remove] of before) if (!now.has(labels)) remove()
    if (now.size === 0) series.delete(owner)
    else series.set(owner, now)
  }
}
