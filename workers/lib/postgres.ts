import pg from 'pg'
import type { Logger } from './logger.ts'
import { isTransient, OutcomeUnknownError, StorageError } from './postgres-errors.ts'
import { typeParsers } from './postgres-types.ts'

/** Rows of a statement and how many it returned or changed. */
export interface QueryResult<Row> {
  readonly rows: Row[]
  readonly rowCount: number
}

/** Anything statements can be sent to: the pool, one transaction, one session. `$1` placeholders, never string building. */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>
}

/** A running transaction. */
export interface Transaction extends Queryable {
  /** Like NOTIFY, within this process: {@link Database.listen}ers of `channel` are called once after COMMIT, never after a rollback. */
  notify(channel: string): void
}

/** One connection taken out of the pool for as long as its holder wants: advisory locks live and die with it. */
export interface Session extends Queryable {
  /** Aborted when the connection is lost; nothing that was locked in the session is held any more. */
  readonly lost: AbortSignal
  /** Closes the connection (it is not returned to the pool, so its locks are gone). */
  end(): Promise<void>
}

/** How {@link Database.transaction} runs. */
export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** Attempts in all, for serialization failures, deadlocks and connections lost before COMMIT; default 3. */
  readonly attempts?: number
  readonly signal?: AbortSignal
}

/** The pool. Every method rejects within the pool's timeouts; none waits for ever. */
export interface Database extends Queryable {
  /**
   * Runs `fn` in one transaction and commits. `fn` may run more than once, so it must have no effect but its statements.
   * A connection lost while COMMIT was under way is not retried, since the change may be stored: {@link OutcomeUnknownError}.
   */
  transaction<T>(fn: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Calls `listener` after each commit of this pool that notified `channel`; returns a function that stops it. */
  listen(channel: string, listener: () => void): () => void
  /** Opens a dedicated connection outside the pool's count. */
  session(name: string): Promise<Session>
  /** Resolves when the server answers; for health checks. */
  ping(): Promise<void>
  /** Connections by state, for metrics. */
  stats(): { total: number; idle: number; waiting: number }
  close(): Promise<void>
}

/** Everything {@link createDatabase} needs. Durations in milliseconds. */
export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`; never logged. */
  readonly uri: string
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly pool: { readonly min: number; readonly max: number }
  readonly statementTimeout: number
  readonly slowQueryThreshold: number
  readonly connectTimeout?: number
  readonly logger: Logger
  /** Told the duration in seconds of every statement, and whether it was slower than the threshold. */
  readonly onQuery?: (seconds: number, slow: boolean) => void
}

const connectTimeoutDefault = 5_000
/** Beyond the server's own statement_timeout, so that the server speaks first and the connection survives. */
const clientMargin = 2_000

const retryDelay = (attempt: number): number => Math.min(500, 20 * 2 ** attempt) * (0.5 + Math.random() / 2)

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Says goodbye, and after a second cuts the line: on a half-open connection the server's answer never comes. */
const endClient = async (client: pg.Client): Promise<void> => {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection
  const timer = setTimeout(() => stream.destroy(), 1_000)
  await client.end().catch(() => undefined)
  clearTimeout(timer)
}

/**
 * Creates the pool. Both error listeners that node-postgres needs are here: an idle connection that breaks and a
 * checked-out one that breaks would otherwise end the process (node-postgres#2386, #3202).
 */
export const createDatabase = (options: DatabaseOptions): Database => {
  const { logger, slowQueryThreshold } = options
  const clientConfig = {
    connectionString: options.uri,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeout ?? connectTimeoutDefault,
    statement_timeout: options.statementTimeout,
    query_timeout: options.statementTimeout + clientMargin,
    idle_in_transaction_session_timeout: options.statementTimeout * 2,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: typeParsers,
  }
  const pool = new pg.Pool({ ...clientConfig, min: options.pool.min, max: options.pool.max, idleTimeoutMillis: 30_000 })
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle database connection was lost'))
  pool.on('connect', (client) => {
    client.on('error', (error: Error) => logger.warn({ err: error }, 'a database connection was lost'))
  })

  const run = async <Row extends object>(
    client: pg.Pool | pg.PoolClient | pg.Client,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> => {
    const started = performance.now()
    try {
      const result = await client.query<Row>(text, [...values])
      return { rows: result.rows, rowCount: result.rowCount ?? 0 }
    } catch (error) {
      throw StorageError.from(error)
    } finally {
      const elapsed = performance.now() - started
      const slow = elapsed >= slowQueryThreshold
      options.onQuery?.(elapsed / 1000, slow)
      if (slow) {
        logger.warn({ durationMs: Math.round(elapsed), statement: text.replace(/\s+/g, ' ').trim() }, 'slow query')
      }
    }
  }

  const listeners = new Map<string, Set<() => void>>()

  const attempt = async <T>(fn: (tx: Transaction) => Promise<T>, isolation: string): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw StorageError.from(error)
    })
    const notified = new Set<string>()
    const tx: Transaction = {
      query: (text, values) => run(client, text, values),
      notify: (channel) => void notified.add(channel),
    }
    let broken: Error | undefined
    let committing = false
    let result: T
    try {
      await run(client, `BEGIN ISOLATION LEVEL ${isolation}`)
      result = await fn(tx)
      committing = true
      const outcome = await client.query('COMMIT')
      // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: an effect that swallowed one.
      if (outcome.command !== 'COMMIT') throw new StorageError('the transaction had already failed', undefined)
    } catch (error) {
      const failure = StorageError.from(error)
      if (failure.connectionLost) broken = failure
      else {
        await client.query('ROLLBACK').catch((lost: unknown) => {
          broken = StorageError.from(lost)
        })
      }
      if (committing && failure.connectionLost) throw new OutcomeUnknownError(failure)
      throw error
    } finally {
      client.release(broken)
    }
    for (const channel of notified) for (const listener of listeners.get(channel) ?? []) listener()
    return result
  }

  return {
    query: (text, values) => run(pool, text, values),
    transaction: async (fn, { isolation = 'read committed', attempts = 3, signal } = {}) => {
      for (let round = 1; ; round += 1) {
        signal?.throwIfAborted()
        try {
          return await attempt(fn, isolation)
        } catch (error) {
          if (round >= attempts || !isTransient(error)) throw error
          await sleep(retryDelay(round))
        }
      }
    },
    listen: (channel, listener) => {
      const set = listeners.get(channel) ?? new Set()
      listeners.set(channel, set.add(listener))
      return () => void set.delete(listener)
    },
    session: async (name) => {
      const client = new pg.Client({ ...clientConfig, application_name: `${options.applicationName}/${name}` })
      const lost = new AbortController()
      const lose = (error: Error): void => {
        if (!lost.signal.aborted) lost.abort(error)
      }
      client.on('error', lose)
      client.on('end', () => lose(new StorageError('the session ended', undefined)))
      try {
        await client.connect()
      } catch (error) {
        throw StorageError.from(error)
      }
      return {
        lost: lost.signal,
        query: async (text, values) => {
          try {
            return await run(client, text, values)
          } catch (error) {
            // A client-side timeout leaves the answer on the wire: the connection cannot be used or trusted any more.
            if (error instanceof StorageError && error.connectionLost) {
              lose(error)
              void endClient(client)
            }
            throw error
          }
        },
        end: () => endClient(client),
      }
    },
    ping: async () => {
      await run(pool, 'SELECT 1')
    },
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  }
}
