import { KubeError, isTransient } from '../kube/kube-error.ts'
import { describe } from '../kube/object.ts'
import type { KubeObject } from '../kube/object.ts'

/** Why an object could not be applied. */
export type ApplyErrorCode =
  /** An object of that name exists and belongs to somebody else; it was not touched. */
  | 'TDC_APPLY_OWNED_BY_OTHER'
  /** Another field manager keeps changing what we apply; writing is backed off. */
  | 'TDC_APPLY_CONTESTED'
  /** The API server refused the object (400, 422): it is wrong or changes an immutable field. */
  | 'TDC_APPLY_INVALID'
  /** Not allowed (401, 403): missing RBAC, exceeded quota, an admission policy. */
  | 'TDC_APPLY_FORBIDDEN'
  /** The namespace is missing or being deleted. */
  | 'TDC_APPLY_NAMESPACE_GONE'
  /** The kind is not installed, e.g. Dapr's CRDs are missing. */
  | 'TDC_APPLY_KIND_MISSING'
  /** No answer, 429, 5xx, or the predecessor is still being deleted: worth another try. */
  | 'TDC_APPLY_UNAVAILABLE'

/** Whether trying again without a change of the object or of the cluster's configuration can help. */
const retryable: Readonly<Record<ApplyErrorCode, boolean>> = {
  TDC_APPLY_OWNED_BY_OTHER: false,
  TDC_APPLY_CONTESTED: true,
  TDC_APPLY_INVALID: false,
  TDC_APPLY_FORBIDDEN: true,
  TDC_APPLY_NAMESPACE_GONE: false,
  TDC_APPLY_KIND_MISSING: true,
  TDC_APPLY_UNAVAILABLE: true,
}

/** An object that could not be applied; others of the same call were. The message names the object and the remedy. */
export class ApplyError extends Error {
  override readonly name = 'ApplyError'
  readonly code: ApplyErrorCode
  /** The object in question. */
  readonly object: KubeObject
  /** The other owner or field managers by name, for the codes that have one. */
  readonly others: readonly string[]
  readonly retryable: boolean
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
    super(`${describe(fields.object)}: ${fields.message}`, fields.cause === undefined ? {} : { cause: fields.cause })
    this.code = fields.code
    this.object = fields.object
    this.others = fields.others ?? []
    this.retryable = retryable[fields.code]
    this.retryAfterMs = fields.retryAfterMs
  }
}

/** What an answer of the API server means for the object that was written. */
export const applyErrorOf = (object: KubeObject, cause: unknown): ApplyError => {
  if (cause instanceof ApplyError) return cause
  if (!(cause instanceof KubeError)) {
    const message = cause instanceof Error ? cause.message : String(cause)
    return new ApplyError({ code: 'TDC_APPLY_UNAVAILABLE', object, message, cause })
  }
  const { retryAfterMs } = cause
  return new ApplyError({ code: codeOf(cause), object, message: cause.message, retryAfterMs, cause })
}

const codeOf = (error: KubeError): ApplyErrorCode => {
  // 409: the object changed while the server merged it, or somebody created it since we looked.
  if (isTransient(error) || error.status === 409) return 'TDC_APPLY_UNAVAILABLE'
  if (error.causes.some(({ reason }) => reason === 'NamespaceTerminating')) return 'TDC_APPLY_NAMESPACE_GONE'
  if (error.status === 401 || error.status === 403) return 'TDC_APPLY_FORBIDDEN'
  if (error.status !== 404) return 'TDC_APPLY_INVALID'
  // An apply creates what is missing: 404 means that the namespace or the kind is missing. Only the former has a Status with a name.
  return /namespaces? "/.test(error.message) ? 'TDC_APPLY_NAMESPACE_GONE' : 'TDC_APPLY_KIND_MISSING'
}
