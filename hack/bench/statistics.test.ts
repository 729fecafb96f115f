import { describe, expect, it } from 'vitest'
import { inFlight, percentile, rounded, slope } from './statistics.ts'

describe('percentile', () => {
  it.each([
    { share: 0.5, expected: 3 },
    { share: 0.99, expected: 5 },
    { share: 0, expected: 1 },
    { share: 1, expected: 5 },
  ])('takes the nearest rank at $share', ({ share, expected }) => {
    expect(percentile([5, 1, 4, 2, 3], share)).toBe(expected)
  })

  it('has no value without samples', () => {
    expect(percentile([], 0.5)).toBeNaN()
  })
})

describe('rounded', () => {
  it('keeps so many decimals', () => {
    expect([rounded(1.25, 1), rounded(1.4)]).toEqual([1.3, 1])
  })
})

describe('slope', () => {
  it('is that of the line, whatever scatters about it evenly', () => {
    expect(
      slope([
        [0, 1],
        [1, 2],
        [2, 5],
        [3, 6],
      ]),
    ).toBeCloseTo(1.8)
  })

  it('has no value for a single moment', () => {
    expect(
      slope([
        [1, 2],
        [1, 3],
      ]),
    ).toBeNaN()
  })
})

describe('inFlight', () => {
  it('works on every item with no more than the width at once', async () => {
    let now = 0
    let most = 0
    const seen: number[] = []
    await inFlight([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(item)
      now -= 1
    })
    expect(seen.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(most).toBe(3)
  })

  it('counts items that are undefined as well', async () => {
    let done = 0
    await inFlight(Array.from({ length: 5 }), 2, () => Promise.resolve(void (done += 1)))
    expect(done).toBe(5)
  })

  it('reports an error of an item', async () => {
    await expect(inFlight([1], 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})
