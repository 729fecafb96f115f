import { expect, test } from 'vitest'
import type { Backup, BackupStatus } from '../../api/v1alpha1/backup.ts'
import type { Restore } from '../../api/v1alpha1/restore.ts'
import { sectionOf } from './section.ts'

const backup = (name: string, status: Partial<BackupStatus>): Backup => ({
  metadata: { name, namespace: 'n', uid: name, generation: 1 },
  spec: { system: 'todo', trigger: 'Manual' },
  status: { observedGeneration: 1, phase: 'Succeeded', path: `n/todo/${name}`, ...status },
})
const cut = { at: '2026-01-01T00:00:00.000Z', skewMs: 5, audit: [] }
const good = (name: string, finishedAt: string): Backup => backup(name, { cut, finishedAt })
const bad = (name: string, finishedAt: string): Backup =>
  backup(name, { phase: 'Failed', finishedAt, summary: 'DestinationFull: no space' })
const lastFailed = (...backups: Backup[]): string | undefined =>
  sectionOf({ backups, restores: [], previous: undefined, now: {} })?.lastFailed?.name

test.each([
  ['that came after the last success is told', '2026-01-01T00:01:00.000Z', 'bad'],
  ['within the same second after the last success is told', '2026-01-01T00:00:35.400Z', 'bad'],
  ['within the same second before it is not', '2026-01-01T00:00:35.100Z', undefined],
])('a failure %s', (_what, failedAt, told) => {
  expect(lastFailed(bad('bad', failedAt), good('good', '2026-01-01T00:00:35.200Z'))).toBe(told)
})

const restored = (path: string, rpo: number): Restore => ({
  metadata: { name: 'drill', namespace: 'n', uid: 'drill', generation: 1 },
  spec: { system: 'todo', mode: 'Drill', trigger: 'Schedule', source: { path }, deadline: '2h' },
  status: {
    ...{ observedGeneration: 1, phase: 'Succeeded', path, finishedAt: '2026-01-02T00:10:00Z' },
    measured: { rto: 42, rpo },
  },
})
const older = backup('older', { cut: { ...cut, at: '2025-12-31T23:00:00.000Z' }, finishedAt: '2025-12-31T23:00:10Z' })
const newest = good('newest', '2026-01-01T00:00:10Z')

test.each<[string, Backup[], Restore[], number | undefined]>([
  ['is not known from one backup', [newest], [], undefined],
  ['is the time between the last two cuts', [older, newest], [], 3600],
  [
    'is the age of the newest backup at a drill where that is longer',
    [older, newest],
    [restored('n/todo/newest', 7200)],
    7200,
  ],
  ['is not shortened by a drill soon after the backup', [older, newest], [restored('n/todo/newest', 60)], 3600],
  ['is not lengthened by the drill of an old backup', [older, newest], [restored('n/todo/older', 99_999)], 3600],
])('the measured RPO %s', (_what, backups, restores, rpo) =>
  expect(sectionOf({ backups, restores, previous: undefined, now: {} })?.measuredRPO).toBe(rpo),
)

test('the measured RTO is that of the last verified restore, and outlives the Restore', () => {
  const section = sectionOf({
    backups: [newest],
    restores: [restored('n/todo/newest', 60)],
    previous: undefined,
    now: {},
  })
  expect(section).toMatchObject({ measuredRTO: 42, lastVerifiedRestore: { backup: 'newest', restore: 'drill' } })
  expect(sectionOf({ backups: [newest], restores: [], previous: section, now: {} })).toMatchObject({
    measuredRTO: 42,
    lastVerifiedRestore: { backup: 'newest', restore: 'drill' },
  })
})
