import { describe, expect, test } from 'vitest'
import type { RemediationStatus } from '../../../api/v1alpha1/schema/status.ts'
import { nextLimit, raiseAfter, type RaisedMemory } from './raised-memory.ts'

const raised = (limit: string, ordinary = '256Mi', remediation = 'audit-1'): RaisedMemory => ({
  limit,
  ordinary,
  since: '2026-01-01T00:00:00Z',
  remediation,
})
const entry = (id: string, state: RemediationStatus['state'] = 'Acting'): RemediationStatus => ({
  id,
  worker: 'audit',
  signal: 'OOMKilled',
  action: 'RaiseMemory',
  state,
  startedAt: '2026-01-01T00:00:00Z',
})

describe('the next memory limit', () => {
  test.each([
    { name: 'half as much again', ordinary: '256Mi', now: undefined, max: undefined, next: '384Mi' },
    { name: 'at most twice the ordinary one', ordinary: '256Mi', now: '384Mi', max: undefined, next: '512Mi' },
    { name: 'nothing beyond the bound', ordinary: '256Mi', now: '512Mi', max: undefined, next: undefined },
    { name: 'at most maxMemory', ordinary: '256Mi', now: undefined, max: '300Mi', next: '300Mi' },
    { name: 'nothing when maxMemory is less', ordinary: '256Mi', now: undefined, max: '128Mi', next: undefined },
    { name: 'nothing without a limit', ordinary: undefined, now: undefined, max: '1Gi', next: undefined },
  ])('is $name', ({ ordinary, now, max, next }) => {
    expect(nextLimit({ ordinary, max, raised: now === undefined ? undefined : raised(now) })).toBe(next)
  })
})

describe('memory that was raised', () => {
  const bounds = { ordinary: '256Mi', max: undefined }

  test('is raised once per action, however often the step is repeated', () => {
    const once = raiseAfter({ ...bounds, raised: undefined }, entry('audit-2'))
    expect(once).toMatchObject({ limit: '384Mi', ordinary: '256Mi', remediation: 'audit-2' })
    expect(raiseAfter({ ...bounds, raised: once }, entry('audit-2'))).toEqual(once)
    expect(raiseAfter({ ...bounds, raised: once }, entry('audit-3'))?.limit).toBe('512Mi')
  })

  test('stays when the remediation is over, and ends when the spec gives another limit', () => {
    expect(raiseAfter({ ...bounds, raised: raised('384Mi') }, undefined)).toEqual(raised('384Mi'))
    expect(raiseAfter({ ...bounds, ordinary: '300Mi', raised: raised('384Mi') }, undefined)).toBeUndefined()
  })

  test('is not raised before evidence is taken', () => {
    expect(raiseAfter({ ...bounds, raised: undefined }, entry('audit-2', 'Evidence'))).toBeUndefined()
  })
})
