import { expect, test } from 'vitest'
import type { Backup, BackupStatus } from '../../api/v1alpha1/backup.ts'
import { destinationSchema } from '../../api/v1alpha1/schema/destination.ts'
import { oldFailures, provenPaths, withoutData } from './retention.ts'

const volume = destinationSchema.parse({ volume: {} })
const other = destinationSchema.parse({ volume: { claim: 'other' } })
const backup = (name: string, status: Partial<BackupStatus>): Backup => ({
  metadata: { name, namespace: 'n', uid: name, generation: 1 },
  spec: { system: 'todo', trigger: 'Manual' },
  status: { observedGeneration: 1, phase: 'Succeeded', destination: volume, path: `n/todo/${name}`, ...status },
})
const namesOf = (backups: readonly Backup[]): string[] => backups.map(({ metadata }) => metadata.name)

test('a Backup goes with its data, and not with that of the same path elsewhere', () => {
  const backups = [backup('a', {}), backup('b', {}), backup('c', { destination: other })]
  expect(namesOf(withoutData(backups, ['n/todo/a', 'n/todo/c', 'n/todo/gone'], volume))).toEqual(['a'])
})

test('what a restore has proved is told to the Job, the newest proof last', () => {
  const backups = [
    backup('a', { verifiedAt: '2026-01-02T00:00:00Z' }),
    backup('b', {}),
    backup('c', { verifiedAt: '2026-01-01T00:00:00Z' }),
  ]
  expect(provenPaths(backups, undefined)).toEqual(['n/todo/c', 'n/todo/a'])
  expect(provenPaths(backups, 'n/todo/d')).toEqual(['n/todo/c', 'n/todo/a', 'n/todo/d'])
})

test('failures go when they are old and not among the newest', () => {
  const failed = (name: string, finishedAt: string): Backup => backup(name, { phase: 'Failed', finishedAt })
  const backups = [
    failed('old', '2026-01-01T00:00:00Z'),
    failed('older', '2025-12-01T00:00:00Z'),
    failed('new', '2026-01-30T00:00:00Z'),
    backup('good', { finishedAt: '2025-01-01T00:00:00Z' }),
  ]
  const now = Date.parse('2026-02-01T00:00:00Z')
  expect(namesOf(oldFailures(backups, { keepLast: 1, maxAge: '168h' }, now))).toEqual(['old', 'older'])
  expect(namesOf(oldFailures(backups, { keepLast: 2, maxAge: '168h' }, now))).toEqual(['older'])
  expect(namesOf(oldFailures(backups, { keepLast: 1, maxAge: '2400h' }, now))).toEqual([])
})
