/**
 * What every one-shot Job is made of: a ServiceAccount, a ConfigMap with config.json and the Job with its one pod, the Job last, so that once it
 * exists the rest does. The pod finds config.json and the keys of Secrets it was given as files, and nothing else of the system. Pure.
 */
import { parseDuration } from '../api/v1alpha1/durations.ts'
import type { KubeObject, OwnerReference } from '../api/v1alpha1/kubernetes.ts'
import { imageOf } from './image.ts'
import type { MountedSecret } from './job-secrets.ts'
import type { Json } from './object.ts'
import { containerPort, containerSecurity, paths, podBase, scratchVolume, secretMode } from './pod.ts'
import type { DesireInput } from './types.ts'

/** Port on which a pod says how far it is; workers/lib/progress-server.ts has the same. */
export const progressPort = 8081

/** The pod of a Job. */
export interface JobPod {
  /** Name of the container. */
  readonly container: string
  readonly image: 'backup' | 'workers'
  readonly command: readonly string[]
  readonly env?: readonly Json[]
  /** Whether it answers GET /progress on {@link progressPort}. */
  readonly progress?: boolean
  readonly resources: Json
  /** Seconds between SIGTERM and SIGKILL. */
  readonly gracePeriod: number
  readonly secrets: readonly MountedSecret[]
  /** The volume it reads from or writes to. */
  readonly volume?: { readonly name: string; readonly claim: string; readonly folder: string; readonly readOnly?: true }
  /** Most that /tmp may hold, as a quantity. */
  readonly scratch: string
  /** Whether it may ask the API server, with the rights of its ServiceAccount. */
  readonly apiToken?: true
}

/** A Job and what it needs. */
export interface JobDraft {
  /** Of the ServiceAccount and the ConfigMap. */
  readonly name: string
  /** Of the Job, when it is another one. */
  readonly jobName?: string
  readonly labels: Readonly<Record<string, string>>
  /** Absent: the owner is added by whoever applies it. */
  readonly ownerReferences?: readonly OwnerReference[]
  /** config.json */
  readonly config: unknown
  /** Pods that may fail before the Job does. */
  readonly retries: number
  /** Seconds after which the Job is ended. */
  readonly deadline: number
  readonly podFailurePolicy?: Json
  readonly pod: JobPod
}

/** The objects in the order of writing: ServiceAccount, ConfigMap, Job. */
export const jobObjects = (
  input: DesireInput,
  draft: JobDraft,
): readonly [account: KubeObject, config: KubeObject, job: KubeObject] => {
  const { name, jobName = name, labels, ownerReferences, config, retries, deadline, podFailurePolicy, pod } = draft
  const { namespace } = input.bot.metadata
  const object = (apiVersion: string, kind: string, as: string, body: Json): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: as, namespace, labels, ...(ownerReferences === undefined ? {} : { ownerReferences }) },
    ...body,
  })
  return [
    object('v1', 'ServiceAccount', name, { automountServiceAccountToken: false }),
    object('v1', 'ConfigMap', name, { data: { 'config.json': JSON.stringify(config, undefined, 2) } }),
    object('batch/v1', 'Job', jobName, {
      spec: {
        backoffLimit: retries,
        activeDeadlineSeconds: deadline,
        ttlSecondsAfterFinished: Math.floor(parseDuration(input.bot.spec.maintenance.cleanup.finishedJobs) / 1000),
        ...(podFailurePolicy === undefined ? {} : { podFailurePolicy }),
        template: template(input, { name, labels, pod }),
      },
    }),
  ]
}

const template = (input: DesireInput, { name, labels, pod }: Pick<JobDraft, 'name' | 'labels' | 'pod'>): Json => {
  const { volume } = pod
  const readOnly = volume?.readOnly === undefined ? {} : { readOnly: true }
  const secrets = pod.secrets.map((secret, index) => ({ ...secret, volume: `secret-${index}` }))
  return {
    metadata: { labels },
    spec: {
      ...podBase(input, name),
      ...(pod.apiToken === undefined ? {} : { automountServiceAccountToken: true }),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: pod.gracePeriod,
      containers: [
        {
          name: pod.container,
          ...imageOf(input, pod.image),
          terminationMessagePolicy: 'FallbackToLogsOnError',
          command: pod.command,
          ...(pod.env === undefined ? {} : { env: pod.env }),
          ...(pod.progress === true ? { ports: [containerPort('progress', progressPort)] } : {}),
          resources: pod.resources,
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'config', mountPath: paths.config, readOnly: true },
            ...secrets.map((secret) => ({
              name: secret.volume,
              mountPath: `${paths.secrets}/${secret.name}`,
              readOnly: true,
            })),
            ...(volume === undefined ? [] : [{ name: volume.name, mountPath: volume.folder, ...readOnly }]),
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name } },
        ...secrets.map(({ name: secretName, keys, optional, volume: as }) => ({
          name: as,
          secret: {
            secretName,
            ...(optional ? { optional } : {}),
            defaultMode: secretMode,
            ...(keys === undefined ? {} : { items: keys.map((key) => ({ key, path: key })) }),
          },
        })),
        ...(volume === undefined
          ? []
          : [{ name: volume.name, persistentVolumeClaim: { claimName: volume.claim, ...readOnly } }]),
        scratchVolume('tmp', pod.scratch),
      ],
    },
  }
}
