import { claimLabels, label, selectorFor } from '../api/v1alpha1/labels.ts'
import { dependencyPorts, names } from '../api/v1alpha1/names.ts'
import type { DependencyName } from '../api/v1alpha1/names.ts'
import type { Resources, Storage } from '../api/v1alpha1/schema/resources.ts'
import { canonicalQuantity } from '../api/v1alpha1/quantities.ts'
import { imageOf } from './image.ts'
import { owned } from './object.ts'
import type { Json } from './object.ts'
import { containerPort, containerSecurity, podBase, scratchVolume } from './pod.ts'
import { secretsHash } from './secrets-hash.ts'
import type { DesiredObject, DesireInput } from './types.ts'

/** What is particular about one Embedded dependency. */
export interface Dependency {
  readonly name: DependencyName
  /** Where its data lives. */
  readonly dataPath: string
  readonly storage: Storage
  readonly deletionPolicy: 'Retain' | 'Delete'
  readonly resources: Resources
  readonly args?: readonly string[]
  readonly env: readonly Json[]
  readonly probes: { readonly startupProbe: Json; readonly readinessProbe: Json; readonly livenessProbe: Json }
  readonly gracePeriodSeconds: number
  /** Secrets read at start; a changed one rolls the pod. */
  readonly secrets: readonly string[]
  /** Extra volumes with the path each is mounted at. */
  readonly volumes: readonly {
    readonly volume: Json & { readonly name: string }
    readonly mountPath: string
    readonly readOnly?: boolean
  }[]
}

/** Without the version of the workers: a new one is no reason to restart PostgreSQL, Kafka and Redis. */
const podLabels = (system: string, name: DependencyName): Record<string, string> => ({
  ...claimLabels(system, name),
  [label.component]: 'dependency',
})

/** The API server drops empty maps; wanting one would look like drift for ever. */
const whenFilled = (key: string, value: Readonly<Record<string, string>>): Json =>
  Object.keys(value).length === 0 ? {} : { [key]: value }

/**
 * A StatefulSet of one pod with one volume. Claim templates and selector hold nothing that ever changes, because the API server refuses
 * changes there. The claim stays when the resource is deleted unless the policy says Delete.
 */
export const statefulSet = (input: DesireInput, dependency: Dependency): DesiredObject => {
  const system = input.bot.metadata.name
  const name = names.dependency(system, dependency.name)
  const { size, storageClassName } = dependency.storage
  const selector = selectorFor(system, dependency.name)
  const { image, imagePullPolicy } = imageOf(input, dependency.name)
  return owned(input, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name,
    app: dependency.name,
    component: 'dependency',
    stage: 'Dependencies',
    body: {
      spec: {
        replicas: 1,
        serviceName: name,
        // OrderedReady would wait for ever for a pod that cannot start, even after its template was corrected
        // ("forced rollback" in the StatefulSet documentation); Parallel replaces it. With one replica there is no order to keep.
        podManagementPolicy: 'Parallel',
        revisionHistoryLimit: 3,
        selector: { matchLabels: selector },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: dependency.deletionPolicy, whenScaled: 'Retain' },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data', labels: claimLabels(system, dependency.name) },
            spec: {
              accessModes: ['ReadWriteOnce'],
              resources: { requests: { storage: canonicalQuantity(size) } },
              ...(storageClassName === undefined ? {} : { storageClassName }),
            },
          },
        ],
        template: {
          metadata: {
            labels: podLabels(system, dependency.name),
            ...whenFilled('annotations', secretsHash(input.facts, dependency.secrets)),
          },
          spec: {
            ...podBase(input, name),
            terminationGracePeriodSeconds: dependency.gracePeriodSeconds,
            containers: [
              {
                name: dependency.name,
                image,
                imagePullPolicy,
                terminationMessagePolicy: 'FallbackToLogsOnError',
                ...(dependency.args === undefined ? {} : { args: dependency.args }),
                ...(dependency.env.length === 0 ? {} : { env: dependency.env }),
                ports: [containerPort(dependency.name, dependencyPorts[dependency.name])],
                resources: dependency.resources,
                securityContext: containerSecurity,
                ...dependency.probes,
                volumeMounts: [
                  { name: 'data', mountPath: dependency.dataPath },
                  { name: 'tmp', mountPath: '/tmp' },
                  ...dependency.volumes.map(({ volume, mountPath, readOnly }) => ({
                    name: volume.name,
                    mountPath,
                    ...(readOnly === true ? { readOnly } : {}),
                  })),
                ],
              },
            ],
            volumes: [scratchVolume('tmp', '64Mi'), ...dependency.volumes.map(({ volume }) => volume)],
          },
        },
      },
    },
  })
}
