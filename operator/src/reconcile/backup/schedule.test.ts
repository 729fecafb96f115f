import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backupSpecSchema, maxBackupName } from '../../api/v1alpha1/backup.ts'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { planSchedule, scheduledBackup, scheduledName } from './schedule.ts'

const at = (text: string): number => Date.parse(text)
const nightly = { schedule: '0 2 * * *', timeZone: 'UTC', suspend: false, immediate: false }
const plan = (policy: object, answered: string | undefined, now: string, busy = false) =>
  planSchedule({
    field: 'spec.backup',
    policy: { ...nightly, ...policy },
    answered: answered === undefined ? undefined : at(answered),
    busy,
    now: at(now),
  })

describe('a schedule', () => {
  test.each([
    ['is not due before its time', '2026-01-01T02:00:00Z', '2026-01-02T01:59:59Z', undefined],
    ['is due at its time', '2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', '2026-01-02T02:00:00Z'],
    [
      'is due once for many missed times, the newest',
      '2026-01-01T02:00:00Z',
      '2026-03-01T09:00:00Z',
      '2026-03-01T02:00:00Z',
    ],
    ['is not due again for a time that was answered', '2026-01-02T02:00:00Z', '2026-01-02T23:00:00Z', undefined],
    [
      'is not due for what was answered when the clock goes back',
      '2026-01-05T02:00:00Z',
      '2026-01-03T12:00:00Z',
      undefined,
    ],
  ])('%s', (_what, answered, now, due) =>
    expect(plan({}, answered, now).due).toBe(due === undefined ? undefined : at(due)),
  )

  test('that is new waits for its first time, whatever lies before', () =>
    expect(plan({}, undefined, '2026-01-02T12:00:00Z')).toEqual({
      next: at('2026-01-03T02:00:00Z'),
      answered: at('2026-01-02T12:00:00Z'),
    }))

  test('that is immediate is due at once, and then at its times', () => {
    expect(plan({ immediate: true }, undefined, '2026-01-02T12:00:30Z').due).toBe(at('2026-01-02T12:00:00Z'))
    expect(plan({ immediate: true }, '2026-01-02T12:00:00Z', '2026-01-02T12:01:00Z').due).toBeUndefined()
  })

  test('that is suspended is not due, has no next time, and does not make up for it afterwards', () => {
    const suspended = plan({ suspend: true }, '2026-01-01T02:00:00Z', '2026-01-09T12:00:00Z')
    expect(suspended).toEqual({ answered: at('2026-01-09T02:00:00Z') })
    expect(plan({}, '2026-01-09T02:00:00Z', '2026-01-09T12:00:01Z').due).toBeUndefined()
  })

  test('waits for a backup that is unfinished and makes up for it', () => {
    const busy = plan({}, '2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', true)
    expect(busy.due).toBeUndefined()
    expect(busy.answered).toBe(at('2026-01-01T02:00:00Z'))
    expect(plan({}, '2026-01-01T02:00:00Z', '2026-01-02T04:30:00Z').due).toBe(at('2026-01-02T02:00:00Z'))
  })

  test('follows the clocks of its zone: half past two comes once in the night that has it twice, and later in the one without', () => {
    const berlin = { schedule: '30 2 * * *', timeZone: 'Europe/Berlin' }
    expect(plan(berlin, '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z').due).toBe(at('2026-10-25T00:30:00Z'))
    expect(plan(berlin, '2026-10-25T00:30:00Z', '2026-10-25T01:45:00Z').due).toBeUndefined()
    expect(plan(berlin, '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z').due).toBe(at('2026-03-29T01:00:00Z'))
  })

  test.each([
    ['a minute that does not exist', { schedule: '61 2 * * *' }, /61/],
    ['a zone that does not exist', { timeZone: 'Europe/Nowhere' }, /time zone is not known.*Europe\/Berlin/],
    ['a day that never comes', { schedule: '0 0 30 2 *' }, /no time that ever comes/],
  ])('with %s says so', (_what, policy, says) =>
    expect(plan(policy, undefined, '2026-01-02T12:00:00Z').problem).toMatch(says),
  )
})

test('says which schedule it is that cannot be followed, also when two are the same', () => {
  const policy = { ...nightly, timeZone: 'Europe/Nowhere' }
  const problemOf = (field: 'spec.backup' | 'spec.backup.drill') =>
    planSchedule({ field, policy, answered: undefined, busy: false, now: 0 }).problem
  expect(problemOf('spec.backup')).toMatch(/^spec.backup.schedule "0 2/)
  expect(problemOf('spec.backup.drill')).toMatch(/^spec.backup.drill.schedule "0 2/)
})

const schedules = fc.constantFrom(
  '* * * * *',
  '*/7 * * * *',
  '0 2 * * *',
  '30 2 * * *',
  '0 0 1 * *',
  '15 3 * * MON-FRI',
)
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe')
const moments = fc.integer({ min: at('2024-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') })

test('no clock makes a schedule storm: however it jumps, an operator makes at most one backup per look and none twice', () => {
  fc.assert(
    fc.property(schedules, zones, fc.array(moments, { minLength: 2, maxLength: 6 }), (schedule, timeZone, looks) => {
      const made = new Map<string, number>()
      let answered: number | undefined
      for (const now of looks) {
        for (let again = 0; again < 3; again += 1) {
          const policy = { ...nightly, schedule, timeZone }
          const result = planSchedule({ field: 'spec.backup', policy, answered, busy: false, now })
          if (result.due !== undefined) {
            expect(again, 'only the first look at a moment finds something due').toBe(0)
            expect(result.due).toBeLessThanOrEqual(now)
            made.set(scheduledName('todo', result.due), result.due)
          }
          answered = result.due ?? result.answered
          expect(answered).toBeLessThanOrEqual(now)
          expect(result.next).toBeGreaterThan(now)
        }
      }
      expect(made.size).toBeLessThan(looks.length)
    }),
    { numRuns: 40 },
  )
})

test('the Backup of a time has a name that fits, a spec that the schema accepts, and no owner that takes it along', () => {
  const bot = aTodoChatbot({}, { name: 'a'.repeat(30) })
  const backup = scheduledBackup(bot, at('2026-01-02T02:00:00Z'))
  expect(backup.metadata.name).toBe(`${'a'.repeat(30)}-20260102-0200`)
  expect(backup.metadata.name.length).toBeLessThanOrEqual(maxBackupName)
  expect(backupSpecSchema.safeParse(backup['spec']).success).toBe(true)
  expect(backup.metadata.ownerReferences).toBeUndefined()
})
