import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cover } from './backup-log.ts'

const range = fc.tuple(fc.nat(40), fc.nat(40)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }))

test('every offset that some backup holds is read once, from the first that has it; the others are counted', () => {
  fc.assert(
    fc.property(range, fc.array(range, { maxLength: 6 }), (wanted, held) => {
      const holdings = held.map((holding, index) => ({ path: String(index), ...holding }))
      const { pieces, lacking } = cover({ from: wanted.start, to: wanted.end }, holdings)
      const read = pieces.flatMap(({ path, from, to }) =>
        Array.from({ length: to - from }, (_, n) => [from + n, path] as const),
      )
      const expected: (readonly [number, string])[] = []
      let none = 0
      for (let offset = wanted.start; offset < wanted.end; offset += 1) {
        const holder = holdings.find(({ start, end }) => offset >= start && offset < end)
        if (holder === undefined) none += 1
        else expected.push([offset, holder.path])
      }
      expect(read).toEqual(expected)
      expect(lacking).toBe(none)
    }),
  )
})
