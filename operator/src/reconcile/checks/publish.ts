/**
 * What a status says of the checks, from what it said before and what a round found. Pure, and steady: the same findings lead to the very same
 * status, so nothing is written. Proof: publish.test.ts.
 */
import type { ConditionUpdate } from '../../api/v1alpha1/conditions.ts'
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import type { CheckStatus, Leftover, TodoChatbotStatus, VerifiedTrail } from '../../api/v1alpha1/schema/status.ts'
import { finding, messageOf } from '../errors.ts'
import { checkCatalogue } from './catalogue.ts'
import type { Outcome } from './check.ts'
import type { CheckReport } from './check-watch.ts'

/** The sections of a status that come from the checks. */
export type ChecksSection = Pick<TodoChatbotStatus, 'checks' | 'lastCheck' | 'auditTrail' | 'leftovers'>

/** ms between two moves of the verified entry: a busy trail grows all the time, and the noted hash is worth no write a minute. */
const trailInterval = 3_600_000

/** Makes the sections. Without a report, those of an earlier process stay. @param now RFC 3339, seconds */
export function checksSection(
  before: TodoChatbotStatus | undefined,
  report: CheckReport | undefined,
  now: string,
): ChecksSection {
  if (report === undefined) {
    const { checks, lastCheck, auditTrail, leftovers } = before ?? {}
    return defined({ checks, lastCheck, auditTrail, leftovers })
  }
  const checks = report.outcomes.map((outcome) =>
    checkStatus(
      outcome,
      before?.checks?.find(({ name }) => name === outcome.name),
      now,
    ),
  )
  return defined({
    checks,
    lastCheck: lastCheck(before?.lastCheck, report, summaryOf(checks), now),
    auditTrail: trailOf(before?.auditTrail, report.trail),
    leftovers: leftoversOf(before?.leftovers, report.leftovers),
  })
}

/** AuditIntact, from the check of that name. A trail that cannot be looked at is what it was found to be last. */
export function auditCondition(
  status: Pick<TodoChatbotStatus, 'checks'>,
  before: TodoChatbotStatus | undefined,
  name: string,
): ConditionUpdate {
  const type = 'AuditIntact'
  const check = status.checks?.find(({ name: checked }) => checked === 'audit-chain')
  if (check?.result === 'Passed') return { type, status: 'True', reason: 'Intact', message: 'The hash chain holds' }
  const object = `TodoChatbot/${name}`
  if (check?.result === 'Failed') {
    const damage = finding('AuditTrailDamaged', object, check.message ?? 'the hash chain does not hold')
    return { type, status: 'False', reason: damage.reason, message: messageOf(damage).slice(0, 4096) }
  }
  const last = findCondition(before?.conditions, type)
  if (last !== undefined && last.status !== 'Unknown')
    return { type, status: last.status, reason: last.reason, message: last.message }
  const unknown = finding('NotVerified', object, 'its audit trail has not been looked at yet')
  return { type, status: 'Unknown', reason: unknown.reason, message: messageOf(unknown) }
}

function checkStatus(outcome: Outcome, before: CheckStatus | undefined, now: string): CheckStatus {
  const { name, result, figure, message } = outcome
  const said = {
    name,
    result,
    ...(figure === undefined ? {} : { figure: figure.slice(0, 256) }),
    ...(message === undefined ? {} : { message: message.slice(0, 1024) }),
    ...(result === 'Warning' || result === 'Failed' ? { remedy: checkCatalogue[name].remedy } : {}),
  }
  const same = before?.result === said.result && before.figure === said.figure && before.message === said.message
  return { ...said, at: same ? before.at : now }
}

function summaryOf(checks: readonly CheckStatus[]): string {
  const words = { Failed: 'failed', Warning: 'with a warning', Unknown: 'unknown', Passed: 'passed' } as const
  return Object.entries(words)
    .map(([result, word]) => [checks.filter((check) => check.result === result).length, word] as const)
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`)
    .join(', ')
}

function lastCheck(
  before: TodoChatbotStatus['lastCheck'],
  { request }: CheckReport,
  summary: string,
  now: string,
): NonNullable<TodoChatbotStatus['lastCheck']> {
  if (before?.request === request && before?.summary === summary) return before
  return { at: now, summary, ...(request === undefined ? {} : { request: request.slice(0, 256) }) }
}

function trailOf(before: VerifiedTrail | undefined, found: VerifiedTrail | undefined): VerifiedTrail | undefined {
  if (before === undefined || found === undefined || before.reset !== found.reset) return found ?? before
  return Date.parse(found.at) - Date.parse(before.at) >= trailInterval && found.seq > before.seq ? found : before
}

/** `since` is when it was first reported: what the clean-up goes by. */
function leftoversOf(before: readonly Leftover[] | undefined, found: readonly Leftover[]): Leftover[] | undefined {
  if (found.length === 0) return undefined
  return found.slice(0, 32).map((leftover) => {
    const known = before?.find(({ object }) => object === leftover.object)
    return known === undefined ? leftover : { ...leftover, since: known.since }
  })
}

const defined = (section: { readonly [K in keyof ChecksSection]: ChecksSection[K] | undefined }): ChecksSection =>
  Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined))
