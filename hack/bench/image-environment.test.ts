import { expect, it } from 'vitest'
import { environmentOf, imageEnvironment, operatorMemoryLimit, withinLimit } from './image-environment.ts'

it('reads quoted and plain values, over several lines', () => {
  const dockerfile = 'FROM node\nENV NODE_ENV=production NODE_OPTIONS="--a=1 --b" \\\n    OTHER=x\nUSER 1\nENV LATE=y\n'
  expect(environmentOf(dockerfile)).toEqual({
    NODE_ENV: 'production',
    NODE_OPTIONS: '--a=1 --b',
    OTHER: 'x',
    LATE: 'y',
  })
})

it('bounds the heap as the container would, by a share of its memory limit', () => {
  const options = { NODE_OPTIONS: '--a --max-old-space-size-percentage=50 --b' }
  expect(withinLimit(options, 512)).toEqual({ NODE_OPTIONS: '--a --max-old-space-size=256 --b' })
})

it('the operator ships with a bound on its heap that leaves room below the memory limit of its chart', async () => {
  const limit = await operatorMemoryLimit()
  const { NODE_OPTIONS = '' } = await imageEnvironment('operator', limit)
  const heap = Number(/--max-old-space-size=(\d+)/.exec(NODE_OPTIONS)?.[1])
  expect(heap).toBeGreaterThan(0)
  expect(heap).toBeLessThanOrEqual(limit - 150)
})
