import { expect, test } from 'vitest'
import { memoByIdentity } from './memo.ts'

test('an object is worked out once, an equal one anew', () => {
  let worked = 0
  const double = memoByIdentity(({ value }: { value: number }) => {
    worked += 1
    return { doubled: value * 2 }
  })
  const key = { value: 2 }
  expect(double(key)).toBe(double(key))
  expect(double({ value: 2 })).toEqual({ doubled: 4 })
  expect(worked).toBe(2)
})
