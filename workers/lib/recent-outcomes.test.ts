import { expect, test } from 'vitest'
import { createRecentOutcomes, outcomesWindow } from './recent-outcomes.ts'

test('what was handled counts for a minute, and then no longer', () => {
  let time = 12_345
  const outcomes = createRecentOutcomes(() => time)
  outcomes.record(false)
  time += outcomesWindow / 2
  outcomes.record(true)
  expect(outcomes.counts()).toEqual({ handled: 2, failed: 1 })
  time += outcomesWindow / 2 + 5_000
  expect(outcomes.counts()).toEqual({ handled: 1, failed: 0 })
  time += outcomesWindow
  expect(outcomes.counts()).toEqual({ handled: 0, failed: 0 })
})
