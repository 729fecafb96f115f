import { controllerOf, describe, managedFieldsOf } from '../kube/object.ts'
import type { KubeObject, OwnerReference } from '../kube/object.ts'
import { ApplyError } from './apply-error.ts'

/** Owner of everything applied: an object with a uid, that is, one that exists. */
export type Owner = KubeObject & { readonly metadata: { readonly uid: string } }

/** The controller reference that makes the garbage collector delete an object with its owner. */
export const ownerReferenceOf = ({ apiVersion, kind, metadata: { name, uid } }: Owner): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
})

/** A predecessor in deletion is gone within seconds; its deletion also wakes the reconcile. */
const DYING_RETRY_MS = 5000

/**
 * Refuses to write to an object that is not the owner's. `labelled` says that it carries our label, which an object without any
 * controller needs to count as ours: then it lost its owner reference, and applying restores it.
 * @throws ApplyError `TDC_APPLY_OWNED_BY_OTHER`, or `TDC_APPLY_UNAVAILABLE` while a predecessor is being deleted.
 */
export const refuseOthers = (desired: KubeObject, existing: KubeObject, owner: Owner, labelled: boolean): void => {
  const controller = controllerOf(existing)
  const ours = controller === undefined ? labelled : controller.uid === owner.metadata.uid
  const orphan = controller !== undefined && !ours && isFormerSelf(controller, owner)
  if (orphan || (ours && existing.metadata.deletionTimestamp !== undefined)) {
    throw new ApplyError({
      code: 'TDC_APPLY_UNAVAILABLE',
      object: desired,
      message: orphan ? `is still owned by a deleted ${owner.kind} of the same name` : 'is being deleted',
      retryAfterMs: DYING_RETRY_MS,
    })
  }
  if (ours) return
  const other = controller === undefined ? managerOf(existing) : `${controller.kind} ${controller.name}`
  throw new ApplyError({
    code: 'TDC_APPLY_OWNED_BY_OTHER',
    object: desired,
    message: `exists and belongs to ${other}; it was not touched. Delete or rename it, or rename ${describe(owner)}`,
    others: [other],
  })
}

/** The owner was deleted and created again: the garbage collector removes what the former one owned. */
const isFormerSelf = (controller: OwnerReference, owner: Owner): boolean =>
  controller.kind === owner.kind && controller.name === owner.metadata.name

const managerOf = (object: KubeObject): string =>
  object.metadata.labels?.['app.kubernetes.io/managed-by'] ?? managedFieldsOf(object)[0]?.manager ?? 'somebody else'
