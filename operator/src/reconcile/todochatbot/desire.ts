/** The second verb: what should exist, and which of it may be touched now. Pure but for creating the generated Secrets it depends on. */
import type { Applier } from '../../apply/kube.ts'
import type { Owner } from '../../apply/ownership.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { desire, desireSecrets, migrationJobName } from '../../desired/index.ts'
import { oncePer } from '../../desired/once-per.ts'
import { referencedSecrets } from '../../desired/secret-references.ts'
import type { DesiredObject, Facts } from '../../desired/types.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Finding } from '../errors.ts'
import { failureOf } from './apply.ts'
import type { Informers } from './informers.ts'
import { factsFrom, type Seen, type Sources } from './observe.ts'
import type { KnownSecret } from './secret-reader.ts'
import type { Rollout } from './status/sections.ts'

/** What should exist. */
export interface Desired {
  readonly objects: readonly DesiredObject[]
  readonly facts: Facts
  readonly jobName: string
  /** Generated Secrets that could not be created: nothing that mounts them may be written yet. */
  readonly failures: readonly Finding[]
}

/** Builds every object for these facts. */
export function desiredOf(seen: Seen, facts: Facts = seen.facts): Desired {
  return { objects: desire(seen.bot, facts), facts, jobName: migrationJobName(seen.bot, facts), failures: [] }
}

/**
 * Creates generated Secrets that are missing before anything else is built, because the hash of their content is part of the pods that mount
 * them: built the other way round, every first start would be followed by a restart.
 */
export async function generateSecrets(
  sources: Pick<Sources, 'secrets' | 'operatorVersion' | 'images'>,
  applier: Applier,
  seen: Seen,
  signal: AbortSignal,
): Promise<Desired> {
  if (seen.ungenerated.length === 0) return desiredOf(seen)
  const items = desireSecrets(seen.bot, seen.facts).filter(({ object }) =>
    seen.ungenerated.includes(object.metadata.name),
  )
  const results = await applier.applyObjects({ owner: ownerOf(seen), items, signal })
  const failures = results.filter((result) => result.action === 'failed').map(({ error }) => failureOf(error))
  if (failures.length > 0) return { ...desiredOf(seen), failures }
  const { namespace } = seen.bot.metadata
  const known = await Promise.all(
    referencedSecrets(seen.bot).map(async ({ name }) => {
      const ref = { namespace, name }
      const secret =
        sources.secrets.known(ref) ??
        (await sources.secrets.read(ref, { owner: seen.key, token: '', maxAge: 0 }, signal))
      return secret === undefined ? [] : [[name, secret] as const]
    }),
  )
  return desiredOf(seen, factsFrom(sources, new Map<string, KnownSecret>(known.flat()), seen.facts))
}

/** The resource as owner of what is applied. */
export function ownerOf({ resource, bot }: Seen): Owner {
  return { ...resource, metadata: { ...resource.metadata, uid: bot.metadata.uid } }
}

/** What the Deployments of the workers hold now. */
export function rolloutsOf(
  { informers }: { readonly informers: Informers },
  { bot }: Seen,
): Readonly<Partial<Record<WorkerField, Rollout>>> {
  const { name: system, namespace } = bot.metadata
  return Object.fromEntries(
    workerFields.flatMap((field) => {
      const name = names.worker(system, workerNames[field])
      const live = informers.Deployment.get({ namespace, name })
      return live === undefined ? [] : [[field, liveRollout(live, informers.Deployment)]]
    }),
  )
}

/** chat-api does not exist yet, or is about to change its version or image. */
export function chatApiIsNew(desired: Desired, live: Readonly<Partial<Record<WorkerField, Rollout>>>): boolean {
  const wanted = desired.objects.find(({ stage, object }) => stage === 'ChatApi' && object.kind === 'Deployment')
  if (wanted === undefined || live.chatApi === undefined) return true
  const { version, image } = rolloutOf(wanted.object)
  return live.chatApi.version !== version || live.chatApi.image !== image
}

/** Version this desired state is of. */
export function versionOf({ objects }: Desired, fallback: string): string {
  return objects[0]?.object.metadata.labels?.[label.version] ?? fallback
}

/** Informers hold a Deployment packed, and unpacking it twice per reconcile would cost more than the rest of a look. */
const liveRollout = oncePer((live: KubeObject, { whole }: Pick<Informers['Deployment'], 'whole'>): Rollout =>
  rolloutOf(whole(live)),
)

function rolloutOf(deployment: KubeObject): Rollout {
  const spec = (deployment['spec'] ?? {}) as {
    template?: { spec?: { containers?: { name: string; image?: string }[] } }
  }
  const worker = deployment.metadata.labels?.[label.name]
  const container = spec.template?.spec?.containers?.find(({ name }) => name === worker)
  return { version: deployment.metadata.labels?.[label.version] ?? '', image: container?.image ?? '' }
}
