import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rounded, showFigure, type ShownFigure } from './shown-figure.ts'

const after = (...figures: number[]): number =>
  figures.reduce<ShownFigure | undefined>((before, figure) => showFigure(figure, before), undefined)?.shown ?? NaN

describe('a figure in a status', () => {
  test.each([
    [0, 0],
    [99, 99],
    [104, 100],
    [1_234, 1_200],
    [98_765, 99_000],
  ])('%i is rounded to %i', (figure, shown) => {
    expect(rounded(figure)).toBe(shown)
  })

  test.each([
    { name: 'is shown at once when it is the first', figures: [7], shown: 7 },
    { name: 'holds still while a busy topic has a few events under way', figures: [0, 3, 0, 1, 4], shown: 0 },
    { name: 'follows a small change that lasts', figures: [0, 1, 1], shown: 1 },
    { name: 'returns to zero after one more look', figures: [5, 0, 0], shown: 0 },
    { name: 'follows a real change at once', figures: [0, 500], shown: 500 },
    { name: 'holds still when a large figure trembles', figures: [5_000, 5_300, 4_900, 5_200], shown: 5_000 },
  ])('$name', ({ figures, shown }) => {
    expect(after(...figures)).toBe(shown)
  })

  test('is never off by more than 10 and a fifth, and is right once the figure rests', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 1 }), (figures) => {
        const last = figures.at(-1) ?? 0
        const shown = after(...figures)
        expect(Math.abs(rounded(last) - shown)).toBeLessThanOrEqual(Math.max(10, shown / 5))
        expect(after(...figures, last, last)).toBe(rounded(last))
      }),
    )
  })
})
