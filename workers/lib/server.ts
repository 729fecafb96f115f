import { randomUUID } from 'node:crypto'
import { SpanKind } from '@opentelemetry/api'
import { fastify, LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from './http-errors.ts'
import { findUnstorable, jsonDepth } from './json-body.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { StorageError } from './postgres-errors.ts'
import { isCorrelationId, runInContext } from './request-context.ts'
import type { RequestContext } from './request-context.ts'
import { rememberRoutes } from './route-methods.ts'
import type { ActiveSpan, Tracing } from './tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Correlation id and trace context of this request; also what `currentContext()` returns inside it. */
    context: RequestContext
    span: ActiveSpan | undefined
  }
}

/** What every worker's HTTP server needs. */
export interface ServerOptions {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** Largest request body in bytes; default 64 KiB. */
  readonly bodyLimit?: number
  /** Deepest JSON nesting accepted; default 32. */
  readonly maxDepth?: number
}

/** Routes that machines call every few seconds: not traced, and logged at the finest level only. */
const quietRoutes = new Set([
  '/livez',
  '/readyz',
  '/health',
  '/metrics',
  '/v1.0/metrics',
  '/dapr/config',
  '/dapr/subscribe',
])

const clientErrors: Readonly<Record<string, readonly [ConstructorParameters<typeof HttpProblem>[0], string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 'the request body is larger than allowed'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['MALFORMED_JSON', 'the body is empty'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['INVALID_INPUT', 'the body is not as long as Content-Length says'],
}

/** Turns whatever a route threw into a problem; what is not the caller's doing says nothing about the inside. */
const toProblem = (error: unknown, request: FastifyRequest): HttpProblem => {
  if (error instanceof HttpProblem) return error
  const code = (error as Partial<FastifyError>).code ?? ''
  const known = clientErrors[code]
  if (known !== undefined) return new HttpProblem(known[0], known[1])
  if (error instanceof StorageError && error.connectionLost) {
    request.log.warn({ err: error }, 'the database did not answer')
    const headers = { 'retry-after': '2' }
    return new HttpProblem('DEPENDENCY_UNAVAILABLE', 'the database is not reachable, try again', { headers })
  }
  const status = (error as Partial<FastifyError>).statusCode
  if (status !== undefined && status >= 400 && status < 500) {
    return new HttpProblem('INVALID_INPUT', error instanceof Error ? error.message : 'the request is not valid')
  }
  request.log.error({ err: error }, 'request failed')
  return new HttpProblem('INTERNAL', 'something failed here; the correlation id finds it in the logs')
}

const sendProblem = (problem: HttpProblem, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problem.body(request.context.correlationId)))

const statusClass = (status: number): string => `${Math.floor(status / 100)}xx`

/**
 * A Fastify server with what all workers share: correlation ids in and out, trace context, request log and metrics,
 * problem+json for every error, bounded bodies. `close()` stops listening, closes idle connections and waits for the
 * requests under way.
 */
export const createServer = (options: ServerOptions): FastifyInstance => {
  const { metrics, tracing } = options
  const maxDepth = options.maxDepth ?? 32
  const logger: FastifyBaseLogger = options.logger
  const server = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    // The logger adds the ids of the running request itself (logger.ts); a child per request would say them twice.
    childLoggerFactory: (parent) => parent,
    bodyLimit: options.bodyLimit ?? 65_536,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    requestTimeout: 30_000,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, request, reply) => {
      request.context = { requestId: request.id, correlationId: request.id }
      void sendProblem(toProblem(error, request), request, reply)
    },
  })
  const methodsOf = rememberRoutes(server)
  server.decorateRequest('context')
  server.decorateRequest('span')

  server.addHook('onRequest', (request, reply, done) => {
    const given = request.headers['x-correlation-id']
    const correlationId = isCorrelationId(given) ? given : request.id
    void reply.header('x-correlation-id', correlationId)
    const route = request.routeOptions.url ?? 'unknown'
    const parent = request.headers['traceparent']
    if (!quietRoutes.has(route) && !route.startsWith('/events/')) {
      request.span = tracing.start(`${request.method} ${route}`, {
        kind: SpanKind.SERVER,
        parent: typeof parent === 'string' ? parent : undefined,
        attributes: { 'http.request.method': request.method, 'http.route': route },
      })
    }
    const traceparent = request.span?.traceparent
    request.context = { requestId: request.id, correlationId, ...(traceparent === undefined ? {} : { traceparent }) }
    runInContext(request.context, done)
  })
  // The body arrives in the socket's async context, not in the hook's: enter ours again.
  server.addHook('preValidation', (request, _reply, done) => runInContext(request.context, done))

  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    const labels = { method: request.method, route, status: statusClass(reply.statusCode) }
    metrics.httpDuration.observe(labels, reply.elapsedTime / 1000)
    // What becomes of events is told by their handlers: Dapr is answered 200 also where it is to deliver again.
    if (!quietRoutes.has(route) && !route.startsWith('/events/')) metrics.outcomes.record(reply.statusCode < 500)
    request.span?.setAttributes({ 'http.response.status_code': reply.statusCode })
    request.span?.end(reply.statusCode >= 500 ? new Error(String(reply.statusCode)) : undefined)
    const level = quietRoutes.has(route) ? 'trace' : route.startsWith('/events/') ? 'debug' : 'info'
    const entry = { method: request.method, route, status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) }
    runInContext(request.context, () => request.log[level](entry, 'request'))
    done()
  })

  server.removeContentTypeParser(['application/json', 'text/plain'])
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body)
    if (jsonDepth(text) > maxDepth) {
      done(new HttpProblem('INVALID_INPUT', `the JSON is nested deeper than ${maxDepth} levels`))
      return
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      done(new HttpProblem('MALFORMED_JSON', `the body is not JSON: ${(error as Error).message}`))
      return
    }
    const path = findUnstorable(value)
    if (path === undefined) {
      done(null, value)
      return
    }
    const message = 'must not contain NUL or half a surrogate pair'
    done(new HttpProblem('INVALID_INPUT', `${path}: ${message}`, { errors: [{ path, message }] }))
  })

  server.setErrorHandler((error, request, reply) =>
    runInContext(request.context, () => sendProblem(toProblem(error, request), request, reply)),
  )
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const allowed = methodsOf(path)
    const problem =
      allowed.length === 0
        ? new HttpProblem('NOT_FOUND', `there is no ${request.method} ${path}`)
        : new HttpProblem('METHOD_NOT_ALLOWED', `${path} takes ${allowed.join(', ')} and not ${request.method}`, {
            headers: { allow: allowed.join(', ') },
          })
    return sendProblem(problem, request, reply)
  })
  return server
}
