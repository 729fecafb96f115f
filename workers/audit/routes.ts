import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../lib/auth.ts'
import { HttpProblem, parseInput } from '../lib/http-errors.ts'
import type { Database } from '../lib/postgres.ts'
import type { AuditSettings } from './config.ts'
import { diagnose } from './diagnostics/diagnose.ts'
import { countEntries, findEntry, listEntries } from '../lib/audit-trail/store.ts'
import type { EntryFilter } from '../lib/audit-trail/store.ts'
import { verifyTrail } from '../lib/audit-trail/verify.ts'

const seq = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const identifier = z.string().min(1).max(255)

const listQuery = z
  .strictObject({
    taskId: identifier.optional(),
    userId: identifier.optional(),
    action: z.string().min(1).max(64).optional(),
    startDate: instant.optional(),
    endDate: instant.optional(),
    afterSeq: seq.optional(),
    limit: z.coerce.number().int().min(1).max(100).optional(),
    page: z.coerce.number().int().min(1).max(100_000).optional(),
    pageSize: z.coerce.number().int().min(1).max(100).optional(),
  })
  .refine((query) => query.page === undefined || query.afterSeq === undefined, {
    message: 'is for paging by number; afterSeq is the other way, use one of the two',
    path: ['page'],
  })

const historyQuery = z.strictObject({
  afterSeq: seq.default(0),
  limit: z.coerce.number().int().min(1).max(100).default(100),
})

const verifyQuery = z
  .strictObject({ from: seq.min(1).optional(), to: seq.min(1).optional() })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    message: 'must not be below from',
    path: ['to'],
  })

/** What the routes need; `authenticate` takes the Authorization header. */
export interface AuditRoutesOptions {
  readonly database: Database
  readonly authenticate: (authorization: string | undefined) => Promise<Principal>
  readonly settings: AuditSettings
  /** ms from which on a statement counts as slow in /diagnostics. */
  readonly slowQueryThreshold: number
  /** Aborted when the process stops; ends a verification under way. */
  readonly signal: AbortSignal
}

/** A user sees the own entries whatever the query says; asking for another's is refused rather than answered with nothing. */
const scopeOf = (principal: Principal, userId?: string): Pick<EntryFilter, 'userId'> => {
  if (principal.kind === 'service') return { userId }
  if (userId !== undefined && userId !== principal.userId) {
    throw new HttpProblem('FORBIDDEN', 'a user may read their own entries only')
  }
  return { userId: principal.userId }
}

/** The audit trail over HTTP: list, one entry, history of a task, verification; and what the database says of itself. Read only. */
export const registerAuditRoutes = (server: FastifyInstance, options: AuditRoutesOptions): void => {
  const { database, authenticate, settings } = options
  let verifying = false

  server.get('/audit/entries', async (request) => {
    const principal = await authenticate(request.headers.authorization)
    const query = parseInput(listQuery, request.query, 'query')
    const { taskId, action, startDate: start, endDate: end } = query
    const filter = { taskId, action, start, end, ...scopeOf(principal, query.userId) }
    if (query.page !== undefined || query.pageSize !== undefined) {
      const { page = 1, pageSize = 20 } = query
      const entries = await listEntries(database, filter, { afterSeq: 0, limit: pageSize, skip: (page - 1) * pageSize })
      return { entries, page, pageSize, total: await countEntries(database, filter) }
    }
    const limit = query.limit ?? 100
    const entries = await listEntries(database, filter, { afterSeq: query.afterSeq ?? 0, limit })
    return { entries, nextAfterSeq: entries.length === limit ? entries.at(-1)?.seq : undefined }
  })

  server.get<{ Params: { id: string } }>('/audit/entries/:id', async (request) => {
    const principal = await authenticate(request.headers.authorization)
    const id = parseInput(identifier, request.params.id, 'id')
    const number = /^\d{1,15}$/.test(id) ? Number(id) : undefined
    const entry = await findEntry(database, number ?? id)
    if (entry === undefined || (principal.kind === 'user' && entry.userId !== principal.userId)) {
      throw new HttpProblem('NOT_FOUND', `there is no entry with the number or event id "${id}"`)
    }
    return entry
  })

  server.get<{ Params: { taskId: string } }>('/audit/tasks/:taskId/history', async (request) => {
    const principal = await authenticate(request.headers.authorization)
    const taskId = parseInput(identifier, request.params.taskId, 'taskId')
    const { afterSeq, limit } = parseInput(historyQuery, request.query, 'query')
    const entries = await listEntries(database, { taskId, ...scopeOf(principal) }, { afterSeq, limit })
    return { taskId, entries, nextAfterSeq: entries.length === limit ? entries.at(-1)?.seq : undefined }
  })

  const machinesOnly = async (request: FastifyRequest, what: string): Promise<void> => {
    const principal = await authenticate(request.headers.authorization)
    if (principal.kind !== 'service') throw new HttpProblem('FORBIDDEN', `${what} needs the service token`)
  }

  server.get('/diagnostics', async (request) => {
    await machinesOnly(request, 'a look into the database')
    return diagnose(database, options.slowQueryThreshold)
  })

  server.get('/audit/verify', async (request, reply) => {
    await machinesOnly(request, 'verification')
    const range = parseInput(verifyQuery, request.query, 'query')
    // One at a time: each reads the whole range, and a second one would find the same.
    if (verifying) {
      throw new HttpProblem('TOO_MANY_REQUESTS', 'a verification is under way', { headers: { 'retry-after': '5' } })
    }
    verifying = true
    // A caller that hung up does not want the answer any more.
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    try {
      const signal = AbortSignal.any([gone.signal, options.signal])
      return await verifyTrail(database, range, { batchSize: settings.verifyBatchSize, signal })
    } finally {
      verifying = false
    }
  })
}
