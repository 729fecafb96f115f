import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { PodTarget } from './pod-watch.ts'
import { askWorkerHealth } from './worker-health.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

/** A worker that answers GET /health with this. */
const worker = async (status: number, body: unknown): Promise<PodTarget> => {
  server = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? status : 404).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { pod: 'audit-1', ip: '127.0.0.1', port: (server.address() as AddressInfo).port, incarnation: '0' }
}
const ask = (target: PodTarget) => askWorkerHealth(2_000)(target, new AbortController().signal)

describe("a worker's health", () => {
  test('names what it cannot use, though it answers 503', async () => {
    const checks = { database: 'connect ECONNREFUSED', sidecar: 'ok' }
    const target = await worker(503, { phase: 'ready', checks, pool: { total: 0, idle: 0, waiting: 0 } })
    expect(await ask(target)).toEqual({
      phase: 'ready',
      failing: { database: 'connect ECONNREFUSED' },
      poolExhausted: false,
      errorPercent: 0,
      config: {},
    })
  })

  test('says when callers wait for a connection', async () => {
    const target = await worker(200, { phase: 'ready', checks: {}, pool: { total: 5, idle: 0, waiting: 1 } })
    expect(await ask(target)).toMatchObject({ poolExhausted: true })
  })

  test('says which settings are in force, and why newer ones are not', async () => {
    const target = await worker(200, { phase: 'ready', config: { revision: 'r1', logLevel: 'info', problem: 'no' } })
    expect(await ask(target)).toMatchObject({ config: { revision: 'r1', problem: 'no' } })
  })

  test.each([
    ['of few is not told', { handled: 19, failed: 19 }, 0],
    ['is told in steps, so that an answer stays the same while nothing happens', { handled: 100, failed: 37 }, 35],
  ])('the share of errors %s', async (_what, outcomes, errorPercent) => {
    expect(await ask(await worker(200, { phase: 'ready', outcomes }))).toMatchObject({ errorPercent })
  })

  test('is not guessed from an answer of something else', async () => {
    await expect(ask(await worker(404, {}))).rejects.toThrow('404')
  })
})
