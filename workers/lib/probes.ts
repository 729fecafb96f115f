import type { FastifyInstance } from 'fastify'
import type { AppliedConfig } from './live-config.ts'
import type { Phase } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'

/** Looks at one dependency; resolves when it is usable, rejects with the reason when not. */
export type Check = (signal: AbortSignal) => Promise<void>

/** What the probes answer from. */
export interface ProbeOptions {
  readonly service: string
  readonly version: string
  readonly phase: () => Phase
  readonly checks: Readonly<Record<string, Check>>
  readonly metrics: Metrics
  /** Connections of the database pool; told by /health, because a pool without a free one explains a failing check. */
  readonly pool?: () => { readonly total: number; readonly idle: number; readonly waiting: number }
  /** Which configuration is in force; told by /health, where the operator reads it. */
  readonly applied: () => AppliedConfig
  /** Statements since the start of the process, and how many of them were slow. */
  readonly queries?: () => { readonly total: number; readonly slow: number }
  /** How long an answer waits for a check, ms; default 1500: the operator and the kubelet wait for two to three seconds. */
  readonly timeout?: number
  /** How long an answer is reused, ms; default 1000, so that impatient probes do not become load. */
  readonly maxAge?: number
}

/** Outcome of the checks: `ok`, or what is wrong. */
type CheckResults = Readonly<Record<string, string>>

/**
 * The answer does not depend on the check keeping to its signal: a connection that is dead without a word would else keep the reason from whoever
 * asks. One that hangs is not begun again meanwhile, or checks alone would use up the connections of the pool.
 */
const bounded = (check: Check, timeout: number): (() => Promise<string>) => {
  let running: Promise<string> | undefined
  const attempt = async (): Promise<string> => {
    try {
      await check(AbortSignal.timeout(timeout))
      return 'ok'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  return async () => {
    running ??= attempt().finally(() => {
      running = undefined
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => {
        resolve(`no answer within ${timeout} ms`)
      }, timeout)
    })
    try {
      return await Promise.race([running, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * `/livez`: the process runs and its event loop turns; nothing else, so that a database outage restarts nobody.
 * `/readyz`: started, not draining, every check ok. `/health`: the runbook's endpoint, the same with details.
 * `/metrics`: Prometheus text.
 */
export const registerProbes = (server: FastifyInstance, options: ProbeOptions): void => {
  const timeout = options.timeout ?? 1_500
  const checks = Object.entries(options.checks).map(([name, check]) => [name, bounded(check, timeout)] as const)
  let cached: { at: number; results: Promise<CheckResults> } | undefined
  const results = (): Promise<CheckResults> => {
    const now = performance.now()
    if (cached === undefined || now - cached.at > (options.maxAge ?? 1_000)) {
      const entries = checks.map(async ([name, check]) => [name, await check()] as const)
      cached = { at: now, results: Promise.all(entries).then((pairs): CheckResults => Object.fromEntries(pairs)) }
    }
    return cached.results
  }
  const ready = (found: CheckResults): boolean =>
    options.phase() === 'ready' && Object.values(found).every((result) => result === 'ok')

  server.get('/livez', (_request, reply) => reply.send({ status: 'ok' }))
  server.get('/readyz', async (_request, reply) => {
    const found = await results()
    const ok = ready(found)
    const status = ok ? 'ok' : 'unavailable'
    return reply.code(ok ? 200 : 503).send({ status, phase: options.phase(), checks: found })
  })
  server.get('/health', async (_request, reply) => {
    const found = await results()
    const ok = ready(found)
    return reply.code(ok ? 200 : 503).send({
      status: ok ? 'healthy' : 'unhealthy',
      service: options.service,
      version: options.version,
      phase: options.phase(),
      checks: found,
      ...(options.pool === undefined ? {} : { pool: options.pool() }),
      ...(options.queries === undefined ? {} : { queries: options.queries() }),
      config: options.applied(),
      outcomes: options.metrics.outcomes.counts(),
    })
  })
  server.get('/metrics', async (_request, reply) =>
    reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
  )
}
