/** The volume with the archives of a system: made when it is first needed, and owned by the system only while the policy is to delete it. */
import { manager } from '../../api/v1alpha1/labels.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Informer } from '../../runtime/informer.ts'

/** What keeping a claim needs. */
export interface ClaimTools {
  readonly client: KubeClient
  readonly informers: { readonly PersistentVolumeClaim: Pick<Informer, 'get' | 'observe'> }
}

/** Makes the claim when it does not exist, whoever made it first; an existing one keeps its size and class. */
export async function ensureClaim(
  { client, informers }: ClaimTools,
  claim: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  if (informers.PersistentVolumeClaim.get(claim.metadata) !== undefined) return
  const made = await client.create(claim, { fieldManager: manager, signal }).catch(async (error: unknown) => {
    if (!hasReason(error, 'AlreadyExists')) throw error
    return client.get(kinds.PersistentVolumeClaim, claim.metadata, { signal })
  })
  informers.PersistentVolumeClaim.observe(made)
}

/** Makes an existing claim go with its system or stay behind, as the policy says now. Writes only when that changed. */
export async function alignClaim(
  { client, informers }: ClaimTools,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const live = informers.PersistentVolumeClaim.get(metadata)
  if (live === undefined || live.metadata.deletionTimestamp !== undefined) return
  const uids = (object: KubeObject['metadata']): string =>
    (object.ownerReferences ?? []).map(({ uid }) => uid).join(' ')
  if (uids(live.metadata) === uids(metadata)) return
  // A merge patch replaces the whole list; the version makes sure that it is the one we have seen.
  const patch = {
    metadata: { resourceVersion: live.metadata.resourceVersion, ownerReferences: metadata.ownerReferences ?? [] },
  }
  try {
    informers.PersistentVolumeClaim.observe(
      await client.patch(kinds.PersistentVolumeClaim, metadata, patch, { fieldManager: manager, signal }),
    )
  } catch (error) {
    // Somebody was faster, or it is gone: the change wakes us again.
    if (!isNotFound(error) && !hasReason(error, 'Conflict')) throw error
  }
}
