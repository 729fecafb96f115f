import { describe, expect, test } from 'vitest'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import { checkCatalogue } from './catalogue.ts'
import { found, passed, type Outcome } from './check.ts'
import { auditCondition, checksSection } from './publish.ts'

const report = (outcomes: Outcome[], over: object = {}) => ({
  outcomes,
  trail: undefined,
  leftovers: [],
  request: undefined,
  ...over,
})
const status = (section: object): TodoChatbotStatus => ({ observedGeneration: 1, ...section })
const [early, later, muchLater] = ['2026-01-01T00:00:00Z', '2026-01-01T00:05:00Z', '2026-01-01T02:00:00Z']

describe('what a status says of the checks', () => {
  test('is the very same for the same findings, whenever they were made', () => {
    const findings = report([passed('topics', '6 of 6 topics'), found('outbox', 'Warning', 'the oldest event waits')], {
      trail: { seq: 9, hash: 'aa', at: early },
      leftovers: [{ object: 'Topic/x', since: early, deletedBy: 'Nobody' }],
    })
    const first = checksSection(undefined, findings, early)
    const again = { ...findings, trail: { seq: 12, hash: 'bb', at: later } }
    const leftovers = [{ object: 'Topic/x', since: later, deletedBy: 'Nobody' as const }]
    expect(checksSection(status(first), { ...again, leftovers }, later)).toEqual(first)
  })

  test('says since when a check says what it says, with the remedy where one is needed', () => {
    const before = status(checksSection(undefined, report([passed('outbox'), passed('topics')]), early))
    const { checks } = checksSection(before, report([found('outbox', 'Failed', 'stuck'), passed('topics')]), later)
    expect(checks).toEqual([
      { name: 'outbox', result: 'Failed', at: later, message: 'stuck', remedy: checkCatalogue.outbox.remedy },
      { name: 'topics', result: 'Passed', at: early },
    ])
  })

  test('counts results and answers requests', () => {
    const findings = report([passed('outbox'), found('topics', 'Failed', 'x')], { request: 'now' })
    const first = checksSection(undefined, findings, early)
    expect(first.lastCheck).toEqual({ at: early, request: 'now', summary: '1 failed, 1 passed' })
    const { lastCheck } = checksSection(status(first), { ...findings, request: 'again' }, later)
    expect(lastCheck).toEqual({ at: later, request: 'again', summary: '1 failed, 1 passed' })
  })

  test('stays what it was until a round of this process is over', () => {
    const before = status(checksSection(undefined, report([found('outbox', 'Failed', 'stuck')]), early))
    expect(status(checksSection(before, undefined, later))).toEqual(before)
  })

  test('moves the noted entry of the trail at most once an hour, and anew after a reset', () => {
    const at = (seq: number, time: string, reset?: string) =>
      report([], { trail: { seq, hash: String(seq), at: time, ...(reset === undefined ? {} : { reset }) } })
    const before = status(checksSection(undefined, at(9, early), early))
    expect(checksSection(before, at(10, later), later).auditTrail?.seq).toBe(9)
    expect(checksSection(before, at(11, muchLater), muchLater).auditTrail?.seq).toBe(11)
    expect(checksSection(before, at(1, later, 'restored'), later).auditTrail?.seq).toBe(1)
    expect(checksSection(before, report([]), later).auditTrail?.seq).toBe(9)
  })
})

describe('the condition AuditIntact', () => {
  const of = (outcomes: Outcome[], before?: TodoChatbotStatus) =>
    auditCondition(checksSection(undefined, report(outcomes), early), before, 'todo')

  test('follows the check, with the place of the damage', () => {
    expect(of([passed('audit-chain')])).toMatchObject({ status: 'True', reason: 'Intact' })
    expect(of([found('audit-chain', 'Failed', 'the content of entry 7 was changed')])).toMatchObject({
      status: 'False',
      reason: 'AuditTrailDamaged',
      message: expect.stringContaining('the content of entry 7 was changed') as string,
    })
    expect(of([])).toMatchObject({ status: 'Unknown', reason: 'NotVerified' })
  })

  test('does not forget a damage because the audit worker is away', () => {
    const damaged = of([found('audit-chain', 'Failed', 'entry 7 is missing')])
    const before = status({ conditions: [{ ...damaged, observedGeneration: 1, lastTransitionTime: early }] })
    const { status: holds, reason } = of([found('audit-chain', 'Unknown', 'no Ready pod')], before)
    expect([holds, reason]).toEqual(['False', 'AuditTrailDamaged'])
  })
})
