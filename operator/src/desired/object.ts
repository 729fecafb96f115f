import { annotation, labelsFor } from '../api/v1alpha1/labels.ts'
import type { ComponentLabel } from '../api/v1alpha1/labels.ts'
import type { KubeObject, OwnerReference } from '../api/v1alpha1/kubernetes.ts'
import { apiVersion, kind } from '../api/v1alpha1/todochatbot.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { contentHash } from './hash.ts'
import type { DesiredObject, DesireInput, Facts, Stage, WritePolicy } from './types.ts'

/** Plain JSON below `spec`, `data` or `metadata`. */
export type Json = Readonly<Record<string, unknown>>

/** Version the workers run: what the spec names, else the operator's own. */
export const versionOf = ({ bot, facts }: DesireInput): string => bot.spec.version ?? facts.operatorVersion

/** The reference through which the garbage collector removes what a system owns. */
export const ownerReference = (bot: Pick<TodoChatbot, 'metadata'>): OwnerReference => ({
  apiVersion,
  kind,
  name: bot.metadata.name,
  uid: bot.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})

/** What {@link owned} needs beside the system. `app` is the value of app.kubernetes.io/name; `body` is everything beside metadata. */
export interface Draft {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly app: string
  readonly component: ComponentLabel
  readonly stage: Stage
  readonly policy?: WritePolicy
  readonly annotations?: Readonly<Record<string, string>>
  readonly body: Json
}

/** A desired object with namespace, labels and owner. */
export const owned = (
  input: { readonly bot: DesireInput['bot']; readonly facts: Facts },
  draft: Draft,
): DesiredObject => {
  const { bot } = input
  const { name: system, namespace } = bot.metadata
  const object: KubeObject = {
    apiVersion: draft.apiVersion,
    kind: draft.kind,
    metadata: {
      name: draft.name,
      namespace,
      labels: labelsFor(system, draft.app, draft.component, versionOf(input)),
      ...(draft.annotations === undefined ? {} : { annotations: draft.annotations }),
      ownerReferences: [ownerReference(bot)],
    },
    ...draft.body,
  }
  return { stage: draft.stage, policy: draft.policy ?? 'Apply', object }
}

/**
 * Adds the annotation that lets the operator skip objects that are already as desired. Objects that are created once carry none: they are
 * never compared, and the hash of a Secret would be a hint at its content.
 * @param known the hash of this very object, when it was worked out before
 */
export const withHash = (desired: DesiredObject, known?: string): DesiredObject => {
  if (desired.policy === 'CreateOnce') return desired
  const { metadata } = desired.object
  const annotations = { ...metadata.annotations, [annotation.hash]: known ?? contentHash(desired.object) }
  return { ...desired, object: { ...desired.object, metadata: { ...metadata, annotations } } }
}

/** What {@link withHash} added; undefined for objects that carry none. */
export const hashOf = ({ object }: DesiredObject): string | undefined => object.metadata.annotations?.[annotation.hash]
