import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPacer } from './pacer.ts'

test('never lets more than the rate through in any second, whatever the pauses between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 2, maxLength: 120 }),
      async (rate, pauses) => {
        let clock = 0
        const pace = createPacer(
          rate,
          () => clock,
          (ms) => Promise.resolve((clock += ms)),
        )
        const passed: number[] = []
        for (const pause of pauses) {
          clock += pause
          await pace(new AbortController().signal)
          passed.push(clock)
        }
        for (const [index, from] of passed.entries()) {
          const inSecond = passed.slice(index).filter((at) => at < from + 1000 - 1e-6).length
          expect(inSecond).toBeLessThanOrEqual(rate)
        }
      },
    ),
  )
})

test('does not wait when nobody was let through lately', async () => {
  let waited = 0
  const pace = createPacer(
    1,
    () => 5_000,
    (ms) => Promise.resolve((waited += ms)),
  )
  await pace(new AbortController().signal)
  expect(waited).toBe(0)
})

test('ends with the signal', async () => {
  await expect(createPacer(1, () => 0)(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
})
