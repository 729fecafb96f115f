import { setTimeout as sleep } from 'node:timers/promises'
import type { Account, TaskBody } from '../../e2e/support/account.ts'
import { inFlight, percentile, rounded } from '../statistics.ts'
import type { AuditTail } from './audit-tail.ts'

/** What one load did. Times in ms. */
export interface LoadResult {
  readonly load: string
  readonly changes: number
  /** Answers other than 201. */
  readonly refused: number
  /** Changes answered per second of sending. */
  readonly answeredPerSecond: number
  /** Changes audited per second, from the first request to the last audit entry. */
  readonly auditedPerSecond: number
  readonly answeredP50: number
  readonly answeredP99: number
  /** From the moment a request was to be sent until its audit entry was committed. */
  readonly auditedP50: number
  readonly auditedP99: number
}

interface Sent {
  readonly taskId: string
  readonly due: number
  readonly answered: number
}

const body = (number: number): Readonly<Record<string, unknown>> => ({
  title: `task ${number}`,
  description: 'A description of some length, as people write them: what, where, with whom, and why it matters at all.',
  priority: 'MEDIUM',
  tags: ['home', 'errand'],
})

async function create(account: Account, number: number, due: number, sent: Sent[]): Promise<boolean> {
  const answer = await account.call('/api/v1/tasks', { method: 'POST', body: body(number), timeout: 30_000 })
  if (answer.status !== 201) return false
  sent.push({ taskId: (answer.body as TaskBody).id, due, answered: performance.now() })
  return true
}

/**
 * Requests leave at a fixed rate whether or not earlier ones were answered (open loop), and latency counts from the
 * moment a request was due: a server that stalls cannot hide it by slowing its clients.
 */
export async function atRate(
  users: readonly Account[],
  rate: number,
  seconds: number,
  tail: AuditTail,
): Promise<LoadResult> {
  const sent: Sent[] = []
  const total = rate * seconds
  const begin = performance.now()
  const pending: Promise<boolean>[] = []
  for (let number = 0; number < total; number += 1) {
    const due = begin + (number * 1000) / rate
    const wait = due - performance.now()
    if (wait > 1) await sleep(wait)
    const account = users[number % users.length]
    if (account !== undefined) pending.push(create(account, number, due, sent).catch(() => false))
  }
  const refused = (await Promise.all(pending)).filter((ok) => !ok).length
  return summary(`${rate}/s for ${seconds} s`, sent, refused, begin, tail)
}

/** So many requests in flight at any time (closed loop): what the system can take. */
export async function asFastAsPossible(
  users: readonly Account[],
  width: number,
  changes: number,
  tail: AuditTail,
): Promise<LoadResult> {
  const sent: Sent[] = []
  let refused = 0
  const begin = performance.now()
  await inFlight(Array.from({ length: changes }), width, async (_, number) => {
    const account = users[number % users.length]
    if (account === undefined) return
    const ok = await create(account, number, performance.now(), sent).catch(() => false)
    if (!ok) refused += 1
  })
  return summary(`${width} in flight`, sent, refused, begin, tail)
}

async function summary(
  load: string,
  sent: readonly Sent[],
  refused: number,
  begin: number,
  tail: AuditTail,
): Promise<LoadResult> {
  const answered = Math.max(...sent.map((one) => one.answered))
  const seen = await tail.seen(
    sent.map(({ taskId }) => taskId),
    120_000,
  )
  const audited = sent.map(({ taskId, due }) => (seen.get(taskId) ?? Number.NaN) - due)
  const responses = sent.map((one) => one.answered - one.due)
  const perSecond = (end: number): number => rounded(sent.length / ((end - begin) / 1000))
  return {
    ...{ load, changes: sent.length, refused },
    answeredPerSecond: perSecond(answered),
    auditedPerSecond: perSecond(Math.max(...sent.map(({ taskId }) => seen.get(taskId) ?? Number.NaN))),
    answeredP50: rounded(percentile(responses, 0.5), 1),
    answeredP99: rounded(percentile(responses, 0.99), 1),
    auditedP50: rounded(percentile(audited, 0.5), 1),
    auditedP99: rounded(percentile(audited, 0.99), 1),
  }
}
