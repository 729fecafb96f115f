import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'

/** One thing that is wrong with the input: where (a dotted path), what, and what is allowed. */
export interface InputError {
  readonly path: string
  readonly message: string
}

/** Every `code` a response may carry, with its HTTP status; clients branch on the code, people read the detail. */
export const problemCatalogue = {
  INVALID_INPUT: 400,
  MALFORMED_JSON: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL: 500,
  DEPENDENCY_UNAVAILABLE: 503,
} as const

/** A code of {@link problemCatalogue}. */
export type ProblemCode = keyof typeof problemCatalogue

/** What goes over the wire (RFC 9457) as `application/problem+json`. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  readonly errors?: readonly InputError[]
  readonly correlationId?: string
}

/** Thrown by routes to answer with a problem; `detail` is meant for the caller and says what is allowed or what to do. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly code: ProblemCode
  readonly status: number
  readonly errors: readonly InputError[] | undefined
  /** Extra response headers, e.g. `retry-after`, `www-authenticate`. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    extra: { errors?: readonly InputError[]; headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, extra.cause === undefined ? {} : { cause: extra.cause })
    this.code = code
    this.status = problemCatalogue[code]
    this.errors = extra.errors
    this.headers = extra.headers ?? {}
  }

  /** The response body; `correlationId` lets a caller name the request in a report. */
  body(correlationId?: string): ProblemBody {
    return {
      type: `https://todochatbot.dev/problems/${this.code.toLowerCase().replaceAll('_', '-')}`,
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      ...(correlationId === undefined ? {} : { correlationId }),
    }
  }
}

/** Zod's issues as paths and sentences; an unknown field is reported at its own path. */
export const inputErrors = (error: z.ZodError, root = ''): InputError[] =>
  error.issues.flatMap((issue) => {
    const path = [root, ...issue.path.map(String)].filter((part) => part !== '').join('.')
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
    return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, message: 'is not a known field' }))
  })

/**
 * Parses input at the boundary or throws INVALID_INPUT naming every field that is wrong. `where` is the part of the
 * request, e.g. `query`; leave it empty for the body.
 */
export const parseInput = <T extends z.ZodType>(schema: T, value: unknown, where = ''): z.output<T> => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = inputErrors(result.error, where)
  const first = errors[0]
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  throw new HttpProblem('INVALID_INPUT', `${first?.path || 'the request'}: ${first?.message ?? 'is invalid'}${more}`, {
    errors,
  })
}
