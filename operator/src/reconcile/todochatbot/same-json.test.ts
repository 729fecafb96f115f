import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../../desired/hash.ts'
import { sameJson } from './same-json.ts'

const small = fc.jsonValue({ maxDepth: 2 })

test('agrees with a comparison of canonical texts', () => {
  fc.assert(
    fc.property(small, small, (a, b) => {
      expect(sameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b))
      expect(sameJson(a, JSON.parse(canonicalJson(a)))).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  { a: { x: 1, y: undefined }, b: { x: 1 }, same: true },
  { a: { x: 1 }, b: { x: 1, y: undefined }, same: true },
  { a: { x: undefined }, b: { x: null }, same: false },
  { a: { x: 1, y: 2 }, b: { y: 2, x: 1 }, same: true },
  { a: [1, 2], b: [2, 1], same: false },
  { a: [], b: {}, same: false },
])('$a and $b', ({ a, b, same }) => {
  expect([sameJson(a, b), sameJson(b, a)]).toEqual([same, same])
})
