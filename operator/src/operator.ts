/** The composition root: builds the operator from its configuration, with the parts that tests replace passed in. */
import { randomUUID } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import type { Logger } from 'pino'
import { annotation, label, manager } from './api/v1alpha1/labels.ts'
import { group } from './api/v1alpha1/todochatbot.ts'
import { clusterLookup } from './apply/cluster-dns.ts'
import { kafkaAdmin } from './apply/kafka-admin.ts'
import { createApplier } from './apply/kube.ts'
import { topicKeeper, topicKeeperDefaults } from './apply/topic-keeper.ts'
import { backupController } from './backups.ts'
import type { Config } from './config.ts'
import { createKubeClient } from './kube/http-client.ts'
import { kinds, type ResourceKind } from './kube/kinds.ts'
import { keyOf, refOf, type ObjectRef } from './kube/object.ts'
import type { Transport } from './kube/transport.ts'
import { wakeIncidents } from './reconcile/incident/controller.ts'
import { incidentReconciler } from './reconcile/incident/reconcile.ts'
import { promptStatuses } from './reconcile/one-shot/statuses.ts'
import { podWatch } from './reconcile/pods/pod-watch.ts'
import { askSidecar } from './reconcile/pods/sidecar-metadata.ts'
import { askWorkerHealth } from './reconcile/pods/worker-health.ts'
import { externalMetrics } from './reconcile/external-metrics/index.ts'
import { lagValues } from './reconcile/external-metrics/lag-values.ts'
import { kafkaMetrics } from './reconcile/kafka/kafka-metrics.ts'
import { kafkaWatch, kafkaWatchDefaults } from './reconcile/kafka/kafka-watch.ts'
import { templateReader } from './reconcile/rollout/replica-sets.ts'
import { topicClaims } from './reconcile/todochatbot/claims.ts'
import { wakeOnChange, wakeWhenDaprArrives, whenReady } from './reconcile/todochatbot/controller.ts'
import type { EventReason } from './reconcile/todochatbot/events.ts'
import { remediationMetrics } from './reconcile/todochatbot/remediation/metrics.ts'
import { fenceOf } from './reconcile/restore/fence.ts'
import { informerOptions, slimPod, type Informers } from './reconcile/todochatbot/informers.ts'
import { kedaWatch } from './reconcile/todochatbot/keda.ts'
import { todoChatbotReconciler } from './reconcile/todochatbot/reconcile.ts'
import { secretReader } from './reconcile/todochatbot/secret-reader.ts'
import { temporaryMetrics } from './reconcile/todochatbot/temporary-metrics.ts'
import { statusWriter } from './reconcile/todochatbot/status-writer.ts'
import { stepsOf } from './reconcile/todochatbot/status/steps.ts'
import { systemMetrics } from './reconcile/todochatbot/system-metrics.ts'
import { replayController } from './replays.ts'
import { restoreController } from './restores.ts'
import { daprPodKind, routineChecks } from './routine-checks.ts'
import { createController } from './runtime/controller.ts'
import { createEventRecorder } from './runtime/events.ts'
import { healthRoutes, httpRunnable, metricsRoutes } from './runtime/health.ts'
import { createInformer } from './runtime/informer.ts'
import { acquireLeadership } from './runtime/leader-election.ts'
import { leaderRunnable } from './runtime/leader-runnable.ts'
import { runGroups, type Runnable } from './runtime/manager.ts'
import type { Metrics } from './runtime/metrics.ts'
import { untilStopped } from './runtime/until-stopped.ts'

/** What the operator is built from. */
export interface OperatorParts {
  readonly config: Config
  readonly version: string
  readonly transport: Transport
  readonly metrics: Metrics
  readonly logger: Logger
  /** ms since the epoch: what deadlines, ends and times in a status are reckoned by. */
  readonly wallClock: () => number
}

/** Runs the operator until the signal aborts, then stops in order and gives the lease back. Rejects when a part fails for good. */
export async function runOperator(
  { config, version, transport, metrics, logger, wallClock }: OperatorParts,
  signal: AbortSignal,
): Promise<void> {
  const client = createKubeClient(transport)
  const options = informerOptions(config.watchNamespaces)
  const informers = Object.fromEntries(
    Object.entries(options).map(([kind, option]) => [
      kind,
      createInformer(option, { transport, client, metrics, logger }),
    ]),
  ) as unknown as Informers
  const secrets = secretReader({ client, now: () => performance.now() })
  const caches = new Map<string, Informers[keyof Informers] | typeof secrets>([
    ...Object.entries(informers),
    ['Secret', secrets],
    ['NetworkPolicy', labelledOnly(informers.NetworkPolicy)],
  ])
  const cacheOf = ({ kind }: ResourceKind): Informers[keyof Informers] | typeof secrets | undefined => caches.get(kind)
  const observe: Informers['TodoChatbot']['observe'] = (written) => informers.TodoChatbot.observe(written)
  const events = createEventRecorder<EventReason>({
    client,
    controller: `${group}/operator`,
    instance: config.podName,
    logger,
  })

  const controller = createController(
    {
      name: 'todochatbot',
      reconcile: (request, context) => reconcile(request, context),
      concurrency: config.concurrency,
    },
    { metrics, logger },
  )
  const onChange = (key: string): void => controller.enqueue(refOf(key))
  const withAdmin = kafkaAdmin({
    clientId: manager,
    deadline: 10_000,
    log: (level, message, detail) => logger[level](detail, message),
    ...lookupOf(config),
  })
  const topics = topicKeeper({
    ...topicKeeperDefaults,
    withAdmin,
    onChange,
    checkPeriod: config.topicCheckPeriod,
    now: () => performance.now(),
    log: (level, message, detail) => logger[level](detail, message),
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
  const leading = { now: false }
  const systems = systemMetrics({
    registry: metrics.registry,
    systems: () => (leading.now ? informers.TodoChatbot.list() : []),
  })
  const daprPods = createInformer(
    { kind: daprPodKind, namespaces: [config.daprNamespace], transform: slimPod, tuning: { backoff: patientBackoff } },
    { transport, client, metrics, logger },
  )
  const { lookup } = lookupOf(config)
  const checks = routineChecks({
    client,
    informers,
    secrets,
    daprPods,
    daprNamespace: config.daprNamespace,
    withAdmin,
    lookup,
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
  const fence = ({ namespace = '', name }: ObjectRef): string | undefined => {
    const uid = informers.TodoChatbot.get({ namespace, name })?.metadata.uid ?? ''
    const found = fenceOf({ metadata: { name, uid } }, informers.Restore.inNamespace(namespace))
    return found === undefined ? undefined : `Restore/${found.restore}`
  }
  const now = (): number => performance.now()
  const statuses = statusWriter({
    client,
    fieldManager: manager,
    observe,
    now,
    stepsOf,
    interval: 1_000,
    settle: 3_000,
    progressInterval: 30_000,
  })
  const applier = createApplier({ client, cacheOf, fieldManager: manager, hashAnnotation: annotation.hash, now })
  const reconcile = todoChatbotReconciler({
    informers,
    secrets,
    topics,
    kafka,
    sidecars,
    health,
    checks,
    claims,
    statuses,
    client,
    observe,
    applier,
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

  const wakeSystem = (system: ObjectRef): void => controller.enqueue(system)
  const oneShot = {
    ...{ informers, client, applier, operatorVersion: version, images: config.images, now: wallClock },
    record: events.record,
  }
  const watched = { metrics, logger }
  const incidents = createController(
    {
      name: 'incident',
      reconcile: incidentReconciler({
        ...oneShot,
        statuses: promptStatuses(client, informers.Incident),
        fieldManager: manager,
        wakeSystem,
      }),
      concurrency: 4,
    },
    watched,
  )
  wakeIncidents(informers, incidents)
  const replays = replayController({ ...oneShot, ...watched })
  const restores = restoreController({ ...oneShot, ...watched, wakeSystem })
  const backups = backupController({ ...oneShot, ...watched, wakeSystem, fence, leading: () => leading.now })

  const caching: Runnable = {
    name: 'informers',
    run: async (stop) => {
      const always = Object.values(informers).filter(({ kind }) => kind.group !== kinds.ScaledObject.group)
      await Promise.all(always.map((informer) => informer.run(stop)))
    },
    ready: (stop) => whenReady(informers, stop),
  }
  const metricsApi =
    config.externalMetrics === undefined
      ? []
      : [
          externalMetrics({
            client,
            logger,
            service: { namespace: config.namespace, name: config.externalMetrics.service },
            port: config.externalMetrics.port,
            address: config.externalMetrics.address,
            podName: config.podName,
            lagValues: (namespace) =>
              informers.TodoChatbot.inNamespace(namespace).flatMap(({ metadata }) =>
                lagValues(metadata.name, kafka.peek(keyOf(metadata))),
              ),
            now: wallClock,
          }),
        ]
  const keda = kedaWatch({
    client,
    informers,
    namespaces: config.watchNamespaces,
    arrived: () => {
      for (const { metadata } of informers.TodoChatbot.list()) controller.enqueue(metadata)
    },
  })
  const election = leaderRunnable((stop) =>
    acquireLeadership(
      {
        namespace: config.namespace,
        name: config.leaseName,
        identity: `${config.podName}_${randomUUID()}`,
        fieldManager: manager,
      },
      { client, metrics, logger },
      stop,
    ),
  )
  const optional = new Set<string>([kinds.Component.group, kinds.ScaledObject.group])
  const synced = (): void => {
    const waiting = Object.values(informers).filter(({ synced: done, kind }) => !done && !optional.has(kind.group))
    if (waiting.length > 0)
      throw new Error(`waiting for the first list of ${waiting.map(({ kind }) => kind.plural).join(', ')}`)
  }
  await runGroups(
    [
      {
        name: 'http',
        runnables: [
          httpRunnable('metrics', { port: config.metricsPort }, metricsRoutes(metrics.registry)),
          httpRunnable(
            'probes',
            { port: config.probePort },
            healthRoutes({ healthz: {}, readyz: { informers: synced } }),
          ),
        ],
      },
      { name: 'caches', runnables: [caching, keda] },
      { name: 'leadership', runnables: config.leaderElection ? [election] : [] },
      {
        name: 'controllers',
        stopMs: 15_000,
        runnables: [
          untilStopped('topics', () => topics.stop()),
          untilStopped('kafka', () => kafka.stop()),
          untilStopped('sidecars', () => sidecars.stop()),
          untilStopped('health', () => health.stop()),
          untilStopped(
            'checks',
            () => checks.stop(),
            (stop) => {
              leading.now = true
              return daprPods.run(stop)
            },
          ),
          ...metricsApi,
          { name: 'events', run: events.run },
          { name: 'todochatbot', run: controller.run },
          { name: 'incident', run: incidents.run },
          { name: 'restore', run: restores.run },
          { name: 'replay', run: replays.run },
          { name: 'backup', run: backups.run },
          untilStopped('backup progress', () => backups.stop()),
          untilStopped(
            'dapr',
            () => Promise.resolve(),
            (stop) => wakeWhenDaprArrives(informers, controller, stop),
          ),
        ],
      },
    ],
    { signal, logger },
  )
}

/** For what the operator may not be allowed to see: ms. */
const patientBackoff = { baseMs: 1_000, maxMs: 600_000 }

/** For the applier, which takes what it finds in a cache for labelled as ours; this informer also holds what belongs to others. */
const labelledOnly = (informer: Informers['NetworkPolicy']): Informers['NetworkPolicy'] => ({
  ...informer,
  get: (ref) => {
    const found = informer.get(ref)
    return found?.metadata.labels?.[label.managedBy] === manager ? found : undefined
  },
})

const lookupOf = ({ clusterDns }: Config): { readonly lookup?: LookupFunction } =>
  clusterDns === undefined ? {} : { lookup: clusterLookup(clusterDns) }
