import type { Counts, ReplayReport } from './config.ts'
import type { LogRecord } from './selection.ts'

/** Failures that are told one by one. */
const toldFailures = 10
/** Types that are told one by one. */
const toldTypes = 16
/** The kubelet keeps 4096 bytes of a termination message; some are left for what it adds. */
const maxBytes = 3_900

/** Counts as a replay goes. */
export interface Tally {
  readonly counts: Readonly<Counts>
  read: (records: number) => void
  matched: (type: string | undefined, earlier: boolean) => void
  came: (what: 'delivered' | 'duplicates' | 'ignored') => void
  failed: (record: LogRecord, eventId: string | undefined, reason: string) => void
  /** What the Job says at its end. */
  report: (rest: Pick<ReplayReport, 'missing' | 'gaps'>) => ReplayReport
}

/** Starts at nothing: what an earlier pod of the same Job delivered is met again in the ledger. */
export const createTally = (): Tally => {
  const counts: Counts = { read: 0, matched: 0, delivered: 0, duplicates: 0, ignored: 0, failed: 0, redelivered: 0 }
  const types = new Map<string, number>()
  const failures: ReplayReport['failures'] = []
  return {
    counts,
    read: (records) => void (counts.read += records),
    matched: (type = 'unreadable', earlier) => {
      counts.matched += 1
      if (earlier) counts.redelivered += 1
      types.set(type, (types.get(type) ?? 0) + 1)
    },
    came: (what) => void (counts[what] += 1),
    failed: ({ topic, partition, offset }, eventId, reason) => {
      counts.failed += 1
      if (failures.length < toldFailures)
        failures.push({
          where: `${topic}/${partition}@${offset}`,
          ...(eventId === undefined ? {} : { eventId: eventId.slice(0, 255) }),
          reason: reason.slice(0, 1024),
        })
    },
    report: ({ missing, gaps }) => ({
      counts: { ...counts },
      types: [...types]
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, toldTypes)
        .map(([type, matched]) => ({ type: type.slice(0, 255), matched })),
      failures,
      missing: missing.slice(0, 16),
      ...(gaps === undefined ? {} : { gaps }),
    }),
  }
}

/** The report as text that fits into a termination message: reasons are shortened first, then lists; the log has all of it. */
export const reportText = (report: ReplayReport): string => {
  const short = {
    ...report,
    failures: report.failures.map((failure) => ({ ...failure, reason: failure.reason.slice(0, 160) })),
    missing: report.missing.map(({ what, why }) => ({ what: what.slice(0, 160), why: why.slice(0, 160) })),
  }
  for (let kept = 16; ; kept -= 1) {
    const text = JSON.stringify({
      ...short,
      types: short.types.slice(0, kept),
      failures: short.failures.slice(0, kept),
      missing: short.missing.slice(0, kept),
    })
    if (kept === 0 || Buffer.byteLength(text) <= maxBytes) return text
  }
}
