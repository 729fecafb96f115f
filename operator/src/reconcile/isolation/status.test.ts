import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { aStatus, anObserved, notReady } from '../../../test/support/observed.ts'
import type { IsolationStatus, ServiceStatus } from '../../api/v1alpha1/schema/status.ts'
import type { Isolation, Isolations } from './isolations.ts'
import { isolatedCondition, isolationStatuses, type IsolationSeen } from './status.ts'

const asked = { mode: 'Network', reason: 'odd entries', by: 'alice', until: '2026-01-01T01:00:00Z' } as const
const isolation = (over: Partial<Isolation> = {}): Isolation => ({
  worker: 'audit',
  asked,
  evidence: { name: 'todo-audit-1', phase: 'Succeeded', settled: true, line: '14 files, 20 KiB', deadline: 0 },
  inForce: true,
  allowedBy: [],
  ...over,
})
const isolations = (over: Partial<Isolations> = {}): Isolations => ({ current: [], ending: [], toClose: [], ...over })
const before = (status: Partial<IsolationStatus>): ServiceStatus => ({
  name: 'audit',
  desired: 1,
  ready: 1,
  isolation: { ...asked, state: 'InForce', since: '2025-12-31T00:00:00Z', ...status },
})
const see = (over: Partial<IsolationSeen> = {}): IsolationStatus | undefined =>
  isolationStatuses({
    bot: aTodoChatbot({ services: { audit: { isolated: asked } } }),
    isolations: isolations({ current: [isolation()] }),
    previous: [],
    membersOf: () => undefined,
    addressesOf: () => ['10.0.0.7'],
    now: '2026-01-01T00:00:00Z',
    ...over,
  }).audit

describe('services[].isolation', () => {
  test('says who, why, until when and where the evidence is', () =>
    expect(see()).toEqual({
      ...asked,
      state: 'InForce',
      since: '2026-01-01T00:00:00Z',
      incident: 'todo-audit-1',
      message: 'Incident/todo-audit-1: 14 files, 20 KiB',
    }))

  test('keeps its time while the state stays the same', () =>
    expect(see({ previous: [before({})] })?.since).toBe('2025-12-31T00:00:00Z'))

  test.each([
    [
      'a policy of others lets traffic through',
      { allowedBy: ['monitoring'] },
      [],
      'NetworkPolicy/monitoring is not ours',
    ],
    ['its pod is still in its consumer group', {}, ['10.0.0.7', '10.0.0.8'], '10.0.0.7 is still in its consumer group'],
  ])('warns while %s', (_what, over, members, says) => {
    const current = [isolation(over)]
    const message = see({ isolations: isolations({ current }), membersOf: () => members })?.message
    expect(message).toContain(says)
    expect(message).not.toContain('10.0.0.8')
  })

  test.each([
    ['the field was removed', aTodoChatbot(), 'withdrawn: spec.services.audit.isolated was removed; isolated by alice'],
    [
      'its time was up',
      aTodoChatbot({ services: { audit: { isolated: asked } } }),
      'ended: its time was up; isolated by',
    ],
  ])('keeps how it ended: %s', (_what, bot, says) => {
    const ended = see({ bot, isolations: isolations(), previous: [before({})] })
    expect(ended).toMatchObject({ state: 'Ended', by: 'alice' })
    expect(ended?.message).toContain(says)
  })

  test('does not say that it has ended before everything is given back', () =>
    expect(see({ isolations: isolations({ ending: ['audit'] }), previous: [before({})] })?.state).toBe('InForce'))
})

describe('the condition Isolated', () => {
  const bot = aTodoChatbot({ services: { audit: { isolated: asked } } })
  const status: IsolationStatus = { ...asked, state: 'InForce' }
  test.each([
    ['in force', bot, { audit: status }, ['True', 'Isolated']],
    [
      'waiting for its evidence',
      bot,
      { audit: { ...status, state: 'CollectingEvidence' as const } },
      ['False', 'CollectingEvidence'],
    ],
    ['past its end', bot, { audit: { ...status, state: 'Ended' as const } }, ['False', 'Expired']],
    ['not asked for', aTodoChatbot(), {}, ['False', 'NotIsolated']],
  ])('of an isolation that is %s', (_what, of, statuses, expected) => {
    const { status: held, reason, message } = isolatedCondition(of, statuses)
    expect([held, reason]).toEqual(expected)
    expect(message).not.toBe('')
  })
})

describe('a system with an isolated worker', () => {
  const isolatedAudit = { seen: { isolation: isolations({ current: [isolation()] }) } }
  const status = { version: '0.1.0', observedGeneration: 1 }
  const conditionsOf = (of: ReturnType<typeof aStatus>): Record<string, string> =>
    Object.fromEntries((of.conditions ?? []).map(({ type, status: held, reason }) => [type, `${held} ${reason}`]))

  test('is not Ready, and neither busy nor stuck', () => {
    const seen = aStatus(
      anObserved({
        ...isolatedAudit,
        bot: { status },
        live: (live) => ({ ...live, workers: { ...live.workers, audit: notReady(live.workers.audit) } }),
      }),
    )
    expect(seen.phase).toBe('Isolated')
    expect(seen.operation).toBeUndefined()
    expect(conditionsOf(seen)).toMatchObject({
      Ready: 'False Isolated',
      Reconciling: 'False Done',
      Stalled: 'False AsExpected',
      WorkersReady: 'False Isolated',
      DaprReady: 'True Loaded',
      Isolated: 'True Isolated',
    })
    expect(seen.services?.find(({ name }) => name === 'audit')).toMatchObject({ sidecar: 'Unknown' })
  })

  test('says what else is wrong first', () => {
    const seen = aStatus(
      anObserved({
        ...isolatedAudit,
        bot: { status },
        live: (live) => ({ ...live, workers: { ...live.workers, notification: notReady(live.workers.notification) } }),
      }),
    )
    expect(conditionsOf(seen)).toMatchObject({ Ready: 'False NotReady', WorkersReady: 'False NotReady' })
    expect(seen.operation?.kind).toBe('Recover')
  })
})
