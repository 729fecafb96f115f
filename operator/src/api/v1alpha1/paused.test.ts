import { expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { isPaused, pauseEndsAt } from './paused.ts'

const bot = aTodoChatbot({ paused: { reason: 'audit', by: 'ops', until: '2026-06-01T12:00:00+02:00' } })
const end = Date.UTC(2026, 5, 1, 10)

test('a pause lasts until its end and not longer', () => {
  expect(isPaused(bot, end - 1)).toBe(true)
  expect(isPaused(bot, end)).toBe(false)
})

test('the end of a pause is known, so that the operator can look again then', () => {
  expect(pauseEndsAt(bot)).toBe(end)
  expect(pauseEndsAt(aTodoChatbot())).toBeUndefined()
})

test('a system without a pause is never paused', () => expect(isPaused(aTodoChatbot(), 0)).toBe(false))
