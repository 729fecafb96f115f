import { Agent } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { HttpProblem } from './http-errors.ts'
import { sendRequest } from './loopback-http.ts'

/** Longest a scrape waits for daprd, ms. */
const timeout = 5_000

/**
 * `GET /v1.0/metrics`: the Prometheus metrics of this pod's daprd. The runbook names this path; daprd itself has none like it in its API and
 * serves them on a port of its own, on every path (dapr 1.18 pkg/metrics/exporter.go).
 */
export const registerSidecarMetrics = (server: FastifyInstance, options: { readonly port: number }): void => {
  const agent = new Agent({ keepAlive: false })
  server.get('/v1.0/metrics', async (_request, reply) => {
    const target = { agent, port: options.port, method: 'GET', path: '/metrics', headers: {}, timeout } as const
    const answer = await sendRequest(target, undefined, AbortSignal.timeout(timeout)).catch((error: unknown) => {
      throw new HttpProblem('DEPENDENCY_UNAVAILABLE', 'the Dapr sidecar does not serve its metrics', { cause: error })
    })
    return reply.code(answer.status).type('text/plain; version=0.0.4; charset=utf-8').send(answer.body)
  })
}
