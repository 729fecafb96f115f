import { Temporal } from 'temporal-polyfill'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { parseMessage } from './parse.ts'
import { isUnclear } from './unclear.ts'
import { findWhen } from './when.ts'

const hostZone = process.env['TZ']
const setHostZone = (zone: string | undefined): void => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
}
afterEach(() => setHostZone(hostZone))

const due = (words: string, now: string, zone: string): string | undefined => {
  const found = findWhen(words, { now: Temporal.Instant.from(now), zone })
  if (isUnclear(found)) throw new Error(found.unclear)
  return found?.at.toInstant().toString()
}

describe('dates in the zone of the user', () => {
  it.each<[string, string, string, string, string]>([
    [
      'names the same wall-clock time in different zones',
      'tomorrow at 9am',
      '2026-01-14T09:00:00Z',
      'America/New_York',
      '2026-01-15T14:00:00Z',
    ],
    [
      'lets the user be a day ahead of UTC',
      'tomorrow at 9am',
      '2026-01-14T12:00:00Z',
      'Pacific/Auckland',
      '2026-01-15T20:00:00Z',
    ],
    [
      'lets the user be a day behind UTC',
      'today at 9pm',
      '2026-01-15T02:00:00Z',
      'America/Los_Angeles',
      '2026-01-15T05:00:00Z',
    ],
    [
      'keeps the wall-clock time over the start of summer time',
      'on 2026-03-30 at 9am',
      '2026-03-27T09:00:00Z',
      'Europe/Berlin',
      '2026-03-30T07:00:00Z',
    ],
    [
      'moves a time in the spring gap forward',
      '2026-03-29 at 02:30',
      '2026-03-27T09:00:00Z',
      'Europe/Berlin',
      '2026-03-29T01:30:00Z',
    ],
    [
      'takes the first of two equal times in autumn',
      '2026-10-25 at 02:30',
      '2026-10-20T09:00:00Z',
      'Europe/Berlin',
      '2026-10-25T00:30:00Z',
    ],
    [
      'adds exact hours over the change of the clocks',
      'in 3 hours',
      '2026-03-29T00:00:00Z',
      'Europe/Berlin',
      '2026-03-29T03:00:00Z',
    ],
    ['knows half-hour zones', 'tomorrow at noon', '2026-01-14T09:00:00Z', 'Asia/Kolkata', '2026-01-15T06:30:00Z'],
    [
      'takes a zone that is written out',
      '2026-01-27T09:00:00Z',
      '2026-01-14T09:00:00Z',
      'Asia/Kolkata',
      '2026-01-27T09:00:00Z',
    ],
  ])('%s', (_name, words, now, zone, expected) => {
    expect(due(words, now, zone)).toBe(expected)
  })

  it('does not depend on the zone of the host, not even on dates that do not exist there', () => {
    const phrases = [
      '2026-03-08 at 02:30',
      '2026-03-29 at 02:30',
      'tomorrow at 5pm',
      'next friday',
      'tonight',
      'in 3 days',
      '27 jan',
    ]
    const answers = ['UTC', 'America/New_York', 'Europe/Berlin', 'Pacific/Apia', 'Australia/Lord_Howe'].map((host) => {
      setHostZone(host)
      return phrases.map((words) => due(words, '2026-01-14T09:00:00Z', 'Asia/Tokyo'))
    })
    expect(answers[0]?.every((answer) => answer !== undefined)).toBe(true)
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })
})

describe('any message', () => {
  const words = fc.constantFrom(
    ...[
      'add',
      'list',
      'delete',
      'every',
      'every!',
      'each',
      'tomorrow',
      'at 5pm',
      'at 5',
      'fri',
      'and',
      '2nd',
      '15th',
      'remind me',
      '30m before',
    ],
    ...[
      'until',
      'starting',
      'for 3 weeks',
      '"quoted text"',
      '#tag',
      'p1',
      '//',
      '1/2',
      '2026-02-30',
      'may',
      '#2',
      'the second one',
      'all',
      "'; DROP TABLE tasks; --",
    ],
  )
  const clock = { now: Temporal.Instant.from('2026-01-14T09:00:00Z'), zone: 'Europe/Berlin' }

  it('becomes one command without throwing, and never a due time in the past', () => {
    const message = fc.oneof(
      fc.array(words, { maxLength: 12 }).map((parts) => parts.join(' ')),
      fc.string({ maxLength: 300, unit: 'binary' }),
    )
    fc.assert(
      fc.property(message, (text) => {
        const command = parseMessage(text, clock)
        if (command.intent !== 'add' || command.dueAt === null) return
        expect(Date.parse(command.dueAt)).toBeGreaterThanOrEqual(clock.now.epochMilliseconds)
      }),
      { numRuns: 500 },
    )
  }, 30_000)

  it('costs in proportion to its length at most squared, even when it is made to backtrack', () => {
    const hostile = [
      ...[
        'add x every mon, ',
        'every 1st and ',
        'add x remind me at ',
        'a ',
        '"',
        'list all my the ',
        'delete 1, ',
        ' ',
      ],
      ...['tomorrow ', '#a ', 'at 5 ', 'due on ', 'add x every day until ', 'mark as ', ',;', '1/', '\uE000'],
    ]
    // Processor time, the least of three runs: what else the machine does has no part in it.
    const cost = (text: string): number =>
      Math.min(
        ...[1, 2, 3].map(() => {
          const before = process.cpuUsage()
          parseMessage(text, clock)
          return process.cpuUsage(before).user
        }),
      )
    for (const piece of hostile) {
      const text = `add ${piece.repeat(2000)}`
      const half = Math.max(cost(text.slice(0, 1000)), 2_000)
      expect(cost(text.slice(0, 2000)) / half, piece).toBeLessThan(8)
    }
  })
})
