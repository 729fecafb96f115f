import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantityOf, sameQuantity } from './quantity.ts'

test.each([
  ['1000m', '1'],
  ['0.5', '500m'],
  ['1024Mi', '1Gi'],
  ['0.5Gi', '512Mi'],
  ['1e3', '1k'],
  ['1E', '1000P'],
  ['.5', '0.500'],
  ['-2', '-2000m'],
  [1, '1'],
  ['100n', '0.1u'],
])('%j and %j are the same quantity', (left, right) => {
  expect(sameQuantity(left, right)).toBe(true)
})

test.each([
  ['1', '1m'],
  ['1Gi', '1G'],
  ['1Ki', '1k'],
  ['250m', '0.26'],
])('%j and %j differ', (left, right) => {
  expect(sameQuantity(left, right)).toBe(false)
})

test.each(['', '.', '1 Gi', '1gi', 'Gi', '1.2.3', 'NaN', true, null, {}])('%j is no quantity', (value) => {
  expect(quantityOf(value)).toBeUndefined()
})

test('a number of millis is the same with and without its suffix', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 15n), (millis) => {
      const fraction = String(millis % 1000n).padStart(3, '0')
      expect(sameQuantity(`${millis}m`, `${millis / 1000n}.${fraction}`)).toBe(true)
    }),
  )
})
