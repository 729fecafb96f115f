/**
 * What the database says of itself, told by the audit worker (GET /diagnostics, workers/audit/diagnostics): the operator has no connection of its
 * own (docs/adr). Every figure is rounded in the judgement.
 */
import { z } from 'zod'
import type { AskAudit } from './audit-worker.ts'
import { age, percent, some } from './figures.ts'
import { found, passed, type CheckFamily, type CheckSubject, type Outcome } from './check.ts'
import { watchedWorkers } from './watched-workers.ts'
import { slowShare, statementCounts, type StatementCount } from './worker-database.ts'
import type { AskVitals } from './worker-vitals.ts'

const slowStatement = z.object({ statement: z.string(), seconds: z.number() })

/** The answer, as far as it is judged. */
export const diagnosticsSchema = z.object({
  connections: z.object({ used: z.number(), limit: z.number() }),
  databaseBytes: z.number(),
  running: z.array(slowStatement),
  slowest: z.array(slowStatement).nullable(),
  oldestTransaction: z.number(),
  indexes: z.object({
    missing: z.array(z.object({ name: z.string(), statement: z.string() })),
    invalid: z.array(z.string()),
    expected: z.number(),
  }),
  outbox: z.object({ pending: z.number(), oldestAge: z.number() }),
  overdueReminders: z.object({ count: z.number(), oldestAge: z.number() }),
  bloatedTables: z.array(z.string()),
})

/** See {@link diagnosticsSchema}. Ages in s, sizes in bytes. */
export type Diagnostics = z.output<typeof diagnosticsSchema>

/** Judges everything but the sizes, which storage.ts compares with the volume. @param share of slow statements, when it is known */
export function judgeDiagnostics(told: Diagnostics, share: number | undefined): readonly Outcome[] {
  return [
    judgeConnections(told),
    judgeSlowQueries(told, share),
    byAge(
      'long-transactions',
      told.oldestTransaction,
      { warning: 60, failed: 600 },
      (since) => `a transaction is open for ${since}`,
    ),
    judgeIndexes(told),
    told.bloatedTables.length === 0
      ? passed('database-vacuum')
      : found('database-vacuum', 'Warning', `more dead rows than living ones in ${some(told.bloatedTables, 5)}`),
    byAge(
      'outbox',
      told.outbox.oldestAge,
      { warning: 30, failed: 300 },
      (since) => `the oldest event waits for ${since} to be published`,
    ),
    byAge(
      'overdue-reminders',
      told.overdueReminders.oldestAge,
      { warning: 60, failed: 600 },
      (since) => `the oldest reminder that has not fired is ${since} late`,
    ),
  ]
}

function judgeConnections({ connections: { used, limit } }: Diagnostics): Outcome {
  const name = 'database-connections'
  const share = used / limit
  const figure = `${percent(share)} of ${limit}`
  if (share < 0.8) return passed(name, figure)
  return found(name, share < 0.95 ? 'Warning' : 'Failed', `PostgreSQL has ${figure} connections in use`, figure)
}

function judgeSlowQueries({ running, slowest }: Diagnostics, share: number | undefined): Outcome {
  const name = 'slow-queries'
  const figure =
    share === undefined ? undefined : share < 0.01 ? 'under 1 %' : share < 0.1 ? '1 % and more' : '10 % and more'
  const [now] = running
  const [worst] = slowest ?? []
  const many = `slow statements${worst === undefined ? '' : `, the slowest: ${worst.statement}`}`
  if (share !== undefined && share >= 0.1) return found(name, 'Failed', many, figure)
  if (now !== undefined) return found(name, 'Warning', `running for ${age(now.seconds)}: ${now.statement}`, figure)
  if (share !== undefined && share >= 0.01) return found(name, 'Warning', many, figure)
  // Without load there is no share; what was said under load would only come and go.
  return passed(name)
}

function judgeIndexes({ indexes: { missing, invalid, expected } }: Diagnostics): Outcome {
  const name = 'database-indexes'
  const figure = `${expected - missing.length - invalid.length} of ${expected}`
  if (missing.length + invalid.length === 0) return passed(name, figure)
  const said = [
    ...missing.map((index) => `missing: ${index.statement}`),
    ...invalid.map((index) => `invalid: ${index}`),
  ]
  return found(name, 'Failed', some(said), figure)
}

function byAge(
  name: Outcome['name'],
  seconds: number,
  bounds: { readonly warning: number; readonly failed: number },
  say: (since: string) => string,
): Outcome {
  if (seconds < bounds.warning) return passed(name)
  return found(name, seconds < bounds.failed ? 'Warning' : 'Failed', say(age(seconds)), age(seconds))
}

/** Asks the audit worker. */
export const askDiagnostics = async (ask: AskAudit, subject: CheckSubject, signal: AbortSignal): Promise<Diagnostics> =>
  diagnosticsSchema.parse(await ask(subject, '/diagnostics', signal))

/** The family. Remembers the statements counted in the round before. */
export function databaseDiagnostics(ask: AskAudit, vitals: AskVitals): CheckFamily {
  const counted = new Map<string, ReadonlyMap<string, StatementCount>>()
  return {
    names: [
      ...(['database-connections', 'slow-queries', 'long-transactions', 'database-indexes'] as const),
      ...(['database-vacuum', 'outbox', 'overdue-reminders'] as const),
    ],
    check: async (subject, signal) => {
      const counts = statementCounts(await vitals(watchedWorkers(subject.observed), signal))
      const before = counted.get(subject.key)
      counted.set(subject.key, counts)
      const told = await askDiagnostics(ask, subject, signal)
      return { outcomes: judgeDiagnostics(told, before === undefined ? undefined : slowShare(before, counts)) }
    },
    forget: (key) => counted.delete(key),
  }
}
