import { expect, test } from 'vitest'
import { destinationSchema } from '../../api/v1alpha1/schema/destination.ts'
import type { SystemBackup } from '../../api/v1alpha1/schema/backup-status.ts'
import { backupCondition, type CurrencyInput } from './condition.ts'

const now = Date.parse('2026-01-02T12:00:00Z')
const destination = destinationSchema.parse({ volume: {} })
const last = { name: 'b', at: '2026-01-02T02:00:05Z', phase: 'Succeeded' } as const
const lastVerifiedRestore = { backup: 'b', path: 'p', at: '2026-01-02T03:00:00Z' }
const failed = { name: 'c', at: '2026-01-02T04:00:00Z', message: 'no space' }
const drillFailed = { restore: 'r', backup: 'b', at: '2026-01-02T05:00:00Z', message: 'PartCorrupt' }
const check = (ok: boolean) => ({ at: '2026-01-02T11:00:00Z', of: 'x', ok, ...(ok ? {} : { message: 'wrong key' }) })
const said = (section: SystemBackup | undefined, more: Partial<CurrencyInput> = {}) => {
  const policy = { schedule: '0 2 * * *', suspend: false, deadline: '6h', destination }
  return backupCondition({
    name: 'todo',
    policy,
    section,
    scheduleProblem: undefined,
    lastDue: Date.parse('2026-01-02T02:00:00Z'),
    now,
    ...more,
  })
}
const judge = (...input: Parameters<typeof said>): string => {
  const { status, reason } = said(...input)
  return `${status} ${reason}`
}
const messageOf = (...input: Parameters<typeof said>): string => said(...input).message
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
  [
    'the newest drill failed',
    'False DrillFailed',
    { last, lastVerifiedRestore, drill: { lastFailed: drillFailed } },
    { proofMaxAge: 3_600_000 },
  ],
  [
    'the schedule of drills cannot be followed',
    'False BackupScheduleInvalid',
    { last, lastVerifiedRestore },
    { drillProblem: 'no such zone' },
  ],
  [
    'a drill and a backup failed',
    'False BackupFailed',
    { last, lastVerifiedRestore, lastFailed: failed, drill: { lastFailed: drillFailed } },
    {},
  ],
  ['the proof is as old as it may be', 'True Current', { last, lastVerifiedRestore }, { proofMaxAge: 9 * 3_600_000 }],
  ['there is a recent backup and a proof', 'True Current', { last, lastVerifiedRestore, check: check(true) }, {}],
])('BackupCurrent when %s is %s', (_what, expected, section, more) => expect(judge(section, more)).toBe(expected))

test.each([
  [
    'says when the next drill is due',
    { next: '2026-01-04T04:00:00Z' },
    'the next drill is due at 2026-01-04T04:00:00Z',
  ],
  ['names the drill under way', { running: 'r', next: '2026-01-04T04:00:00Z' }, 'Restore/r is under way'],
])('a backup that is not proved %s', (_what, drill, says) => expect(messageOf({ last, drill })).toContain(says))

test('a suspended schedule is not overdue', () =>
  expect(
    judge(
      { last: { ...last, at: '2026-01-01T02:00:05Z' }, lastVerifiedRestore },
      { policy: { schedule: '0 2 * * *', suspend: true, deadline: '6h', destination } },
    ),
  ).toBe('True Current'))
