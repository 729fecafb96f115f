import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createThrottle } from './throttle.ts'

const { signal } = new AbortController()

test('over any time no more passes than the rate allows, but for a second that was missed', async () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 500_000 }), fc.nat({ max: 5_000 })), { minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1_000, max: 1_000_000 }), async (takes, rate) => {
      let now = 0
      const throttle = createThrottle(rate, {
        now: () => now,
        sleep: (ms) => {
          now += ms
          return Promise.resolve()
        },
      })
      let total = 0
      for (const [bytes, pause] of takes) {
        now += pause
        await throttle.take(bytes, signal)
        total += bytes
        expect(total).toBeLessThanOrEqual((rate * (now + 1_001)) / 1_000)
      }
    }),
  )
})

test('streams that share it share the rate', async () => {
  const slept: number[] = []
  const throttle = createThrottle(1_000, {
    now: () => 0,
    sleep: (ms) => {
      slept.push(ms)
      return Promise.resolve()
    },
  })
  await Promise.all([throttle.take(1_000, signal), throttle.take(1_000, signal)])
  expect(slept).toEqual([1_000, 2_000])
})
