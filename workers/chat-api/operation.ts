import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { HttpProblem, parseInput } from '../lib/http-errors.ts'

/** What an operation answers with one status code. */
export interface ResponseShape {
  readonly description: string
  readonly schema?: z.ZodType
  /** Response headers by name, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * One endpoint. The same zod schemas validate its requests and become /openapi.json, so neither can say something else. Paths
 * are written as OpenAPI writes them: `/api/v1/tasks/{id}`.
 */
export interface Operation<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
> {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly summary: string
  readonly tag: 'auth' | 'tasks' | 'chat' | 'notifications'
  /** False: no bearer token is needed. */
  readonly authenticated: boolean
  /** Request headers beyond Authorization, by name, with their meaning; all optional. */
  readonly requestHeaders?: Readonly<Record<string, string>>
  readonly params: Params
  readonly query: Query
  readonly body?: Body
  readonly responses: Readonly<Record<number, ResponseShape>>
}

/** A request whose parts have passed the operation's schemas. */
export interface OperationInput<Params, Query, Body> {
  /** Of the bearer token; the nil UUID where none is needed. */
  readonly userId: string
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Reads the user's id out of the Authorization header or rejects with UNAUTHENTICATED. */
export type Authenticate = (authorization: string | undefined) => Promise<string>

const anonymous = '00000000-0000-0000-0000-000000000000'

/** Keeps the inferred types of the three schemas. */
export function defineOperation<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType = z.ZodUndefined,
>(operation: Operation<Params, Query, Body>): Operation<Params, Query, Body> {
  return operation
}

/**
 * Registers an operation: the token is checked before the body is read, then every part of the request is parsed, and only
 * then the handler runs. What the handler returns is sent as it is.
 */
export function mount<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType>(
  server: FastifyInstance,
  operation: Operation<Params, Query, Body>,
  authenticate: Authenticate,
  handle: (input: OperationInput<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<unknown>,
): void {
  const users = new WeakMap<FastifyRequest, string>()
  server.route({
    method: operation.method,
    url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
    ...(operation.method === 'GET' ? { exposeHeadRoute: false } : {}),
    onRequest: async (request) => {
      if (operation.authenticated) users.set(request, await authenticate(request.headers.authorization))
    },
    handler: async (request, reply) => {
      const params = parseInput(operation.params, request.params, 'path')
      const query = parseInput(operation.query, request.query, 'query')
      if (operation.body === undefined && request.body !== undefined && request.body !== null) {
        throw new HttpProblem('INVALID_INPUT', `${operation.method} ${operation.path} takes no body`)
      }
      const body = (operation.body ? parseInput(operation.body, requireBody(request)) : undefined) as z.output<Body>
      const userId = users.get(request) ?? anonymous
      return handle({ userId, params, query, body, request, reply })
    },
  })
}

function requireBody(request: FastifyRequest): unknown {
  if (request.body === undefined || request.body === null) {
    throw new HttpProblem('INVALID_INPUT', 'the request needs a JSON object as its body')
  }
  return request.body
}
