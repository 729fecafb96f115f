import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { Runnable } from './manager.ts'

/** Resolves when healthy, rejects or throws with the reason when not. */
export type HealthCheck = () => void | Promise<void>

/** Checks by name; the names appear in the answer. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>

type Route = (response: ServerResponse) => Promise<void>

/** A check that takes longer counts as failed: probes have short timeouts of their own. */
const CHECK_TIMEOUT_MS = 1000

/** `/healthz` and `/readyz`: 200 with one line per check, or 503; a line is `name: ok` or `name: the reason`. */
export const healthRoutes = (checks: {
  readonly healthz: HealthChecks
  readonly readyz: HealthChecks
}): Readonly<Record<string, Route>> => ({
  '/healthz': (response) => answerChecks(response, checks.healthz),
  '/readyz': (response) => answerChecks(response, checks.readyz),
})

/** `/metrics` in Prometheus text format. */
export const metricsRoutes = (registry: Registry): Readonly<Record<string, Route>> => ({
  '/metrics': async (response) => {
    const text = await registry.metrics()
    response.writeHead(200, { 'content-type': registry.contentType }).end(text)
  },
})

/** An HTTP server for GET on fixed paths, as a part of the manager. */
export const httpRunnable = (
  name: string,
  listen: { readonly port: number; readonly host?: string },
  routes: Readonly<Record<string, Route>>,
): Runnable & { readonly address: () => { readonly port: number } | undefined } => {
  const listening = Promise.withResolvers<undefined>()
  const server = createServer((request, response) => {
    serve(routes, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  return {
    name,
    address: () => {
      const address = server.address()
      return typeof address === 'object' && address !== null ? { port: address.port } : undefined
    },
    ready: async () => {
      await listening.promise
    },
    run: (signal) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.once('close', resolve)
        server.listen(listen.port, listen.host, () => listening.resolve(undefined))
        const close = (): void => {
          server.close()
          server.closeAllConnections()
        }
        if (signal.aborted) close()
        else signal.addEventListener('abort', close, { once: true })
      }),
  }
}

const serve = async (
  routes: Readonly<Record<string, Route>>,
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const [path = ''] = url.split('?')
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) response.writeHead(404).end()
  else if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end()
  else await route(response)
}

const answerChecks = async (response: ServerResponse, checks: HealthChecks): Promise<void> => {
  const lines = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => ({ name, problem: await problemOf(check) })),
  )
  const healthy = lines.every(({ problem }) => problem === undefined)
  const text = lines.map(({ name, problem }) => `${name}: ${problem ?? 'ok'}\n`).join('')
  response.writeHead(healthy ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' }).end(text || 'ok\n')
}

const problemOf = async (check: HealthCheck): Promise<string | undefined> => {
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(() => late.resolve(`no result within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS)
  try {
    return await Promise.race([Promise.resolve(check()).then(() => undefined), late.promise])
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(timer)
  }
}
