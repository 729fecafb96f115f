import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { HttpProblem, parseInput } from './http-errors.ts'
import type { Phase } from './lifecycle.ts'
import { createMetrics } from './metrics.ts'
import { StorageError } from './postgres-errors.ts'
import { registerProbes } from './probes.ts'
import { currentContext, traceIdOf } from './request-context.ts'
import { createServer } from './server.ts'
import { createTracing } from './tracing.ts'

const identity = { service: 'todo-chat-api', version: '0.1.0', system: 'todo' }
const body = z.strictObject({ title: z.string().min(1).max(5), tags: z.array(z.string()).optional() })

const setUp = async () => {
  const lines: Record<string, unknown>[] = []
  const logger = pino(
    { level: 'info' },
    { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const metrics = createMetrics(identity)
  const server = createServer({ logger, metrics, tracing: await createTracing({ ...identity, samplingRate: 0 }) })
  server.post('/tasks', (request) => ({ parsed: parseInput(body, request.body), context: currentContext() }))
  server.get('/fails/:how', (request) => {
    const { how } = request.params as { how: string }
    if (how === 'away') throw new StorageError('x', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))
    if (how === 'stale') throw new HttpProblem('PRECONDITION_FAILED', 'the task is at version 3')
    throw new Error('password=hunter2')
  })
  return { server, lines, metrics }
}

const post = { method: 'POST', url: '/tasks' } as const

describe('the HTTP server', () => {
  test('takes a correlation id in, gives it out, and makes one when there is none or it is not safe', async () => {
    const { server } = await setUp()
    const send = (headers: Record<string, string>) => server.inject({ ...post, headers, payload: { title: 'a' } })
    const given = await send({ 'x-correlation-id': 'abc-1' })
    expect(given.headers['x-correlation-id']).toBe('abc-1')
    expect(given.json<{ context: { correlationId: string } }>().context.correlationId).toBe('abc-1')
    for (const bad of ['a b', 'x'.repeat(200)]) {
      expect((await send({ 'x-correlation-id': bad })).headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  test('continues the trace of the caller, also inside a handler that read a body', async () => {
    const { server } = await setUp()
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    const response = await server.inject({ ...post, headers, payload: { title: 'a' } })
    const { context } = response.json<{ context: { traceparent: string } }>()
    expect(traceIdOf(context.traceparent)).toBe('0af7651916cd43dd8448eb211c80319c')
    expect(context.traceparent).not.toBe(headers.traceparent)
  })

  test.each([
    [
      'unknown and wrong fields, all of them by path',
      { titel: 'a', title: 'too long' },
      400,
      'INVALID_INPUT',
      ['title', 'titel'],
    ],
    ['a body that is no JSON', '{"title":', 400, 'MALFORMED_JSON', undefined],
    ['an empty body', '', 400, 'MALFORMED_JSON', undefined],
    ['nesting without end', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 400, 'INVALID_INPUT', undefined],
    ['NUL in a text', { title: 'a\u0000' }, 400, 'INVALID_INPUT', ['title']],
    ['half a surrogate pair', '{"title":"\\ud800"}', 400, 'INVALID_INPUT', ['title']],
    ['a body over the limit', { title: 'x'.repeat(70_000) }, 413, 'PAYLOAD_TOO_LARGE', undefined],
  ])('answers %s with a problem', async (_what, payload, status, code, paths) => {
    const { server } = await setUp()
    const response = await server.inject({ ...post, headers: { 'content-type': 'application/json' }, payload })
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    const problem = response.json<{ errors?: { path: string }[]; correlationId: string }>()
    expect(problem).toMatchObject({ status, code, correlationId: response.headers['x-correlation-id'] })
    if (paths !== undefined) expect(problem.errors?.map(({ path }) => path)).toEqual(paths)
  })

  test.each([
    ['/fails/stale', 412, 'PRECONDITION_FAILED', 'the task is at version 3'],
    ['/fails/away', 503, 'DEPENDENCY_UNAVAILABLE', 'the database is not reachable, try again'],
    ['/fails/bug', 500, 'INTERNAL', 'something failed here; the correlation id finds it in the logs'],
    ['/nowhere?secret=1', 404, 'NOT_FOUND', 'there is no GET /nowhere'],
    ['/%ff', 400, 'INVALID_INPUT', undefined],
  ])('answers %s with %i %s and nothing of its inside', async (url, status, code, detail) => {
    const { server } = await setUp()
    const response = await server.inject({ method: 'GET', url })
    expect(response.json()).toMatchObject({ status, code, ...(detail === undefined ? {} : { detail }) })
    expect(response.body).not.toContain('hunter2')
  })

  test.each([
    ['DELETE', '/tasks', 'POST'],
    ['POST', '/fails/a', 'GET, HEAD'],
  ] as const)('answers %s %s with 405 and the methods that path takes', async (method, url, allow) => {
    const { server } = await setUp()
    const response = await server.inject({ method, url })
    expect(response.headers.allow).toBe(allow)
    expect(response.json()).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
  })

  test('does not take a longer or an empty path for one it has', async () => {
    const { server } = await setUp()
    for (const url of ['/fails/a/b', '/fails/'])
      expect((await server.inject({ method: 'PUT', url })).statusCode).toBe(404)
  })

  test('refuses content types it does not read', async () => {
    const { server } = await setUp()
    const response = await server.inject({ ...post, headers: { 'content-type': 'text/xml' }, payload: '<a/>' })
    expect(response.json()).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  test('logs one line per request with ids, and counts by route pattern and not by URL', async () => {
    const { server, lines, metrics } = await setUp()
    for (const how of ['a', 'b', 'c']) await server.inject({ method: 'GET', url: `/fails/${how}` })
    const requests = lines.filter(({ msg }) => msg === 'request')
    expect(requests).toHaveLength(3)
    expect(requests[0]).toMatchObject({ route: '/fails/:how', status: 500, method: 'GET' })
    const text = await metrics.registry.getSingleMetricAsString('http_request_duration_seconds')
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/fails/:how",status="5xx"} 3')
  })
})

describe('the probes', () => {
  test('tell life, readiness and health apart', async () => {
    const { server, metrics } = await setUp()
    let phase: Phase = 'starting'
    let database: 'up' | 'down' = 'up'
    const check = () => (database === 'up' ? Promise.resolve() : Promise.reject(new Error('connection refused')))
    const pool = () => ({ total: 5, idle: 0, waiting: 2 })
    registerProbes(server, {
      ...identity,
      phase: () => phase,
      checks: { database: check },
      metrics,
      pool,
      maxAge: -1,
      applied: () => ({ revision: 'r1', logLevel: 'info' }),
    })
    const status = async (url: string) => (await server.inject({ method: 'GET', url })).statusCode
    const all = async () => [await status('/livez'), await status('/readyz'), await status('/health')]
    expect(await all()).toEqual([200, 503, 503])
    phase = 'ready'
    expect(await all()).toEqual([200, 200, 200])
    database = 'down'
    expect(await all()).toEqual([200, 503, 503])
    const health = await server.inject({ method: 'GET', url: '/health' })
    expect(health.json()).toMatchObject({
      status: 'unhealthy',
      service: 'todo-chat-api',
      version: '0.1.0',
      checks: { database: 'connection refused' },
      config: { revision: 'r1', logLevel: 'info' },
      pool: { total: 5, idle: 0, waiting: 2 },
    })
    database = 'up'
    phase = 'draining'
    expect(await all()).toEqual([200, 503, 503])
    expect((await server.inject({ method: 'GET', url: '/metrics' })).body).toContain('todochatbot_build_info')
  })

  test('say in time that a check does not answer, and do not begin it again while it hangs', async () => {
    const { server, metrics } = await setUp()
    const silence = Promise.withResolvers<never>()
    let begun = 0
    const check = (): Promise<void> => {
      begun += 1
      return begun === 1 ? silence.promise : Promise.resolve()
    }
    registerProbes(server, {
      ...identity,
      phase: () => 'ready',
      checks: { database: check },
      metrics,
      timeout: 5,
      maxAge: -1,
      applied: () => ({ revision: 'r1', logLevel: 'info' }),
    })
    const checks = async (): Promise<unknown> =>
      (await server.inject({ method: 'GET', url: '/health' })).json<{ checks: unknown }>().checks
    const late = { database: 'no answer within 5 ms' }
    expect([await checks(), await checks()]).toEqual([late, late])
    expect(begun).toBe(1)
    silence.reject(new Error('connection timeout'))
    await expect(silence.promise).rejects.toThrow('connection timeout')
    expect(await checks()).toEqual({ database: 'ok' })
  })
})
