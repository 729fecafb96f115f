import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareResourceVersions } from './resource-version.ts'

test('versions compare as numbers, beyond what a double can hold', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 2n ** 80n), fc.bigInt(1n, 2n ** 80n), (left, right) => {
      const expected = left < right ? -1 : left > right ? 1 : 0
      expect(Math.sign(compareResourceVersions(String(left), String(right)) ?? NaN)).toBe(expected)
    }),
  )
})

test.each([
  ['7', 'abc'],
  ['', '7'],
  ['007', '7'],
  [undefined, '7'],
])('%j and %j are not comparable', (left, right) => {
  expect(compareResourceVersions(left, right)).toBeUndefined()
})
