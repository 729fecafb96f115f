import { expect, test } from 'vitest'
import type { Backup, BackupStatus } from '../../api/v1alpha1/backup.ts'
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
