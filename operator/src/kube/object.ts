/**
 * The shape of any Kubernetes object as the operator sees it: plain JSON, as the API server sends it. Nothing is decoded into
 * classes, so unknown fields survive a round trip and timestamps stay strings (typed serializers of client libraries drop both).
 */

/** One entry of `metadata.ownerReferences`; the garbage collector follows `uid`. */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** One entry of `metadata.managedFields` (server-side apply); present only on objects read with a direct GET. */
export interface ManagedFieldsEntry {
  readonly manager?: string
  readonly operation?: 'Apply' | 'Update'
  readonly subresource?: string
  readonly time?: string
  readonly fieldsV1?: Readonly<Record<string, unknown>>
}

/** `metadata` of an object. All properties but the name are optional because desired objects carry only what they want to own. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  /** RFC 3339, seconds. */
  readonly creationTimestamp?: string
  /** RFC 3339; set once deletion has been requested and finalizers or graceful termination still hold the object. */
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
  readonly [field: string]: unknown
}

/** Any Kubernetes object. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** Name of an object within its kind; `namespace` is absent for cluster-scoped kinds. */
export interface ObjectRef {
  readonly namespace?: string | undefined
  readonly name: string
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of stores and queues. */
export const keyOf = ({ namespace, name }: ObjectRef): string =>
  namespace === undefined ? name : `${namespace}/${name}`

/** Inverse of {@link keyOf}. */
export const refOf = (key: string): ObjectRef => {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** `metadata.managedFields`; empty for objects out of a store, which drops them. */
export const managedFieldsOf = (object: KubeObject): readonly ManagedFieldsEntry[] =>
  Array.isArray(object.metadata['managedFields']) ? (object.metadata['managedFields'] as ManagedFieldsEntry[]) : []

/** The owner reference with `controller: true`, of which Kubernetes allows at most one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true)

/** `Kind namespace/name`, the way messages and events name an object. */
export const describe = (object: KubeObject): string => `${object.kind} ${keyOf(object.metadata)}`
