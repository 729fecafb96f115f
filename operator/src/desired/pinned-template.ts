/** A Deployment that keeps a pod template of the past instead of the one its spec leads to: while it waits for its turn, and after a rollback. */
import { annotation, label } from '../api/v1alpha1/labels.ts'
import type { Json } from './object.ts'
import { withHash } from './object.ts'
import type { DesiredObject } from './types.ts'

/** A pod template, built here or read from a Deployment or ReplicaSet. */
export interface PodTemplate {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: Json
}

/** Label the Deployment controller adds to the templates of its ReplicaSets. */
export const podTemplateHash = 'pod-template-hash'

/** A template as we would have written it: without what the Deployment controller, `kubectl rollout restart` and the remediation added. */
export const ownTemplate = ({ metadata, spec }: PodTemplate): PodTemplate => ({
  metadata: {
    labels: without(metadata.labels, podTemplateHash),
    annotations: without(metadata.annotations, annotation.kubectlRestartedAt, annotation.remediation),
  },
  spec,
})

/** Annotations of a Deployment that say which template it holds, so that nobody has to unpack it for that. */
export const templateIdentity = ({ metadata, spec }: PodTemplate): Record<string, string> => {
  const hash = metadata.annotations?.[annotation.templateHash]
  const config = configOf(spec)
  return {
    ...(hash === undefined ? {} : { [annotation.templateHash]: hash }),
    ...(config === undefined ? {} : { [annotation.config]: config }),
  }
}

/** The Deployment with another template; its labels and annotations tell of that one. */
export const pinTemplate = (desired: DesiredObject, template: PodTemplate): DesiredObject => {
  const { metadata, ...rest } = desired.object
  const version = template.metadata.labels?.[label.version]
  const replicas = metadata.annotations?.[annotation.replicas]
  const asked = replicas === undefined ? {} : { [annotation.replicas]: replicas }
  return withHash({
    ...desired,
    object: {
      ...rest,
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, ...(version === undefined ? {} : { [label.version]: version }) },
        annotations: { ...asked, ...templateIdentity(template) },
      },
      spec: { ...(rest['spec'] as Json), template },
    },
  })
}

const configOf = (spec: Json): string | undefined => {
  const volumes = (spec['volumes'] ?? []) as readonly {
    readonly name: string
    readonly projected?: { readonly sources?: readonly { readonly configMap?: { readonly name?: string } }[] }
  }[]
  return volumes.find(({ name }) => name === 'config')?.projected?.sources?.[0]?.configMap?.name
}

const without = (record: Readonly<Record<string, string>> | undefined, ...keys: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(record ?? {}).filter(([name]) => !keys.includes(name)))
