import { request } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { healthRoutes, httpRunnable, metricsRoutes } from './health.ts'
import type { HealthChecks } from './health.ts'
import { createMetrics } from './metrics.ts'

let stop = new AbortController()
let running: Promise<void> = Promise.resolve()

const serve = async (healthz: HealthChecks, readyz: HealthChecks): Promise<string> => {
  stop = new AbortController()
  const metrics = createMetrics()
  const server = httpRunnable(
    'http',
    { port: 0, host: '127.0.0.1' },
    { ...healthRoutes({ healthz, readyz }), ...metricsRoutes(metrics.registry) },
  )
  running = server.run(stop.signal)
  await server.ready?.(stop.signal)
  return `http://127.0.0.1:${server.address()?.port ?? 0}`
}

const get = async (url: string, method: 'GET' | 'POST' = 'GET'): Promise<[number, string]> => {
  const { statusCode, body } = await request(url, { method })
  return [statusCode, await body.text()]
}

afterEach(async () => {
  stop.abort()
  await running
})

test('readiness tells which check fails and why, while liveness is fine', async () => {
  const url = await serve(
    { process: () => undefined },
    {
      informers: () => {
        throw new Error('waiting for the first list of deployments')
      },
      lease: () => undefined,
    },
  )
  expect(await get(`${url}/healthz`)).toEqual([200, 'process: ok\n'])
  expect(await get(`${url}/readyz`)).toEqual([503, 'informers: waiting for the first list of deployments\nlease: ok\n'])
})

test('a check that hangs counts as failed', async () => {
  const url = await serve({ stuck: () => new Promise(() => undefined) }, {})
  const [code, text] = await get(`${url}/healthz`)
  expect([code, text]).toEqual([503, 'stuck: no result within 1000 ms\n'])
})

test('metrics are those of controller-runtime and of the process', async () => {
  const url = await serve({}, {})
  const [code, text] = await get(`${url}/metrics`)
  expect(code).toBe(200)
  for (const name of [
    'controller_runtime_reconcile_total',
    'workqueue_depth',
    'workqueue_unfinished_work_seconds',
    'workqueue_longest_running_processor_seconds',
    'rest_client_requests_total',
    'process_resident_memory_bytes',
  ])
    expect(text).toContain(`# TYPE ${name} `)
})

test('other paths and methods are refused', async () => {
  const url = await serve({}, {})
  expect((await get(`${url}/constructor`))[0]).toBe(404)
  expect((await get(`${url}/healthz`, 'POST'))[0]).toBe(405)
})
