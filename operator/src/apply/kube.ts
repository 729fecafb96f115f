import type { KubeObject, ObjectRef } from '../kube/object.ts'
import type { KubeClient } from '../kube/client.ts'
import type { ResourceKind } from '../kube/kinds.ts'

/** The part of an informer that applying needs; every Informer of runtime has it. */
export interface LiveCache {
  readonly kind: ResourceKind
  get: (ref: ObjectRef) => KubeObject | undefined
  ownedBy: (uid: string) => readonly KubeObject[]
  whole: (object: KubeObject) => KubeObject
  observe: (written: KubeObject) => void
  observeDeleted: (deleted: KubeObject) => void
}

/** `Apply`: kept equal to what is desired. `CreateOnce`: created when absent, then never written again (Secrets, Jobs). */
export type ApplyPolicy = 'Apply' | 'CreateOnce'

/** One object to bring about. */
export interface ApplyItem {
  readonly object: KubeObject
  readonly policy?: ApplyPolicy | undefined
}

/** Why an object could not be applied. */
export type ApplyErrorCode =
  /** An object of that name exists and belongs to somebody else; it was not touched. */
  | 'TDC_APPLY_OWNED_BY_OTHER'
  /** Another field manager keeps changing what we apply; writing is backed off. */
  | 'TDC_APPLY_CONTESTED'
  /** The API server refused the object (422, 400): the desired object is wrong or changes an immutable field. */
  | 'TDC_APPLY_INVALID'
  /** Not allowed (403), quota exceeded or the namespace is being deleted. */
  | 'TDC_APPLY_FORBIDDEN'
  /** The kind is not installed (404 on the collection), e.g. Dapr's CRDs are missing. */
  | 'TDC_APPLY_KIND_MISSING'
  /** No answer, 429, 5xx: worth another try. */
  | 'TDC_APPLY_UNAVAILABLE'

/** An object that could not be applied; others of the same call were. */
export class ApplyError extends Error {
  override readonly name = 'ApplyError'
  readonly code: ApplyErrorCode
  /** The object in question. */
  readonly object: KubeObject
  /** The other owner or field managers by name, for the codes that have one. */
  readonly others: readonly string[]
  /** Earliest useful next try, in ms. */
  readonly retryAfterMs: number | undefined
  constructor(fields: {
    code: ApplyErrorCode
    object: KubeObject
    message: string
    others?: readonly string[]
    retryAfterMs?: number | undefined
    cause?: unknown
  }) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = fields.code
    this.object = fields.object
    this.others = fields.others ?? []
    this.retryAfterMs = fields.retryAfterMs
  }
}

/** What happened to one object. `live` is the newest version known. */
export type ApplyResult =
  | {
      readonly action: 'unchanged' | 'created' | 'configured' | 'kept'
      readonly item: ApplyItem
      readonly live: KubeObject
    }
  | { readonly action: 'failed'; readonly item: ApplyItem; readonly error: ApplyError }

/** Owner of everything applied: must have apiVersion, kind, name and uid. */
export type Owner = KubeObject & { readonly metadata: { readonly uid: string } }

/** Brings objects about. One per operator: it remembers writes for fight detection. */
export interface Applier {
  /**
   * Applies all items concurrently and reports on each; rejects only when the signal aborts. Sets the owner reference
   * (controller) and the hash annotation itself. Objects that already hold what is desired cost no request.
   */
  applyObjects: (input: {
    owner: Owner
    items: readonly ApplyItem[]
    signal: AbortSignal
  }) => Promise<readonly ApplyResult[]>
  /**
   * Deletes what the owner owns of the given kinds and what `keep` refuses (usually: not desired and not held by a closed gate).
   * Uid preconditions guard namesakes. Returns the objects whose deletion was requested.
   */
  pruneObjects: (input: {
    owner: Owner
    kinds: readonly ResourceKind[]
    keep: (object: KubeObject) => boolean
    signal: AbortSignal
  }) => Promise<readonly KubeObject[]>
}

/** What an applier needs. */
export interface ApplierDependencies {
  readonly client: KubeClient
  /** The informer of a kind; every kind that is applied or pruned must have one. */
  readonly cacheOf: (kind: ResourceKind) => LiveCache | undefined
  /** Name in managedFields, and value of the managed-by label that marks objects as ours. */
  readonly fieldManager: string
  /** Key of the hash annotation. */
  readonly hashAnnotation: string
  /** Milliseconds; for the windows of fight detection. */
  readonly now: () => number
}

/** Makes the applier; implementation follows. */
export declare const createApplier: (dependencies: ApplierDependencies) => Applier
