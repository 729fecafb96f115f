import { expect, test } from 'vitest'
import { destinationSchema } from '../../api/v1alpha1/schema/destination.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { backupCondition, type CurrencyInput } from './condition.ts'

const now = Date.parse('2026-01-02T12:00:00Z')
const destination = destinationSchema.parse({ volume: {} })
const last = { name: 'b', at: '2026-01-02T02:00:05Z', phase: 'Succeeded' } as const
const lastVerifiedRestore = { backup: 'b', path: 'p', at: '2026-01-02T03:00:00Z' }
const failed = { name: 'c', at: '2026-01-02T04:00:00Z', message: 'no space' }
const check = (ok: boolean) => ({ at: '2026-01-02T11:00:00Z', of: 'x', ok, ...(ok ? {} : { message: 'wrong key' }) })
const judge = (section: SystemBackup | undefined, more: Partial<CurrencyInput> = {}) => {
  const policy = { schedule: '0 2 * * *', suspend: false, deadline: '6h', destination }
  const said = backupCondition({
    name: 'todo',
    policy,
    section,
    scheduleProblem: undefined,
    lastDue: Date.parse('2026-01-02T02:00:00Z'),
    now,
    ...more,
  })
  return `${said.status} ${said.reason}`
}
const unconfigured = { policy: { schedule: undefined, suspend: false, deadline: '6h', destination: undefined } }

test.each<[string, string, SystemBackup | undefined, Partial<CurrencyInput>]>([
  ['nothing is configured', 'Unknown BackupNotConfigured', undefined, unconfigured],
  [
    'the schedule cannot be followed',
    'False BackupScheduleInvalid',
    { last, lastVerifiedRestore },
    { scheduleProblem: 'no such zone' },
  ],
  [
    'the destination takes nothing',
    'False BackupDestinationUnreachable',
    { last, lastVerifiedRestore, check: check(false) },
    {},
  ],
  [
    'the newest backup failed',
    'False BackupFailed',
    { last, lastVerifiedRestore, lastFailed: failed, check: check(true) },
    {},
  ],
  ['there is no backup yet and none is late', 'Unknown NoBackupYet', {}, { lastDue: undefined }],
  [
    'a backup is late, and still within its deadline',
    'Unknown BackupUnverified',
    { last: { ...last, at: '2026-01-01T02:00:05Z' } },
    { now: Date.parse('2026-01-02T07:59:00Z') },
  ],
  [
    'a backup is later than its deadline',
    'False BackupOverdue',
    { last: { ...last, at: '2026-01-01T02:00:05Z' }, lastVerifiedRestore },
    {},
  ],
  ['the first backup is later than its deadline', 'False BackupOverdue', {}, {}],
  ['no backup was ever restored', 'Unknown BackupUnverified', { last, check: check(true) }, {}],
  ['the proof is too old', 'Unknown BackupUnverified', { last, lastVerifiedRestore }, { proofMaxAge: 3_600_000 }],
  ['there is a recent backup and a proof', 'True Current', { last, lastVerifiedRestore, check: check(true) }, {}],
])('BackupCurrent when %s is %s', (_what, expected, section, more) => expect(judge(section, more)).toBe(expected))

test('a suspended schedule is not overdue', () =>
  expect(
    judge(
      { last: { ...last, at: '2026-01-01T02:00:05Z' }, lastVerifiedRestore },
      { policy: { schedule: '0 2 * * *', suspend: true, deadline: '6h', destination } },
    ),
  ).toBe('True Current'))
