/**
 * What scales a worker by load: a HorizontalPodAutoscaler, or a ScaledObject where KEDA is installed and lag is a target. Never both: KEDA
 * makes a HorizontalPodAutoscaler of its own from a ScaledObject, and two of them on one Deployment undo each other's work.
 */
import { parseDuration } from '../api/v1alpha1/durations.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import type { Autoscaling } from '../api/v1alpha1/schema/scaling.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { consumers } from './consumers.ts'
import { lagMetric } from './external-metrics.ts'
import { kafkaCluster, type KafkaCluster } from './kafka-cluster.ts'
import { owned, type Json } from './object.ts'
import { decideReplicas } from './replicas.ts'
import type { Desire, DesiredObject, DesireInput, Stage } from './types.ts'

interface Scaled {
  readonly field: WorkerField
  readonly autoscaling: Autoscaling
  readonly bounds: { readonly min: number; readonly max: number }
  /** Somebody scaled the worker to nothing, and nobody but a person brings it back. */
  readonly rests: boolean
}

/** The autoscalers of all workers that have one; an isolated worker has none. */
export const autoscalers: Desire = (input) =>
  workerFields.flatMap((field) => {
    const { autoscaling } = input.bot.spec.services[field]
    const { autoscaler: bounds, by } = decideReplicas(input, field)
    if (autoscaling === undefined || bounds === undefined) return []
    const scaled = { field, autoscaling, bounds, rests: by === 'Hand' }
    return input.facts.scale.keda && lagTarget(input, scaled) !== undefined
      ? keda(input, scaled)
      : [horizontalPodAutoscaler(input, scaled)]
  })

const stageOf = (field: WorkerField): Stage => (field === 'chatApi' ? 'ChatApi' : 'Consumers')

/** targetLag and what it counts, for a worker that consumes. */
const lagTarget = ({ bot }: DesireInput, { field, autoscaling: { targetLag } }: Scaled) => {
  const consumer = consumers(bot).find(({ worker }) => worker === field)
  return consumer === undefined || targetLag === undefined ? undefined : { ...consumer, targetLag }
}

const behavior = ({ autoscaling }: Scaled): Json => ({
  scaleDown: { stabilizationWindowSeconds: Math.round(parseDuration(autoscaling.scaleDownAfter) / 1000) },
})

const horizontalPodAutoscaler = (input: DesireInput, scaled: Scaled): DesiredObject => {
  const { field, autoscaling, bounds } = scaled
  const system = input.bot.metadata.name
  const worker = workerNames[field]
  const name = names.worker(system, worker)
  const lag = lagTarget(input, scaled)
  const metrics = [
    ...resourceMetrics(worker, { cpu: autoscaling.targetCPU, memory: autoscaling.targetMemory }),
    ...(lag === undefined
      ? []
      : [
          {
            type: 'External',
            external: {
              metric: { name: lagMetric, selector: { matchLabels: { system, worker } } },
              target: { type: 'AverageValue', averageValue: String(lag.targetLag) },
            },
          },
        ]),
  ]
  return owned(input, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    name,
    app: worker,
    component: 'worker',
    stage: stageOf(field),
    body: {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: bounds.min,
        maxReplicas: bounds.max,
        metrics,
        behavior: behavior(scaled),
      },
    },
  })
}

/** Of the worker's own container: what its sidecar uses must not count as load. */
const resourceMetrics = (container: string, targets: Readonly<Record<string, number | undefined>>): Json[] =>
  Object.entries(targets).flatMap(([name, averageUtilization]) =>
    averageUtilization === undefined
      ? []
      : [
          {
            type: 'ContainerResource',
            containerResource: { container, name, target: { type: 'Utilization', averageUtilization } },
          },
        ],
  )

/** Name of the HorizontalPodAutoscaler that KEDA makes of the ScaledObject of this name. */
export const kedaAutoscaler = (name: string): string => `keda-hpa-${name}`

/** KEDA starts a worker that has no pods; an autoscaler of Kubernetes rests by itself. */
const resting = { 'autoscaling.keda.sh/paused': 'true' }

/** A ScaledObject, and what it needs to log in to Kafka. */
const keda = (input: DesireInput, scaled: Scaled): DesiredObject[] => {
  const { field, autoscaling, bounds, rests } = scaled
  const worker = workerNames[field]
  const name = names.worker(input.bot.metadata.name, worker)
  const cluster = kafkaCluster(input.bot)
  const secrets = kedaSecrets(cluster)
  const common = {
    name,
    app: worker,
    component: 'worker',
    stage: stageOf(field),
    apiVersion: 'keda.sh/v1alpha1',
  } as const
  const lag = lagTarget(input, scaled)
  const kafkaTriggers = (lag?.topics ?? []).map((topic) => ({
    type: 'kafka',
    metadata: {
      bootstrapServers: cluster.brokers.join(','),
      consumerGroup: lag?.group,
      topic,
      lagThreshold: String(lag?.targetLag),
      offsetResetPolicy: 'earliest',
      ...kedaLogin(cluster),
    },
    ...(secrets.length === 0 ? {} : { authenticationRef: { name } }),
  }))
  const resourceTriggers = Object.entries({ cpu: autoscaling.targetCPU, memory: autoscaling.targetMemory }).flatMap(
    ([type, value]) =>
      value === undefined
        ? []
        : [{ type, metricType: 'Utilization', metadata: { value: String(value), containerName: worker } }],
  )
  return [
    ...(secrets.length === 0
      ? []
      : [owned(input, { ...common, kind: 'TriggerAuthentication', body: { spec: { secretTargetRef: secrets } } })]),
    owned(input, {
      ...common,
      kind: 'ScaledObject',
      ...(rests ? { annotations: resting } : {}),
      body: {
        spec: {
          scaleTargetRef: { name },
          minReplicaCount: bounds.min,
          maxReplicaCount: bounds.max,
          advanced: { horizontalPodAutoscalerConfig: { behavior: behavior(scaled) } },
          triggers: [...kafkaTriggers, ...resourceTriggers],
        },
      },
    }),
  ]
}

/** KEDA's names of the SASL mechanisms (keda.sh/docs, Apache Kafka scaler). */
const mechanisms = { PLAIN: 'plaintext', 'SCRAM-SHA-256': 'scram_sha256', 'SCRAM-SHA-512': 'scram_sha512' } as const

const kedaLogin = ({ sasl, tls }: KafkaCluster): Json => ({
  ...(sasl === undefined ? {} : { sasl: mechanisms[sasl.mechanism] }),
  ...(tls === undefined ? {} : { tls: 'enable' }),
})

const kedaSecrets = ({ sasl, tls }: KafkaCluster): Json[] =>
  Object.entries({ username: sasl?.username, password: sasl?.password, ca: tls?.ca }).flatMap(([parameter, secret]) =>
    secret === undefined ? [] : [{ parameter, name: secret.name, key: secret.key }],
  )
