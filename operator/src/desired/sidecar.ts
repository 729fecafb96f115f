import { annotation } from '../api/v1alpha1/labels.ts'
import { names, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import { daprComponents } from './dapr-components.ts'
import { daprConfiguration } from './dapr-configuration.ts'
import { daprResiliency } from './dapr-resiliency.ts'
import { daprSubscriptions } from './dapr-subscriptions.ts'
import { contentHash } from './hash.ts'
import { oncePer } from './once-per.ts'
import type { DesiredObject, DesireInput } from './types.ts'

/** How long a sidecar keeps its API open after SIGTERM while its worker drains; it goes on as soon as the worker is gone. */
const blockShutdown = '15s'

/** Drain of a sidecar after that. Seconds. */
const gracefulShutdown = 20

const scopesOf = (object: Readonly<Record<string, unknown>>): readonly string[] | undefined =>
  object['scopes'] as readonly string[] | undefined

/** The Dapr objects of a system: they are desired themselves, and every worker's pods carry the hash of those its sidecar reads. */
export const daprObjects = oncePer((input: DesireInput): readonly DesiredObject[] =>
  [daprConfiguration, daprComponents, daprResiliency, daprSubscriptions].flatMap((desire) => desire(input)),
)

/** What a sidecar of this app reads at start; the pod rolls when it changes, because hot reload is off (dapr-configuration.ts). */
const daprHash = (objects: readonly DesiredObject[], appId: string): string =>
  contentHash(
    objects
      .filter(({ object }) => scopesOf(object)?.includes(appId) ?? true)
      .map(({ object }) => [object.kind, object.metadata.name, object['spec']]),
  )

/** A record without its undefined values. */
const defined = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined))

/**
 * Annotations Dapr's injector reads. The sidecar asks the worker's /readyz: while a worker cannot do its work (PostgreSQL is away), its
 * subscriptions rest and events wait in Kafka instead of using up their retries. Actors and jobs are not used, so no placement and no
 * scheduler is contacted.
 */
export const sidecarAnnotations = (input: DesireInput, field: WorkerField): Record<string, string> => {
  const { metadata, spec } = input.bot
  const appId = names.worker(metadata.name, workerNames[field])
  const { requests, limits } = spec.dapr.sidecarResources
  return defined({
    'dapr.io/enabled': 'true',
    'dapr.io/app-id': appId,
    'dapr.io/app-port': String(workerPorts[field]),
    'dapr.io/app-protocol': 'http',
    'dapr.io/config': names.daprConfiguration(metadata.name),
    'dapr.io/app-token-secret': names.appTokenSecret(metadata.name),
    'dapr.io/log-level': spec.dapr.logLevel,
    'dapr.io/log-as-json': 'true',
    'dapr.io/app-max-concurrency': spec.dapr.appMaxConcurrency?.toString(),
    'dapr.io/enable-app-health-check': 'true',
    'dapr.io/app-health-check-path': '/readyz',
    'dapr.io/app-health-probe-interval': '3',
    'dapr.io/app-health-probe-timeout': '2000',
    'dapr.io/app-health-threshold': '3',
    'dapr.io/block-shutdown-duration': blockShutdown,
    'dapr.io/graceful-shutdown-seconds': String(gracefulShutdown),
    'dapr.io/disable-builtin-k8s-secret-store': 'true',
    'dapr.io/placement-host-address': '',
    'dapr.io/scheduler-host-address': '',
    'dapr.io/sidecar-seccomp-profile-type': 'RuntimeDefault',
    'dapr.io/sidecar-cpu-request': requests?.cpu,
    'dapr.io/sidecar-cpu-limit': limits?.cpu,
    'dapr.io/sidecar-memory-request': requests?.memory,
    'dapr.io/sidecar-memory-limit': limits?.memory,
    [annotation.daprHash]: daprHash(daprObjects(input), appId),
  })
}
