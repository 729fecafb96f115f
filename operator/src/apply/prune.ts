import type { KubeClient } from '../kube/client.ts'
import type { ResourceKind } from '../kube/kinds.ts'
import { hasReason } from '../kube/kube-error.ts'
import { controllerOf } from '../kube/object.ts'
import type { KubeObject } from '../kube/object.ts'
import { applyErrorOf } from './apply-error.ts'
import type { ApplyError } from './apply-error.ts'
import type { LiveCache } from './kube.ts'
import type { Owner } from './ownership.ts'

/** What pruning needs. */
export interface PruneDependencies {
  readonly client: KubeClient
  readonly cacheOf: (kind: ResourceKind) => LiveCache | undefined
}

/** What to prune. */
export interface PruneInput {
  readonly owner: Owner
  /** Explicit, so that a new kind is never pruned by accident. */
  readonly kinds: readonly ResourceKind[]
  readonly keep: (object: KubeObject) => boolean
  readonly signal: AbortSignal
}

/** What pruning did. */
export interface PruneResult {
  /** Objects whose deletion was requested. */
  readonly deleted: readonly KubeObject[]
  readonly failed: readonly ApplyError[]
}

/**
 * Deletes what the owner controls, carries our label (informers see nothing else) and `keep` refuses: usually what is neither
 * desired nor held by a closed gate. The uid as precondition lets a namesake that was created meanwhile live.
 */
export const pruneObjects = async ({ client, cacheOf }: PruneDependencies, input: PruneInput): Promise<PruneResult> => {
  const { owner, signal } = input
  const failed: ApplyError[] = []
  const deleted: KubeObject[] = []

  const remove = async (kind: ResourceKind, cache: LiveCache, object: KubeObject): Promise<void> => {
    try {
      const remains = await client.delete(kind, object.metadata, { uid: object.metadata.uid, signal })
      if (remains?.metadata.deletionTimestamp !== undefined) cache.observe(remains)
      else cache.observeDeleted(object)
      deleted.push(object)
    } catch (error) {
      signal.throwIfAborted()
      // The uid no longer fits: somebody else deleted and created it again. The watch brings the new one.
      if (!hasReason(error, 'Conflict')) failed.push(applyErrorOf(object, error))
    }
  }

  await Promise.all(
    input.kinds.flatMap((kind) => {
      const cache = cacheOf(kind)
      if (cache === undefined) throw new TypeError(`kind ${kind.kind} has no informer, it cannot be pruned`)
      return cache
        .ownedBy(owner.metadata.uid)
        .filter((object) => controllerOf(object)?.uid === owner.metadata.uid)
        .filter((object) => object.metadata.deletionTimestamp === undefined && !input.keep(object))
        .map((object) => remove(kind, cache, object))
    }),
  )
  return { deleted, failed }
}
