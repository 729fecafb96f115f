import { quantityValue } from '../api/v1alpha1/quantities.ts'
import { dependencyHost } from './dependencies.ts'
import { kafkaClusterId } from './hash.ts'
import { probe } from './pod.ts'
import { statefulSet } from './stateful-set.ts'
import type { Desire } from './types.ts'

/** Half of the container's memory: the other half is page cache, direct memory and the JVM itself. */
const heapOf = (memoryLimit: string): string => `${String(Math.floor(quantityValue(memoryLimit) / 2 / 1024 ** 2))}m`

/**
 * One KRaft broker. It opens its port only when it has caught up with its own metadata log, so an open port means that it serves; whether
 * topics can be created is asked through the admin API before anything depends on it (condition KafkaReady).
 */
export const kafka: Desire = (input) => {
  const { metadata, spec } = input.bot
  const { mode, storage, resources, deletionPolicy } = spec.kafka
  if (mode !== 'Embedded') return []
  const memory = resources.limits?.memory ?? '768Mi'
  const open = { tcpSocket: { port: 'kafka' } }
  return [
    statefulSet(input, {
      name: 'kafka',
      dataPath: '/var/lib/kafka',
      storage,
      deletionPolicy,
      resources,
      env: [
        { name: 'KAFKA_CLUSTER_ID', value: kafkaClusterId(`${metadata.namespace}/${metadata.name}`) },
        { name: 'KAFKA_ADVERTISED_HOST', value: dependencyHost(input.bot, 'kafka') },
        { name: 'KAFKA_HEAP', value: heapOf(memory) },
      ],
      probes: {
        startupProbe: probe(open, 1, 180),
        readinessProbe: probe(open, 2, 3),
        livenessProbe: probe(open, 10, 6, 5),
      },
      gracePeriodSeconds: 60,
      secrets: [],
      volumes: [],
    }),
  ]
}
