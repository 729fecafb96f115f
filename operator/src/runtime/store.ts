import type { KubeObject, ObjectRef } from '../kube/object.ts'

/** What an informer knows of one kind. Objects are shared and must not be changed; they carry no managedFields. */
export interface Store {
  /** The newest version known: from the watch, or from our own last write while the watch has not caught up with it. */
  get: (ref: ObjectRef) => KubeObject | undefined
  /** Objects with an owner reference to this uid. */
  ownedBy: (uid: string) => readonly KubeObject[]
  inNamespace: (namespace: string) => readonly KubeObject[]
  list: () => readonly KubeObject[]
  readonly size: number
  /**
   * The object with all fields that the informer keeps, for comparing. In stores that pack, what `get` returns has only
   * apiVersion, kind, metadata and status; the rest is held as text and parsed by this call.
   */
  whole: (object: KubeObject) => KubeObject
  /** Read-after-write: shows the answer of a write until the watch has delivered that version or a later one. */
  observe: (written: KubeObject) => void
  /** Read-after-write for deletions: hides the object with this uid until the watch has seen it go. */
  observeDeleted: (deleted: KubeObject) => void
}
