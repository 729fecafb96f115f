import { parseDuration } from '../api/v1alpha1/durations.ts'
import { annotation, labelsFor, selectorFor } from '../api/v1alpha1/labels.ts'
import { names, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import type { TopologySpread } from '../api/v1alpha1/schema/scaling.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import type { Resources } from '../api/v1alpha1/schema/resources.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import { boosted } from './boost.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { imageOf } from './image.ts'
import { owned, versionOf } from './object.ts'
import type { Json } from './object.ts'
import { containerPort, containerSecurity, paths, podBase, probe, scratchVolume, secretMode, podName } from './pod.ts'
import { decideReplicas } from './replicas.ts'
import { databaseReference, externalSecrets } from './secret-references.ts'
import { secretsHash } from './secrets-hash.ts'
import { withRaisedMemory } from './raised-memory.ts'
import { sidecarAnnotations } from './sidecar.ts'
import type { Desire, DesiredObject, DesireInput } from './types.ts'
import type { PodTemplate } from './pinned-template.ts'
import { templateIdentity } from './pinned-template.ts'
import { templateHash } from './template-hash.ts'
import { coldConfig, stateStoreUsers } from './worker-config.ts'

/** Keys of the auth Secret each worker reads: chat-api makes and checks tokens of users, audit checks them and that of machines. */
const authKeys: Readonly<Partial<Record<WorkerField, readonly string[]>>> = {
  chatApi: ['jwtKey'],
  audit: ['jwtKey', 'serviceToken'],
}

/** Leaves room for preStop, the worker's drain (20 s) and the sidecar's. Seconds. */
export const gracePeriodSeconds = 60

/** Time for kube-proxy everywhere to learn that the pod takes no more requests. Seconds. */
const preStopSeconds = 3

/** Restarts an admin asked for, as one text: on the worker, on the resource, or in kubectl's way on the resource. */
const restartsOf = ({ bot }: DesireInput, field: WorkerField): Record<string, string> => {
  const asked = [
    bot.spec.services[field].restartedAt,
    bot.metadata.annotations?.[annotation.restart],
    bot.metadata.annotations?.[annotation.kubectlRestartedAt],
  ].filter((at) => at !== undefined && at !== '')
  return asked.length === 0 ? {} : { [annotation.restartedAt]: asked.join(' ') }
}

const secretSource = (name: string, items: readonly (readonly [key: string, path: string])[]): Json => ({
  secret: { name, items: items.map(([key, path]) => ({ key, path })) },
})

/**
 * Secrets whose content this worker or its sidecar reads at start. The auth Secret is always among them, also for workers that do not mount it:
 * its 32 random bytes keep the annotation from being a way to try passwords of the others.
 */
const secretsOf = ({ bot }: DesireInput, field: WorkerField): readonly string[] => {
  const system = bot.metadata.name
  return [
    databaseReference(bot).name,
    names.authSecret(system),
    names.appTokenSecret(system),
    ...(stateStoreUsers.includes(field) && bot.spec.stateStore.mode === 'Embedded' ? [names.redisSecret(system)] : []),
    ...externalSecrets(bot)
      .filter((secret) => stateStoreUsers.includes(field) || !secret.field?.startsWith('spec.stateStore'))
      .map((secret) => secret.name),
  ]
}

const volumes = (input: DesireInput, field: WorkerField): readonly Json[] => {
  const { bot } = input
  const system = bot.metadata.name
  const database = databaseReference(bot)
  const keys = authKeys[field]
  return [
    {
      name: 'config',
      projected: {
        sources: [
          { configMap: { name: coldConfig(input, field).name } },
          { configMap: { name: names.workerConfig(system, workerNames[field]) } },
        ],
      },
    },
    {
      name: 'secrets',
      projected: {
        defaultMode: secretMode,
        sources: [
          secretSource(database.name, [[database.key, 'databaseUri']]),
          ...(keys === undefined
            ? []
            : [
                secretSource(
                  names.authSecret(system),
                  keys.map((key) => [key, key]),
                ),
              ]),
          ...(subscriptionsOf[field].length === 0
            ? []
            : [secretSource(names.appTokenSecret(system), [['token', 'appToken']])]),
        ],
      },
    },
    scratchVolume('tmp', '64Mi'),
  ]
}

/** What the spec gives, raised by the remediation after OOM kills and by a boost that is in force. */
const resourcesOf = ({ bot, facts }: DesireInput, field: WorkerField): Resources => {
  const { resources, boost } = bot.spec.services[field]
  const raised = withRaisedMemory(resources, facts.active.raisedMemory?.[field])
  return boost !== undefined && facts.active.boost.includes(field) ? boosted(raised, boost) : raised
}

const container = (input: DesireInput, field: WorkerField): Json => {
  const worker = workerNames[field]
  const service = input.bot.spec.services[field]
  const live = { httpGet: { path: '/livez', port: 'http' } }
  return {
    name: worker,
    ...imageOf(input, 'workers', service.image),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    command: ['node', `/app/${worker}.mjs`],
    env: [podName],
    ports: [containerPort('http', workerPorts[field])],
    resources: resourcesOf(input, field),
    securityContext: containerSecurity,
    startupProbe: probe(live, 1, 120),
    livenessProbe: probe(live, 10, 3, 5),
    readinessProbe: probe({ httpGet: { path: '/readyz', port: 'http' } }, 2, 3, 3),
    lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
    volumeMounts: [
      { name: 'config', mountPath: paths.config, readOnly: true },
      { name: 'secrets', mountPath: paths.secrets, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

const leastSpread: TopologySpread = {
  maxSkew: 1,
  topologyKey: 'kubernetes.io/hostname',
  whenUnsatisfiable: 'ScheduleAnyway',
}

/**
 * Pods of one worker are spread over nodes where that is possible; never at the price of not running. Also stated for a single pod: otherwise
 * scaling up would change the template, and restart what runs.
 */
const spread = (selector: Json, asked: TopologySpread = leastSpread): Json => ({
  topologySpreadConstraints: [
    {
      ...asked,
      labelSelector: { matchLabels: selector },
    },
  ],
})

const podTemplate = (input: DesireInput, field: WorkerField): PodTemplate => {
  const system = input.bot.metadata.name
  const { priorityClassName, topologySpread } = input.bot.spec.services[field]
  const worker = workerNames[field]
  const name = names.worker(system, worker)
  const annotations = {
    ...sidecarAnnotations(input, field),
    [annotation.configHash]: coldConfig(input, field).hash,
    ...secretsHash(input.facts, secretsOf(input, field)),
  }
  const metadata = { labels: labelsFor(system, worker, 'worker', versionOf(input)), annotations }
  const spec = {
    ...podBase(input, name),
    terminationGracePeriodSeconds: gracePeriodSeconds,
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...spread(selectorFor(system, worker), topologySpread),
    containers: [container(input, field)],
    volumes: volumes(input, field),
  }
  const restarts = restartsOf(input, field)
  const hash = templateHash({ metadata, spec }, restarts[annotation.restartedAt])
  return {
    metadata: { ...metadata, annotations: { ...annotations, ...restarts, [annotation.templateHash]: hash } },
    spec,
  }
}

const deployment = (input: DesireInput, field: WorkerField): DesiredObject => {
  const system = input.bot.metadata.name
  const worker = workerNames[field]
  const name = names.worker(system, worker)
  const selector = selectorFor(system, worker)
  const { replicas, asked } = decideReplicas(input, field)
  const template = podTemplate(input, field)
  return owned(input, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name,
    app: worker,
    component: 'worker',
    stage: field === 'chatApi' ? 'ChatApi' : 'Consumers',
    annotations: { ...templateIdentity(template), [annotation.replicas]: asked },
    body: {
      spec: {
        ...(replicas === 'unmanaged' ? {} : { replicas }),
        revisionHistoryLimit: 5,
        progressDeadlineSeconds: Math.ceil(parseDuration(input.bot.spec.update.progressDeadline) / 1000),
        ...minReadySeconds(input),
        selector: { matchLabels: selector },
        // A new pod has to be ready before an old one goes: a version that does not start takes nothing down.
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template,
      },
    },
  })
}

/** Kubernetes wants less than the deadline; half of it leaves the pods time to come up. */
const minReadySeconds = ({ bot }: DesireInput): { readonly minReadySeconds?: number } => {
  const { minReady, progressDeadline } = bot.spec.update
  const seconds = Math.floor(Math.min(parseDuration(minReady), parseDuration(progressDeadline) / 2) / 1000)
  return seconds === 0 ? {} : { minReadySeconds: seconds }
}

/** The four workers, consumers before chat-api. */
export const deployments: Desire = (input) => workerFields.map((field) => deployment(input, field))
