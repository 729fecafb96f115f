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
  /** Limit of one check, ms; default 1000. */
  readonly timeout?: number
  /** How long an answer is reused, ms; default 1000, so that impatient probes do not become load. */
  readonly maxAge?: number
}

/** Outcome of the checks: `ok`, or what is wrong. */
type CheckResults = Readonly<Record<string, string>>

const runCheck = async (check: Check, timeout: number): Promise<string> => {
  try {
    await check(AbortSignal.timeout(timeout))
    return 'ok'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * `/livez`: the process runs and its event loop turns; nothing else, so that a database outage restarts nobody.
 * `/readyz`: started, not draining, every check ok. `/health`: the runbook's endpoint, the same with details.
 * `/metrics`: Prometheus text.
 */
export const registerProbes = (server: FastifyInstance, options: ProbeOptions): void => {
  const timeout = options.timeout ?? 1_000
  let cached: { at: number; results: Promise<CheckResults> } | undefined
  const results = (): Promise<CheckResults> => {
    const now = performance.now()
    if (cached === undefined || now - cached.at > (options.maxAge ?? 1_000)) {
      const entries = Object.entries(options.checks).map(
        async ([name, check]) => [name, await runCheck(check, timeout)] as const,
      )
      cached = { at: now, results: Promise.all(entries).then((pairs): CheckResults => Object.fromEntries(pairs)) }
    }
    return cached.results
  }
  const ready = (checks: CheckResults): boolean =>
    options.phase() === 'ready' && Object.values(checks).every((result) => result === 'ok')

  server.get('/livez', (_request, reply) => reply.send({ status: 'ok' }))
  server.get('/readyz', async (_request, reply) => {
    const checks = await results()
    const ok = ready(checks)
    return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', phase: options.phase(), checks })
  })
  server.get('/health', async (_request, reply) => {
    const checks = await results()
    const ok = ready(checks)
    return reply.code(ok ? 200 : 503).send({
      status: ok ? 'healthy' : 'unhealthy',
      service: options.service,
      version: options.version,
      phase: options.phase(),
      checks,
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
