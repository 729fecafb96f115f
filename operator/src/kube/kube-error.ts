import { z } from 'zod'

/** One cause inside a Status (`details.causes`). */
export interface StatusCause {
  readonly reason?: string | undefined
  readonly message?: string | undefined
  readonly field?: string | undefined
}

/** `metav1.Status`, as far as it is read: the body of error answers and of ERROR events in a watch. */
const statusSchema = z.object({
  kind: z.literal('Status'),
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .object({
      retryAfterSeconds: z.number().optional(),
      causes: z
        .array(
          z.object({ reason: z.string().optional(), message: z.string().optional(), field: z.string().optional() }),
        )
        .optional(),
    })
    .optional(),
})

/**
 * An answer of the API server that is not a success, or no answer at all (`status` 0, reason `Unreachable`, `Timeout`,
 * `Malformed`). It holds no headers and no body, because those may carry tokens and Secrets, and its message is short.
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
    causes?: readonly StatusCause[] | undefined
    retryAfterMs?: number | undefined
    cause?: unknown
  }) {
    super(redact(fields.message), fields.cause === undefined ? undefined : { cause: fields.cause })
    this.status = fields.status
    this.reason = fields.reason
    this.causes = fields.causes ?? []
    this.retryAfterMs = fields.retryAfterMs
  }
}

const MAX_MESSAGE = 1024

/** Bearer tokens and JWTs never belong into a message; validation errors of large objects are cut. */
const redact = (message: string): string => {
  const clean = message
    .replace(/Bearer\s+[\w.~+/=-]+/gi, 'Bearer [redacted]')
    .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[redacted]')
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE)}…` : clean
}

/** The error of a Status object, which also arrives inside a 200 response as an ERROR event of a watch. */
export const errorOfStatus = (status: unknown, where: string, fallbackCode = 500): KubeError => {
  const parsed = statusSchema.safeParse(status)
  if (!parsed.success) {
    return new KubeError({ status: fallbackCode, reason: 'Unknown', message: `${where}: HTTP ${fallbackCode}` })
  }
  const { code = fallbackCode, reason = 'Unknown', message = '', details } = parsed.data
  return new KubeError({
    status: code,
    reason,
    message: `${where}: ${message === '' ? reason : message}`,
    causes: details?.causes,
    retryAfterMs: details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1000,
  })
}

/** The error of an HTTP answer: the Status in the body, the Retry-After header (seconds), or just the code. */
export const errorOfResponse = (
  method: string,
  path: string,
  code: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
): KubeError => {
  let status: unknown
  try {
    status = JSON.parse(body)
  } catch {
    status = undefined // Proxies in between answer with HTML or nothing; the code says enough.
  }
  const error = errorOfStatus(status, `${method} ${path}`, code)
  const seconds = Number(headers['retry-after'])
  if (headers['retry-after'] === undefined || !Number.isFinite(seconds)) return error
  return new KubeError({ ...pick(error), retryAfterMs: Math.max(seconds * 1000, error.retryAfterMs ?? 0) })
}

const pick = ({ status, reason, message, causes }: KubeError) => ({ status, reason, message, causes })

/** True when the same request may succeed later without anybody changing anything: no answer, 408, 429 and 5xx. */
export const isTransient = (error: unknown): boolean =>
  error instanceof KubeError &&
  (error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500)

/** True for the given machine-readable reason. */
export const hasReason = (error: unknown, reason: string): error is KubeError =>
  error instanceof KubeError && error.reason === reason

/** The object, or its kind, is not there (404). */
export const isNotFound = (error: unknown): error is KubeError => error instanceof KubeError && error.status === 404

/** The resource version asked for is no longer kept (410 Gone, reason Expired): list anew. */
export const isExpired = (error: unknown): error is KubeError =>
  error instanceof KubeError && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone')
