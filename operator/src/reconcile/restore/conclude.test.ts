import { expect, test } from 'vitest'
import type { RestoreReport } from '../../../../workers/jobs/restore/config.ts'
import type { Restore, StepStatus } from '../../api/v1alpha1/restore.ts'
import { restoreSpecSchema } from '../../api/v1alpha1/restore.ts'
import { started, statusWith } from './conclude.ts'
import { advance, begin } from './ledger.ts'

const time = (ms: number): string => new Date(ms).toISOString()
const start = Date.parse('2026-01-01T12:00:00Z')
const restoreOf = (spec: object = {}): Restore => ({
  metadata: { namespace: 'app', name: 'back', uid: '12345678-0000', generation: 1 },
  spec: restoreSpecSchema.parse({ system: 'todo', source: { backup: 'monday' }, ...spec }),
})
/** The restore with its steps done up to `at`, one second each; the pods say `cutAt`. */
const upTo = (restore: Restore, at?: StepStatus['name']) => {
  let status = started(restore, start)
  let now = start
  const clock = () => ({ now: (now += 1_000), end: start + 3_600_000, time, abort: false })
  const report = {
    step: 'check',
    message: '',
    backup: { path: 'p', manifestSha256: '', cutAt: time(start - 7_200_000), auditSequence: 5 },
  } as const
  for (;;) {
    const ledger = begin(status.steps ?? [], clock())
    const running = ledger.find(({ state }) => state === 'Running')
    const seen = { restore: { ...restore, status }, now }
    if (running === undefined || running.name === at) return { ...seen, ledger }
    const next = advance(ledger, { kind: 'Succeeded', message: 'done' }, clock())
    status = statusWith(seen, next, running.name === 'Check' ? { report } : {})
  }
}

test('progress is that of the running step, and goes with it', () => {
  const seen = upTo(restoreOf(), 'Database')
  const progress = { percent: 40, bytes: 4_000, part: 'database.dump' }
  const status = statusWith(seen, seen.ledger, { progress })
  expect(status).toMatchObject({ phase: 'Running', progress })
  expect(statusWith({ ...seen, restore: { ...seen.restore, status } }, seen.ledger)).not.toHaveProperty('progress')
})

test('the moment that is restored is the cut, and what was lost counts from there', () => {
  const { restore } = upTo(restoreOf({ safetyBackup: { skip: true, reason: 'a test' } }))
  expect(restore.status).toMatchObject({ phase: 'Succeeded', summary: 'Restored to 2026-01-01T10:00:00.000Z' })
  expect(restore.status.measured?.rpo).toBeGreaterThanOrEqual(7_200)
})

test('with until it is the later one, and what could not be taken over makes it a part', () => {
  const asked = restoreOf({ until: { auditSequence: 9 }, safetyBackup: { skip: true, reason: 'a test' } })
  const seen = upTo(asked, 'Reapply')
  const reapplied = { entries: 4, auditSequence: 9, until: time(start - 60_000) }
  const report: RestoreReport = { step: 'reapply', message: '', reapplied, violations: ['2 tasks are left out'] }
  const after = statusWith(seen, seen.ledger, { report })
  expect(after).toMatchObject({ auditSequence: 9, reapplied: { entries: 4, until: reapplied.until } })
  const done = seen.ledger.map((step): StepStatus => ({ ...step, state: 'Succeeded' }))
  const ended = statusWith({ ...seen, restore: { ...seen.restore, status: after } }, done, {
    report: { step: 'validate', message: '', violations: ['one more'] },
  })
  expect(ended).toMatchObject({
    phase: 'PartiallySucceeded',
    violations: ['2 tasks are left out', 'one more'],
    summary: 'Restored, but 2 tasks are left out; one more',
  })
  expect(ended.measured?.rpo).toBeLessThan(120)
})
