/** One cause inside a Status (`details.causes`). */
export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** `metav1.Status` as the API server sends it with an error. */
export interface KubeStatus {
  readonly kind?: string
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: {
    readonly retryAfterSeconds?: number
    readonly causes?: readonly StatusCause[]
    readonly [key: string]: unknown
  }
}

/**
 * An answer of the API server that is not a success, or no answer at all (`status` 0, reason `Unreachable` or `Timeout`).
 * It holds no request or response headers and no body: those may carry tokens and Secrets.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** Machine-readable reason of the Status, such as `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Invalid`. */
  readonly reason: string
  readonly causes: readonly StatusCause[]
  /** What the server asked for, in ms. */
  readonly retryAfterMs: number | undefined

  constructor(fields: {
    status: number
    reason: string
    message: string
    causes?: readonly StatusCause[]
    retryAfterMs?: number | undefined
    cause?: unknown
  }) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.status = fields.status
    this.reason = fields.reason
    this.causes = fields.causes ?? []
    this.retryAfterMs = fields.retryAfterMs
  }
}

/** True when the same request may succeed later without anybody changing anything: no answer, 408, 429 and 5xx. */
export const isTransient = (error: unknown): boolean =>
  error instanceof KubeError &&
  (error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500)

/** True for the given machine-readable reason. */
export const hasReason = (error: unknown, reason: string): error is KubeError =>
  error instanceof KubeError && error.reason === reason

/** The object is not there (404). */
export const isNotFound = (error: unknown): error is KubeError => error instanceof KubeError && error.status === 404
