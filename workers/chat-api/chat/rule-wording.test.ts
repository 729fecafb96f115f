import { describe, expect, it } from 'vitest'
import { inWords } from './rule-wording.ts'

describe('a rule in words', () => {
  it.each([
    ['FREQ=WEEKLY;BYDAY=MO', 'every week on Monday'],
    ['FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', 'every weekday'],
    ['FREQ=MONTHLY;BYMONTHDAY=-1', 'every month on the last day'],
    ['FREQ=MONTHLY;BYMONTHDAY=15,-1', 'every month on the 15th and last day'],
    ['FREQ=MONTHLY;BYDAY=3FR', 'every month on the 3rd Friday'],
    ['FREQ=WEEKLY;COUNT=10;BYDAY=MO,TH', 'every week on Monday, Thursday for 10 times'],
    ['FREQ=DAILY;INTERVAL=2', 'every 2 days'],
  ])('%s is "%s"', (rule, words) => {
    expect(inWords(rule)).toBe(words)
  })

  it.each(['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', 'FREQ=DAILY;UNTIL=20270101T000000Z'])(
    '%s is left as it is, because words would say another rule',
    (rule) => {
      expect(inWords(rule)).toBeUndefined()
    },
  )
})
