import type { KubeObject, ObjectRef } from './object.ts'
import type { ResourceKind } from './kinds.ts'

/** Options of every call. */
export interface CallOptions {
  /** Ends the call early; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Overall limit in ms, retries after 401 and 429 included. Default 30 000. */
  readonly timeoutMs?: number
  /** Sent on a connection of its own, before whatever waits for one of the shared ones. */
  readonly urgent?: boolean
}

/** Options of calls that write; `fieldManager` names the writer in managedFields. */
export interface WriteOptions extends CallOptions {
  readonly fieldManager: string
  /** `status` writes only the status subresource. */
  readonly subresource?: 'status' | undefined
}

/** Selection of a list or watch. */
export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Ask for PartialObjectMetadata: apiVersion, kind and metadata only. */
  readonly metadataOnly?: boolean | undefined
}

/** Options of {@link KubeClient.list}, which is always a consistent read. */
export interface ListOptions extends Selection, CallOptions {
  /** Page size. */
  readonly limit?: number
  readonly continueToken?: string | undefined
}

/** One page of a list. */
export interface KubeList {
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
  readonly continueToken: string | undefined
}

/** What to guard a deletion with. */
export interface DeleteOptions extends CallOptions {
  /** Delete only the object with this uid (409 otherwise): a namesake created meanwhile survives. */
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  /** Default Background: dependents are collected after the object. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
}

/** Calls on single objects. Every method rejects with KubeError when the API server answers with an error status. */
export interface KubeClient {
  get: (kind: ResourceKind, ref: ObjectRef, options?: CallOptions) => Promise<KubeObject>
  list: (kind: ResourceKind, options?: ListOptions) => Promise<KubeList>
  /** POST; rejects with reason AlreadyExists when the name is taken. */
  create: (object: KubeObject, options: WriteOptions) => Promise<KubeObject>
  /** PUT; needs metadata.resourceVersion for optimistic locking, rejects with reason Conflict when it is old. */
  replace: (object: KubeObject, options: WriteOptions) => Promise<KubeObject>
  /**
   * Server-side apply; `created` is true when the object did not exist (HTTP 201). Without `force` (default true), fields that
   * another manager holds with another value are a conflict (409), and nothing is written.
   */
  apply: (
    object: KubeObject,
    options: WriteOptions & { readonly force?: boolean },
  ) => Promise<{ object: KubeObject; created: boolean }>
  /** JSON merge patch (RFC 7396): null removes a key. */
  patch: (kind: ResourceKind, ref: ObjectRef, patch: object, options: WriteOptions) => Promise<KubeObject>
  /** Resolves to the object while finalizers hold it, and to undefined when it is gone or was not there. */
  delete: (kind: ResourceKind, ref: ObjectRef, options?: DeleteOptions) => Promise<KubeObject | undefined>
}
