import { describe, expect, test } from 'vitest'
import { aPod } from '../../../test/support/observed.ts'
import type { Incident } from '../../api/v1alpha1/incident.ts'
import { conclude, started, type IncidentSeen } from './conclude.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const fresh: Incident = {
  metadata: { name: 'odd', namespace: 'todo-app', uid: '12345678-0000', generation: 1 },
  spec: { system: 'todo', worker: 'audit', trigger: 'Manual', reason: 'looks odd' },
}
const incident: Incident = { ...fresh, status: started(fresh, now) }
const seen = (over: Partial<IncidentSeen> = {}): IncidentSeen => ({
  incident,
  job: { name: 'odd-evidence', state: 'Running', message: '' },
  pods: [],
  claim: { name: 'todo-evidence', bound: true, storageClass: '', createdAt: '' },
  problem: undefined,
  now: now + 5_000,
  ...over,
})
const ended = (message: string, exitCode = 0) =>
  aPod('odd-evidence-1', {
    ready: false,
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containers: [{ name: 'evidence', state: { terminated: { exitCode, message } } }],
  })
const report = { file: 'odd.tar.gz', bytes: 3_000_000, sha256: 'a'.repeat(64), collected: [], missing: [] }

test('the deadline counts from the first look', () =>
  expect(incident.status).toMatchObject({
    phase: 'Pending',
    startedAt: '2026-01-01T00:00:00Z',
    deadline: '2026-01-01T00:02:00Z',
  }))

describe('an Incident', () => {
  test('is done when its pod says so, before the Job controller does', () =>
    expect(conclude(seen({ pods: [ended(JSON.stringify(report))] }))).toMatchObject({
      phase: 'Succeeded',
      archive: { claim: 'todo-evidence', path: 'odd-12345678.tar.gz', bytes: 3_000_000 },
      finishedAt: '2026-01-01T00:00:05Z',
    }))

  test('with more missing than fits into a message points to the manifest', () => {
    const missing = [{ what: 'logs', why: 'gone' }]
    const status = conclude(seen({ pods: [ended(JSON.stringify({ ...report, missing, more: 7 }))] }))
    expect(status).toMatchObject({ phase: 'PartiallySucceeded', summary: '0 files, 2.9 MiB; 8 missing: logs' })
    expect(status.missing?.[1]).toEqual({ what: '7 more', why: 'manifest.json in the archive lists all of them' })
  })

  test('whose pod is gone although the Job is complete has an archive, and says where its checksum is', () => {
    const status = conclude(seen({ job: { name: 'x', state: 'Complete', message: '' } }))
    expect(status).toMatchObject({ phase: 'PartiallySucceeded', archive: { path: 'odd-12345678.tar.gz' } })
    expect(status.missing?.[0]?.why).toContain('odd-12345678.tar.gz.sha256')
  })

  test.each(['not JSON', '{"file":"x"}'])('does not take "%s" for a report', (message) =>
    expect(conclude(seen({ pods: [ended(message)] })).phase).toBe('Pending'),
  )

  test('fails when the Job gives up, with the last words of its pod', () =>
    expect(
      conclude(seen({ job: { name: 'x', state: 'Failed', message: 'backoff' }, pods: [ended('volume is full', 1)] })),
    ).toMatchObject({ phase: 'Failed', summary: 'evidence: volume is full (exit code 1)' }))

  test('names the claim that has no volume, and fails with it at the deadline', () => {
    const claim = { name: 'todo-evidence', bound: false, storageClass: 'fast', createdAt: '' }
    const line = 'PersistentVolumeClaim/todo-evidence: waits for a volume from storage class fast'
    expect(conclude(seen({ claim }))).toMatchObject({ phase: 'Pending', summary: line })
    expect(conclude(seen({ claim, now: now + 120_000 }))).toMatchObject({
      phase: 'Failed',
      summary: `not done within 120 s: ${line}`,
    })
  })

  test('stays ready once it was finished', () => {
    const ready = conclude(seen({ pods: [ended(JSON.stringify(report))] })).conditions
    expect(ready?.map(({ type, status }) => [type, status])).toEqual([
      ['Ready', 'True'],
      ['Reconciling', 'False'],
      ['Stalled', 'False'],
    ])
  })
})
