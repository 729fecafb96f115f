import { expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { activeSettings, nextEnd, temporariesAt } from './temporary.ts'

const bot = aTodoChatbot({
  services: {
    audit: { debugUntil: '2026-01-01T01:00:00Z' },
    chatApi: { boost: { memory: '1Gi', reason: 'month end', until: '2026-01-01T02:00:00Z' } },
  },
})
const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`)

test.each([
  ['00:59:59', { debug: ['audit'], boost: ['chatApi'] }, '01:00:00'],
  ['01:00:00', { debug: [], boost: ['chatApi'] }, '02:00:00'],
  ['02:00:00', { debug: [], boost: [] }, undefined],
])('at %s what is in force is known, and when to look again', (time, active, end) => {
  expect(activeSettings(bot, at(time))).toEqual(active)
  expect(nextEnd(bot, at(time))).toBe(end === undefined ? undefined : at(end))
})

test('a temporary setting says when it ends and why it was made', () =>
  expect(temporariesAt(bot, at('01:30:00'))).toEqual([
    { worker: 'chatApi', kind: 'Boost', until: '2026-01-01T02:00:00Z', reason: 'month end' },
  ]))
