/** The composition root: builds the operator from its configuration, with the parts that tests replace passed in. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { annotation, manager } from './api/v1alpha1/labels.ts'
import { group } from './api/v1alpha1/todochatbot.ts'
import { createApplier, type Applier } from './apply/kube.ts'
import { backupController } from './backups.ts'
import type { Config } from './config.ts'
import { incidentController } from './incidents.ts'
import { createKubeClient } from './kube/http-client.ts'
import { kinds } from './kube/kinds.ts'
import { keyOf, type ObjectRef } from './kube/object.ts'
import type { Transport } from './kube/transport.ts'
import { externalMetrics } from './reconcile/external-metrics/index.ts'
import { lagValues } from './reconcile/external-metrics/lag-values.ts'
import { fenceOf } from './reconcile/restore/fence.ts'
import { whenReady } from './reconcile/todochatbot/controller.ts'
import type { EventReason } from './reconcile/todochatbot/events.ts'
import { cachesOf, informerOptions, informersAs, type Informers } from './reconcile/todochatbot/informers.ts'
import { kedaWatch } from './reconcile/todochatbot/keda.ts'
import { secretReader } from './reconcile/todochatbot/secret-reader.ts'
import { replayController } from './replays.ts'
import { restoreController } from './restores.ts'
import { createEventRecorder } from './runtime/events.ts'
import { healthRoutes, httpRunnable, metricsRoutes } from './runtime/health.ts'
import { createInformer } from './runtime/informer.ts'
import { acquireLeadership } from './runtime/leader-election.ts'
import { leaderRunnable } from './runtime/leader-runnable.ts'
import { runGroups, type Runnable } from './runtime/manager.ts'
import type { Metrics } from './runtime/metrics.ts'
import { untilStopped } from './runtime/until-stopped.ts'
import { systemController } from './systems.ts'

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
  const now = (): number => performance.now()
  const secrets = secretReader({ client, now })
  const events = createEventRecorder<EventReason>({
    client,
    controller: `${group}/operator`,
    instance: config.podName,
    logger,
  })

  const leading = { now: false }
  const fence = ({ namespace = '', name }: ObjectRef): string | undefined => {
    const uid = informers.TodoChatbot.get({ namespace, name })?.metadata.uid ?? ''
    const found = fenceOf({ metadata: { name, uid } }, informers.Restore.inNamespace(namespace))
    return found === undefined ? undefined : `Restore/${found.restore}`
  }
  const asController = (name: string): { readonly informers: Informers; readonly applier: Applier } => {
    const seen = informersAs(informers, name)
    const cacheOf = cachesOf(seen, secrets)
    const applier = createApplier({ client, cacheOf, fieldManager: manager, hashAnnotation: annotation.hash, now })
    return { informers: seen, applier }
  }
  const parts = { client, metrics, logger }
  const systems = systemController({
    ...parts,
    ...asController('todochatbot'),
    ...{ name: 'todochatbot', config, version, transport, secrets, fence, events, wallClock },
    leading: () => leading.now,
  })
  const oneShot = { ...parts, operatorVersion: version, images: config.images, now: wallClock, record: events.record }
  const incidents = incidentController({ ...oneShot, ...asController('incident') })
  const replays = replayController({ ...oneShot, ...asController('replay') })
  const restores = restoreController({ ...oneShot, ...asController('restore') })
  const backups = backupController({ ...oneShot, ...asController('backup'), fence, leading: () => leading.now })

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
                lagValues(metadata.name, systems.kafkaReport(keyOf(metadata))),
              ),
            now: wallClock,
          }),
        ]
  const keda = kedaWatch({
    client,
    informers,
    namespaces: config.watchNamespaces,
    arrived: () => {
      for (const { metadata } of informers.TodoChatbot.list()) systems.enqueue(metadata)
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
          untilStopped(
            'leading',
            () => Promise.resolve(),
            () => {
              leading.now = true
              return Promise.resolve()
            },
          ),
          ...systems.runnables,
          ...metricsApi,
          { name: 'events', run: events.run },
          { name: 'incident', run: incidents.run },
          { name: 'restore', run: restores.run },
          { name: 'replay', run: replays.run },
          { name: 'backup', run: backups.run },
          untilStopped('backup progress', () => backups.stop()),
        ],
      },
    ],
    { signal, logger },
  )
}
