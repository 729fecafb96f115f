import { describe, expect, test } from 'vitest'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { finding } from '../errors.ts'
import { blockedRevisions, isOverdue, progressOf, type ProgressInput, type RefusalInput } from './progress.ts'

const now = Date.parse('2026-01-01T00:10:00Z')
const starting = finding('Starting', 'Pod/x', 'is starting')
const live = (hash: string) => ({ hash, revision: '7', config: `config-${hash}` })
const input = (over: Partial<ProgressInput> = {}): ProgressInput => ({
  live: live('b'),
  wanted: 1,
  mixed: false,
  unhealthy: undefined,
  suspended: false,
  refused: [],
  previous: { lastHealthy: { template: 'a', config: 'config-a' } },
  deadline: 300_000,
  now,
  ...over,
})

describe('the last healthy template', () => {
  test('is what is rolled out and healthy, with its configuration; the one before is kept', () =>
    expect(progressOf(input())).toEqual({
      lastHealthy: { template: 'b', revision: '7', config: 'config-b', at: '2026-01-01T00:10:00Z' },
      healthyBefore: { template: 'a', config: 'config-a' },
    }))

  test('stands since it was first seen healthy', () => {
    const previous = { lastHealthy: { template: 'b', at: '2026-01-01T00:00:00Z' } }
    expect(progressOf(input({ previous })).lastHealthy).toMatchObject({ at: '2026-01-01T00:00:00Z' })
  })

  test.each([
    ['pods are not healthy', { unhealthy: starting }],
    ['pods of an older template are left', { mixed: true }],
    ['there are no pods to prove it', { wanted: 0 }],
    ['the Deployment does not say what it holds', { live: undefined }],
  ])('is not replaced while %s', (_what, over) =>
    expect(progressOf(input(over)).lastHealthy).toEqual({ template: 'a', config: 'config-a' }),
  )

  test('that was refused later is not what a next rollback returns to', () =>
    expect(
      progressOf(
        input({ previous: { lastHealthy: { template: 'x' }, healthyBefore: { template: 'b' } }, refused: ['x'] }),
      ),
    ).toEqual({ lastHealthy: expect.objectContaining({ template: 'b' }) }))
})

describe('a rollout', () => {
  const unhealthy = starting
  test('begins when an unknown template comes up, and keeps its deadline', () => {
    const begun = progressOf(input({ unhealthy }))
    expect(begun.rollout).toEqual({
      template: 'b',
      startedAt: '2026-01-01T00:10:00Z',
      deadline: '2026-01-01T00:15:00Z',
    })
    const later = progressOf(input({ unhealthy, previous: begun, now: now + 60_000 }))
    expect(later.rollout).toEqual(begun.rollout)
    expect(isOverdue(later, now + 299_000)).toBe(false)
    expect(isOverdue(later, now + 300_000)).toBe(true)
  })

  test('of another template has a deadline of its own', () => {
    const begun = progressOf(input({ unhealthy }))
    const other = progressOf(input({ unhealthy, live: live('c'), previous: begun, now: now + 60_000 }))
    expect(other.rollout).toMatchObject({ template: 'c', startedAt: '2026-01-01T00:11:00Z' })
  })

  test.each([
    ['is none when the last healthy template falls ill', { live: live('a') }],
    ['has no clock while it is paused or held from outside', { suspended: true }],
    ['is none without pods', { wanted: 0 }],
  ])('%s', (_what, over) => expect(progressOf(input({ unhealthy, ...over }))).not.toHaveProperty('rollout'))
})

describe('a change is refused', () => {
  const late = { template: 'b', startedAt: '2026-01-01T00:00:00Z', deadline: '2026-01-01T00:05:00Z' }
  const worker = (over: Partial<RefusalInput> = {}): RefusalInput => ({
    desired: 'b',
    live: 'b',
    progress: { lastHealthy: { template: 'a' }, rollout: late },
    unhealthy: starting,
    ...over,
  })
  const fine = worker({ desired: 'a', live: 'a', progress: { lastHealthy: { template: 'a' } }, unhealthy: undefined })
  const others = Object.fromEntries(workerFields.map((field) => [field, fine])) as Record<WorkerField, RefusalInput>
  const of = (audit: RefusalInput, previous: Parameters<typeof blockedRevisions>[1] = [], automatic = true) =>
    blockedRevisions({ ...others, audit }, previous, { automatic, now })

  test('when it is past its deadline, with what the pods said', () =>
    expect(of(worker())).toEqual([
      {
        worker: 'audit',
        template: 'b',
        reason: 'did not become healthy in time with its change (Pod/x: is starting)',
        at: '2026-01-01T00:10:00Z',
      },
    ]))

  test.each([
    [
      'there is time left',
      worker({ progress: { lastHealthy: { template: 'a' }, rollout: { ...late, deadline: '2026-01-01T00:20:00Z' } } }),
    ],
    ['there is nothing to return to', worker({ progress: { rollout: late } })],
    ['only the way to the sidecar is cut', worker({ unhealthy: finding('SidecarUnreachable', 'Pod/x', 'no answer') })],
    ['it is what it was returned to that fails', worker({ live: 'a' })],
  ])('not while %s', (_what, audit) => expect(of(audit)).toEqual([]))

  test('not where a person is to decide', () => expect(of(worker(), [], false)).toEqual([]))

  const standing = { worker: 'audit', template: 'b', reason: 'no', at: '2026-01-01T00:06:00Z' }
  test('once: applying the same again changes nothing', () =>
    expect(
      of(worker({ live: 'a', progress: { lastHealthy: { template: 'a' } }, unhealthy: undefined }), [standing]),
    ).toEqual([standing]))
  test('until it is edited', () =>
    expect(of(worker({ desired: 'c', live: 'a', progress: { lastHealthy: { template: 'a' } } }), [standing])).toEqual(
      [],
    ))

  test('when remediation asks for it, also after it had been healthy', () =>
    expect(
      blockedRevisions(
        {
          ...others,
          audit: worker({ progress: { lastHealthy: { template: 'b' }, healthyBefore: { template: 'a' } } }),
        },
        [],
        { automatic: false, asked: { audit: 'keeps running out of memory' }, now },
      ),
    ).toMatchObject([{ worker: 'audit', template: 'b', reason: 'keeps running out of memory' }]))
})
