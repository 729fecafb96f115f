/** Puts the controller of TodoChatbots together: what it watches in the background, its status writer, what wakes it. */
import type { Logger } from 'pino'
import { label, manager } from './api/v1alpha1/labels.ts'
import { group } from './api/v1alpha1/todochatbot.ts'
import { clusterLookup } from './apply/cluster-dns.ts'
import { kafkaAdmin } from './apply/kafka-admin.ts'
import { topicKeeper, topicKeeperDefaults } from './apply/topic-keeper.ts'
import type { Config } from './config.ts'
import { keyOf, refOf, type ObjectRef } from './kube/object.ts'
import type { Transport } from './kube/transport.ts'
import { kafkaMetrics } from './reconcile/kafka/kafka-metrics.ts'
import { kafkaWatch, kafkaWatchDefaults, type KafkaWatch } from './reconcile/kafka/kafka-watch.ts'
import { podWatch } from './reconcile/pods/pod-watch.ts'
import { askSidecar } from './reconcile/pods/sidecar-metadata.ts'
import { askWorkerHealth } from './reconcile/pods/worker-health.ts'
import { templateReader } from './reconcile/rollout/replica-sets.ts'
import { topicClaims } from './reconcile/todochatbot/claims.ts'
import { wakeOnChange, wakeWhenDaprArrives } from './reconcile/todochatbot/controller.ts'
import type { EventReason } from './reconcile/todochatbot/events.ts'
import { slimPod } from './reconcile/todochatbot/informers.ts'
import { todoChatbotReconciler, type Dependencies } from './reconcile/todochatbot/reconcile.ts'
import { remediationMetrics } from './reconcile/todochatbot/remediation/metrics.ts'
import { statusWriter } from './reconcile/todochatbot/status-writer.ts'
import { stepsOf } from './reconcile/todochatbot/status/steps.ts'
import { systemMetrics } from './reconcile/todochatbot/system-metrics.ts'
import { temporaryMetrics } from './reconcile/todochatbot/temporary-metrics.ts'
import { daprPodKind, routineChecks } from './routine-checks.ts'
import { createController, type Controller } from './runtime/controller.ts'
import type { EventRecorder } from './runtime/events.ts'
import { createInformer } from './runtime/informer.ts'
import type { Runnable } from './runtime/manager.ts'
import type { Metrics } from './runtime/metrics.ts'
import { untilStopped } from './runtime/until-stopped.ts'

/** What the controller is built from; informers and applier as it sees them itself. */
export interface SystemParts extends Pick<Dependencies, 'informers' | 'applier' | 'secrets' | 'client' | 'fence'> {
  readonly name: string
  readonly config: Config
  readonly version: string
  readonly transport: Transport
  readonly events: EventRecorder<EventReason>
  /** Whether this process leads: only the leader's metrics count. */
  readonly leading: () => boolean
  readonly metrics: Metrics
  readonly logger: Logger
  /** ms since the epoch. */
  readonly wallClock: () => number
}

/** The controller of systems. */
export interface Systems {
  readonly enqueue: (system: ObjectRef) => void
  /** What the last look at a system's Kafka found, by the key of the system. */
  readonly kafkaReport: KafkaWatch['peek']
  /** To be run while this process leads. */
  readonly runnables: readonly Runnable[]
}

/** For what the operator may not be allowed to see: ms. */
const patientBackoff = { baseMs: 1_000, maxMs: 600_000 }

/** Makes the controller and connects it to the informers; nothing runs before its runnables do. */
export function systemController(parts: SystemParts): Systems {
  const { name, config, version, transport, client, informers, applier, secrets, fence, events, leading } = parts
  const { metrics, logger, wallClock } = parts
  const now = (): number => performance.now()
  const controller: Controller = createController(
    {
      name,
      reconcile: (request, context) => reconcile(request, context),
      concurrency: config.concurrency,
    },
    { metrics, logger },
  )
  const onChange = (key: string): void => controller.enqueue(refOf(key))
  const log = (level: 'debug' | 'info' | 'warn', message: string, detail: object): void =>
    logger[level](detail, message)
  const resolver = config.clusterDns === undefined ? {} : { lookup: clusterLookup(config.clusterDns) }
  const withAdmin = kafkaAdmin({ clientId: manager, deadline: 10_000, log, ...resolver })
  const topics = topicKeeper({
    ...topicKeeperDefaults,
    withAdmin,
    onChange,
    checkPeriod: config.topicCheckPeriod,
    now,
    log,
  })
  const asking = { onChange, period: config.sidecarCheckPeriod, retry: 1_000, parallel: 16 }
  const sidecars = podWatch({ ask: askSidecar(2_000), ...asking })
  const health = podWatch({ ask: askWorkerHealth(2_000), ...asking })
  const kafka = kafkaWatch({
    ...kafkaWatchDefaults,
    withAdmin,
    onChange,
    onLook: kafkaMetrics(metrics.registry),
    period: config.kafkaWatchPeriod,
    now: wallClock,
  })
  const templates = templateReader(client, ({ metadata }) =>
    keyOf({ ...metadata, name: metadata.labels?.[label.instance] ?? '' }),
  )
  const systems = systemMetrics({
    registry: metrics.registry,
    systems: () => (leading() ? informers.TodoChatbot.list() : []),
  })
  const daprPods = createInformer(
    { kind: daprPodKind, namespaces: [config.daprNamespace], transform: slimPod, tuning: { backoff: patientBackoff } },
    { transport, client, metrics, logger },
  )
  const checks = routineChecks({
    client,
    informers,
    secrets,
    daprPods,
    daprNamespace: config.daprNamespace,
    withAdmin,
    lookup: resolver.lookup,
    controller: `${group}/operator`,
    onChange,
    onRound: systems.ran,
    onDeleted: ({ observed: { seen } }, objects) => {
      const note = `Deleted what is not needed any more: ${objects.join(', ')}`
      events.record(seen.resource, { type: 'Normal', reason: 'CleanedUp', action: 'CleanUp', note })
    },
    spread: config.checksSpread,
  })
  const claims = topicClaims()
  const statuses = statusWriter({
    client,
    fieldManager: manager,
    observe: informers.TodoChatbot.observe,
    now,
    stepsOf,
    interval: 1_000,
    settle: 3_000,
    progressInterval: 30_000,
  })
  const reconcile = todoChatbotReconciler({
    informers,
    applier,
    secrets,
    topics,
    kafka,
    sidecars,
    health,
    checks,
    claims,
    statuses,
    client,
    templates,
    fieldManager: manager,
    now: wallClock,
    operatorVersion: version,
    images: config.images,
    resyncPeriod: config.resyncPeriod,
    record: events.record,
    fence,
    countRemediations: remediationMetrics(metrics.registry),
    forget: (key) => {
      topics.release(key)
      kafka.release(key)
      sidecars.release(key)
      health.release(key)
      checks.release(key)
      systems.forget(key)
      statuses.forget(key)
      templates.forget(key)
    },
  })
  temporaryMetrics(metrics.registry, informers.TodoChatbot, wallClock)
  wakeOnChange({ informers, claims, secrets }, controller)

  const parked = (part: string, { stop }: { readonly stop: () => Promise<void> }): Runnable => untilStopped(part, stop)
  return {
    enqueue: (system) => controller.enqueue(system),
    kafkaReport: kafka.peek,
    runnables: [
      parked('topics', topics),
      parked('kafka', kafka),
      parked('sidecars', sidecars),
      parked('health', health),
      untilStopped('checks', checks.stop, daprPods.run),
      { name, run: controller.run },
      untilStopped(
        'dapr',
        () => Promise.resolve(),
        (stop) => wakeWhenDaprArrives(informers, controller, stop),
      ),
    ],
  }
}
