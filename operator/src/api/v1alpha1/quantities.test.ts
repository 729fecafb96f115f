import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalQuantity, quantityValue } from './quantities.ts'

describe('a quantity', () => {
  // The right-hand side is what kube-apiserver 1.35 stores for the left-hand side.
  test.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['1024Mi', '1Gi'],
    ['1536Mi', '1536Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Gi', '512Mi'],
    ['1000k', '1M'],
    ['100m', '100m'],
    ['0', '0'],
    ['2', '2'],
    ['512', '512'],
  ])('%s is stored as %s', (text, canonical) => expect(canonicalQuantity(text)).toBe(canonical))

  test.each(['', 'lots', '1GB', '-1', '1 Gi', '.5'])('%j is refused', (text) =>
    expect(() => canonicalQuantity(text)).toThrow(/is not a quantity/),
  )

  test('keeps its value in canonical form, and is then canonical', () => {
    const quantity = fc
      .tuple(fc.nat(100_000), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi'))
      .map(([amount, suffix]) => `${String(amount)}${suffix}`)
    fc.assert(
      fc.property(quantity, (text) => {
        const canonical = canonicalQuantity(text)
        expect(quantityValue(canonical)).toBe(quantityValue(text))
        expect(canonicalQuantity(canonical)).toBe(canonical)
      }),
    )
  })
})
